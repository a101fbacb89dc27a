"""The files of a dataset that hold what the database holds: every column, its type and meaning.

The frames have these columns, an export writes them, an import reads them back. Types are `string`,
`integer`, `float32`, `float64` and `timestamp` (ISO 8601, UTC). Shares lie between 0 and 1.
"""

from dataclasses import dataclass

FORMAT, SCHEMA = "keyhole-dataset", 1
MANIFEST = "manifest.json"  # written last: its presence means complete
SPREADSHEET = "_spreadsheet.csv"  # how the name of a copy for spreadsheet programs ends


@dataclass(frozen=True)
class Column:
    """One column. A cell may be empty only where `optional` says so; texts may always be."""

    name: str
    type: str
    unit: str
    meaning: str
    optional: bool = False
    foreign: bool = False  # text that we did not write: out of the corpus, or by a person


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
    foreign=True,
)
_PATTERN = Column(
    "pattern", "integer", "", "The pattern's number within this annotator's answer, from 1."
)
_RANK = Column(
    "rank", "integer", "", "Place among the key's trigger prefixes; 1 has the largest coefficient."
)

LABEL_FILES = {
    "keys.csv": DatasetFile(
        "a key put to annotators",
        (
            Column("run", "string", "", "Name of the mining run.", foreign=True),
            Column("model", "string", "", "Language model that was mined.", foreign=True),
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
            Column(
                "prefix",
                "string",
                "",
                "Text from the sentence's start to the trigger token.",
                foreign=True,
            ),
            Column(
                "next_token",
                "string",
                "",
                "Token that follows the prefix; empty where the prefix ends its sentence.",
                foreign=True,
            ),
            Column(
                "sentence_id", "integer", "", "Sentence in the corpus, in corpus order, from 0."
            ),
            Column("position", "integer", "tokens", "Index of the prefix's last token, from 0."),
            Column(
                "token_ends",
                "string",
                "characters",
                "Where each token of the prefix ends, as offsets into it with spaces in between.",
            ),
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
                "`submitted`; `no pattern`: submitted with the statement that there is none; "
                "`draft`: not submitted yet, or reopened (only where drafts were asked for). Keys "
                "that were skipped or only looked at have no row.",
            ),
            Column(
                "submitted_at",
                "timestamp",
                "UTC",
                "When the answer was submitted; empty for a draft.",
                optional=True,
            ),
            Column("seconds", "float64", "seconds", "Time spent on the answer, without pauses."),
            Column(
                "guideline_version",
                "string",
                "",
                "Guidelines that the annotator had to hand.",
                foreign=True,
            ),
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
            Column(
                "description", "string", "", "The pattern in the annotator's words.", foreign=True
            ),
        ),
    ),
    "labels.csv": DatasetFile(
        "a tick: this prefix contains this pattern",
        (_LAYER, _KEY, _ANNOTATOR, _PATTERN, _RANK),
    ),
}
