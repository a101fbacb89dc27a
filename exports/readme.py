"""The README that lies beside a dataset's files: what each file is, and how to load it."""

from exports.columns import FILES

README = "README.md"

_TEMPLATE = """\
# Keyhole dataset: {run}

What annotators found in the trigger prefixes of feed-forward keys of the language model `{model}`
over the corpus `{corpus}`, after Geva et al., "Transformer Feed-Forward Layers Are Key-Value
Memories" (EMNLP 2021). {people}

| file | a row is |
|---|---|
{files}
| `manifest.json` | not a table: the run, the filters used, and the SHA-256 of every file |

`data_dictionary.csv` explains every column. `layer` and `key` together name a key; with
`annotator` they name an answer, with `pattern` added a pattern, with `rank` a trigger prefix. The
files join on these columns. Only submitted answers are in them.

## Loading

UTF-8, comma-separated, CRLF line ends, the first line holds the column names. Prefixes are corpus
text: they may contain quotes, line breaks, the word `NA`, or begin with `=`. Read them as text:

```python
import pandas as pd

text = {{"prefix": str, "next_token": str}}
prefixes = pd.read_csv("prefixes.csv", keep_default_na=False, dtype=text)
statistics = pd.read_csv("layer_statistics.csv")
```

Numbers have as many digits as it takes to read them back exactly.

A spreadsheet program may take a text that begins with `=`, `+`, `-` or `@` for a formula: import
the files as text there. To draw the paper's figure 2 again, in a checkout of Keyhole:

```
python -m exports charts PATH_OF_THIS_FOLDER
```
"""


def render_readme(run: str, model: str, corpus: str, *, names: bool) -> str:
    """The README of one run's dataset, in Markdown."""
    people = "Annotators appear under pseudonyms."
    if names:
        people = "Annotators appear by name."
    return _TEMPLATE.format(
        run=run,
        model=model,
        corpus=corpus,
        people=people,
        files="\n".join(f"| `{name}` | {file.row} |" for name, file in FILES.items()),
    )
