"""Every column of every file of a dataset: its type, its unit and what it means.

This is the one description: the CSV writer formats by it, `data_dictionary.csv` and the dataset's
README are made of it. Types are `string`, `integer`, `float32`, `float64` and `timestamp`
(ISO 8601, UTC). Shares lie between 0 and 1.
"""

from dataclasses import dataclass

DICTIONARY = "data_dictionary.csv"
STATISTICS = "layer_statistics.csv"


@dataclass(frozen=True)
class Column:
    """One column. A cell may be empty only where `optional` says so; texts may always be."""

    name: str
    type: str
    unit: str
    meaning: str
    optional: bool = False


@dataclass(frozen=True)
class DatasetFile:
    """One CSV file: what a row of it is, and its columns in order."""

    row: str
    columns: tuple[Column, ...]


_LAYER = Column("layer", "integer", "", "Feed-forward layer, counted from 0.")
_KEY = Column("key", "integer", "", "Key within the layer, counted from 0.")
_ANNOTATOR = Column(
    "annotator",
    "string",
    "",
    "Who answered, the same in every file: a pseudonym (`annotator-1` a person, `machine-1` a "
    "program) or a name; `gold` is the agreed answer, which repeats what annotators said.",
)
_PATTERN = Column(
    "pattern", "integer", "", "The pattern's number within this annotator's answer, from 1."
)
_RANK = Column(
    "rank", "integer", "", "Place among the key's trigger prefixes; 1 has the largest coefficient."
)

FILES = {
    "keys.csv": DatasetFile(
        "a key put to annotators",
        (
            Column("run", "string", "", "Name of the mining run."),
            Column("model", "string", "", "Language model that was mined."),
            _LAYER,
            _KEY,
            Column(
                "active_share",
                "float32",
                "share of positions",
                "Share of the corpus positions at which the key's memory coefficient is above 0.",
            ),
        ),
    ),
    "prefixes.csv": DatasetFile(
        "a trigger prefix of such a key",
        (
            _LAYER,
            _KEY,
            _RANK,
            Column(
                "coefficient",
                "float32",
                "activation",
                "Memory coefficient of the key at the prefix's last token; "
                "not comparable across layers.",
            ),
            Column("prefix", "string", "", "Text from the sentence's start to the trigger token."),
            Column(
                "next_token",
                "string",
                "",
                "Token that follows the prefix; empty where the prefix ends its sentence.",
            ),
            Column(
                "sentence_id", "integer", "", "Sentence in the corpus, in corpus order, from 0."
            ),
            Column("position", "integer", "tokens", "Index of the prefix's last token, from 0."),
        ),
    ),
    "annotators.csv": DatasetFile(
        "whoever answered",
        (
            _ANNOTATOR,
            Column(
                "kind",
                "string",
                "",
                "`human`, `machine` (a program's labels; in no statistic or agreement unless asked "
                "for) or `gold` (the agreed answer).",
            ),
        ),
    ),
    "submissions.csv": DatasetFile(
        "one annotator's answer for one key, `no pattern` included",
        (
            _LAYER,
            _KEY,
            _ANNOTATOR,
            Column(
                "status",
                "string",
                "",
                "`submitted`, or `no pattern`: submitted with the statement that there is none.",
            ),
            Column(
                "submitted_at", "timestamp", "UTC", "When the answer was submitted.", optional=True
            ),
            Column("seconds", "float64", "seconds", "Time spent on the answer, without pauses."),
            Column("guideline_version", "string", "", "Guidelines that the annotator had to hand."),
        ),
    ),
    "patterns.csv": DatasetFile(
        "a pattern that an annotator found",
        (
            _LAYER,
            _KEY,
            _ANNOTATOR,
            _PATTERN,
            Column(
                "type",
                "string",
                "",
                "`shallow` (recurring n-grams) or `semantic` (recurring topic).",
            ),
            Column("description", "string", "", "The pattern in the annotator's words."),
        ),
    ),
    "labels.csv": DatasetFile(
        "a tick: this prefix contains this pattern",
        (_LAYER, _KEY, _ANNOTATOR, _PATTERN, _RANK),
    ),
    STATISTICS: DatasetFile(
        "a layer × category; the paper's figure 2 is drawn from it alone",
        (
            _LAYER,
            Column(
                "category",
                "string",
                "",
                "`shallow`, `semantic`, `shallow+semantic` or `not covered`, after the types of "
                "the patterns ticked for a prefix.",
            ),
            Column(
                "prefixes",
                "float64",
                "prefixes",
                "Trigger prefixes in the category. A key counts once: its answers share the weight "
                "equally, unless there is a gold one, which then counts alone.",
            ),
            Column("share", "float64", "share of prefixes", "Share of the layer's prefixes."),
            Column(
                "ci_low",
                "float64",
                "share of prefixes",
                "Lower end of the 95 % percentile bootstrap interval over keys; empty where "
                "it is undefined (one key).",
                optional=True,
            ),
            Column(
                "ci_high",
                "float64",
                "share of prefixes",
                "Upper end of that interval; empty where it is undefined (one key).",
                optional=True,
            ),
            Column("keys", "integer", "keys", "Keys of the layer with an answer."),
            Column("annotators", "integer", "people", "Annotators whose answers count there."),
        ),
    ),
    DICTIONARY: DatasetFile(
        "a column of a CSV file of this dataset",
        (
            Column("file", "string", "", "File the column is in."),
            Column("column", "string", "", "Name of the column."),
            Column("type", "string", "", "`string`, `integer`, `float32`, `float64`, `timestamp`."),
            Column("unit", "string", "", "Unit of the values; empty where they have none."),
            Column("meaning", "string", "", "What the column says."),
        ),
    ),
}


def dictionary_rows() -> list[dict[str, str]]:
    """One row for every column of every file, in the files' and the columns' order."""
    return [
        {
            "file": name,
            "column": column.name,
            "type": column.type,
            "unit": column.unit,
            "meaning": column.meaning,
        }
        for name, file in FILES.items()
        for column in file.columns
    ]
