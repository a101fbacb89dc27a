"""The README that lies beside a dataset's files: what each file is, and how to load it.

It is a Hugging Face dataset card, too: its front matter names a configuration for each table, with
the columns' types, so that `datasets.load_dataset(FOLDER, "labels")` needs no guessing.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from annotations.tables import Run
from exports.columns import ALL_FILES, SPREADSHEET_COPIES

README = "README.md"
_TYPES = {
    "string": "string",
    "integer": "int64",
    "float32": "float32",
    "float64": "float64",
    "timestamp": "string",
}

_TEMPLATE = """\
---
{front_matter}
---

# {title}

{description} {people}

| file | a row is |
|---|---|
{files}
| `manifest.json` | not a table: the run, the filters used, and the SHA-256 of every file |
| `croissant.json` | not a table: the same tables described for Croissant loaders |

`data_dictionary.csv` explains every column. `layer` and `key` together name a key; with
`annotator` they name an answer, with `pattern` added a pattern, with `rank` a trigger prefix. The
files join on these columns. An answer that says that there is no pattern has a row in
`submissions.csv` alone. Skipped keys, flags and notes are not in a dataset; drafts are only where
the filters in `manifest.json` say `all`.

## Loading

UTF-8, comma-separated, CRLF line ends, the first line holds the column names. Prefixes are corpus
text: they may contain quotes, line breaks, the word `NA`, or begin with `=`. Read them as text:

```python
import pandas as pd

text = {{"prefix": str, "next_token": str, "token_ends": str}}
prefixes = pd.read_csv("prefixes.csv", keep_default_na=False, dtype=text)
statistics = pd.read_csv("layer_statistics.csv")
```

```python
import datasets

labels = datasets.load_dataset("PATH_OF_THIS_FOLDER", "labels", split="train")
```

```r
text <- readr::cols(prefix = "c", next_token = "c", token_ends = "c")
prefixes <- readr::read_csv("prefixes.csv", col_types = text, na = character(), trim_ws = FALSE)
```

Numbers have as many digits as it takes to read them back exactly. `datasets` loads a table without
rows only with `streaming=True`.

{spreadsheets} To draw the charts again, in a checkout of Keyhole, or to label on (an import leaves
out the folder `figures`, which is made of the mining run alone):

```
python -m exports charts PATH_OF_THIS_FOLDER
python -m annotations import-dataset PATH_OF_THIS_FOLDER
```
"""
_WARNED = (
    "A spreadsheet program may take a text that begins with `=`, `+`, `-` or `@` for a formula: "
    "import\nthe files as text there, or export with `--spreadsheet`."
)
_SAFE = (
    "The files called `…_spreadsheet.csv` are to be opened in spreadsheet programs: the same rows, "
    "with an\napostrophe before text that such a program would calculate. Compute with the others."
)


@dataclass(frozen=True)
class About:
    """What a dataset is, in words."""

    title: str
    description: str
    people: str
    citation: str


def describe(run: Run, *, names: bool) -> About:
    """What the dataset of a run is."""
    paper = 'Geva et al., "Transformer Feed-Forward Layers Are Key-Value Memories" (EMNLP 2021)'
    return About(
        title=f"Keyhole dataset: {run.name}",
        description=(
            "What annotators found in the trigger prefixes of feed-forward keys of the language "
            f"model `{run.model}` over the corpus `{run.corpus}`, after {paper}."
        ),
        people=f"Annotators appear {'by name' if names else 'under pseudonyms'}.",
        citation=f"Labels made with Keyhole, after {paper}",
    )


def table_name(file: str) -> str:
    """What loaders call the table in a file."""
    return PurePosixPath(file).stem


def render_readme(about: About, files: Collection[str], *, spreadsheet: bool = False) -> bytes:
    """The README of one run's dataset with these tables, in Markdown."""
    rows = {name: ALL_FILES[name].row for name in files}
    if spreadsheet:
        copies = [(name, copy) for name, copy in SPREADSHEET_COPIES.items() if name in files]
        rows |= {
            copy: f"the same as in `{name}`, for spreadsheet programs" for name, copy in copies
        }
    text = _TEMPLATE.format(
        front_matter="\n".join(_front_matter(about, files)),
        title=about.title,
        description=about.description,
        people=about.people,
        files="\n".join(f"| `{name}` | {row} |" for name, row in rows.items()),
        spreadsheets=_SAFE if spreadsheet else _WARNED,
    )
    return text.encode("utf-8")


def _front_matter(about: About, files: Collection[str]) -> list[str]:
    """YAML: a configuration and its columns' types for each table, `labels` the default."""
    lines = [f"pretty_name: {json.dumps(about.title, ensure_ascii=False)}", "configs:"]
    features = ["dataset_info:"]
    for file in files:
        name, described = table_name(file), ALL_FILES[file]
        lines += [f"- config_name: {name}", f"  data_files: {file}"]
        if name == "labels":
            lines.append("  default: true")
        # No text is a missing value, whatever it looks like; an empty number is.
        optional = [c.name for c in described.columns if c.optional and c.type != "timestamp"]
        lines.append("  keep_default_na: false")
        if optional:
            lines += ["  na_values:", *(f'    {column}: [""]' for column in optional)]
        features += [f"- config_name: {name}", "  features:"]
        for column in described.columns:
            features += [f"  - name: {column.name}", f"    dtype: {_TYPES[column.type]}"]
    return lines + features
