"""Every column of every file of a dataset: those of the labels, and those made of them.

This is the one description: the CSV writer formats by it; `data_dictionary.csv`, `croissant.json`
and the dataset's README are made of it. The labels' own files are in
`annotations/dataset_columns.py`, since they are read back, too.
"""

from collections.abc import Collection

from annotations.dataset_columns import LABEL_FILES, SPREADSHEET, Column, DatasetFile
from exports.model_columns import MODEL_FILES

DICTIONARY = "data_dictionary.csv"
STATISTICS = "layer_statistics.csv"
LABEL_STATISTICS = "label_statistics.csv"
AGREEMENT = "agreement.csv"
AGREEMENT_PAIRS = "agreement_pairs.csv"

_LAYER = Column("layer", "integer", "", "Feed-forward layer, counted from 0.")
_SCOPE = Column("scope", "string", "", "What the row is about: `all`, or `layer N` from 0.")
_MEASURE = Column(
    "measure",
    "string",
    "",
    "Which measure of agreement: omega, alpha_masi, alpha_jaccard, alpha_nominal, cohen_kappa, "
    "fleiss_kappa, ac1, pattern_precision, pattern_recall, pattern_f1, type_kappa or bcubed_f.",
)
_NOTE = Column(
    "note",
    "string",
    "",
    "In words: why a value is undefined, what was left out, and how it was "
    "averaged; empty where there is nothing to say.",
)
_ENDS = (
    Column(
        "ci_low",
        "float64",
        "",
        "Lower end of the 95 % percentile bootstrap interval over keys; empty where undefined.",
        optional=True,
    ),
    Column(
        "ci_high",
        "float64",
        "",
        "Upper end of that interval; empty where undefined.",
        optional=True,
    ),
)
_VALUE = Column(
    "value",
    "float64",
    "",
    "The measure; empty where it is undefined, and `note` says why.",
    optional=True,
)
_BASELINE = Column(
    "baseline",
    "float64",
    "",
    "Mean of the measure when each annotator's ticks are shuffled over the key's prefixes; empty "
    "for measures that are corrected for chance already.",
    optional=True,
)
_SHARED_KEYS = Column("keys", "integer", "keys", "Keys with at least two answers in this scope.")

FILES = {
    **LABEL_FILES,
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
    LABEL_STATISTICS: DatasetFile(
        "a scope × measure: what the labels are like",
        (
            Column(
                "scope",
                "string",
                "",
                "What the row is about: `all`, `layer N` from 0, or `annotator NAME`.",
                foreign=True,
            ),
            Column("measure", "string", "", "What was counted or measured."),
            Column("type", "string", "", "The patterns meant: `any`, `shallow` or `semantic`."),
            Column(
                "value",
                "float64",
                "",
                "The measure; empty where undefined, and `note` says why.",
                optional=True,
            ),
            *_ENDS,
            Column("keys", "integer", "keys", "Keys behind the value."),
            Column("annotators", "integer", "people", "Annotators behind the value."),
            _NOTE,
        ),
    ),
    AGREEMENT: DatasetFile(
        "a scope × measure of agreement between annotators",
        (
            _SCOPE,
            _MEASURE,
            _VALUE,
            *_ENDS,
            _SHARED_KEYS,
            Column("annotators", "integer", "people", "Annotators behind these answers."),
            _NOTE,
            _BASELINE,
        ),
    ),
    AGREEMENT_PAIRS: DatasetFile(
        "a scope × measure of agreement of two annotators, or of one with `gold`",
        (
            _SCOPE,
            Column("one", "string", "", "The one annotator, or `gold`.", foreign=True),
            Column("other", "string", "", "The other annotator.", foreign=True),
            _MEASURE,
            _VALUE,
            *_ENDS,
            Column("keys", "integer", "keys", "Keys that both have answered in this scope."),
            _NOTE,
            _BASELINE,
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

# Every file that a dataset may hold: those of the model's figures only where its run is at hand.
ALL_FILES = FILES | MODEL_FILES

# Copies for spreadsheet programs are made of the files that hold text which is not ours.
SPREADSHEET_COPIES = {
    name: name.removesuffix(".csv") + SPREADSHEET
    for name, file in ALL_FILES.items()
    if any(column.foreign for column in file.columns)
}


def dictionary_rows(
    files: Collection[str] = tuple(FILES), *, spreadsheet: bool = False
) -> list[dict[str, str]]:
    """One row for every column of these files, in the files' and the columns' order.

    With `spreadsheet`, the copies for spreadsheet programs follow; their columns are the same.
    """
    explained = {name: ALL_FILES[name] for name in files}
    if spreadsheet:
        explained |= {
            copy: ALL_FILES[name] for name, copy in SPREADSHEET_COPIES.items() if name in files
        }
    return [
        {
            "file": name,
            "column": column.name,
            "type": column.type,
            "unit": column.unit,
            "meaning": column.meaning,
        }
        for name, file in explained.items()
        for column in file.columns
    ]
