"""The data dictionary explains every column of every file, and nothing else."""

from exports.columns import FILES, dictionary_rows

# The contract of the dataset, and the dictionary itself.
DESIGNED = {
    "keys.csv": "run, model, layer, key, active_share",
    "prefixes.csv": "layer, key, rank, coefficient, prefix, next_token, sentence_id, position, "
    "token_ends",
    "annotators.csv": "annotator, kind",
    "submissions.csv": ("layer, key, annotator, status, submitted_at, seconds, guideline_version"),
    "patterns.csv": "layer, key, annotator, pattern, type, description",
    "labels.csv": "layer, key, annotator, pattern, rank",
    "layer_statistics.csv": ("layer, category, prefixes, share, ci_low, ci_high, keys, annotators"),
    "label_statistics.csv": (
        "scope, measure, type, value, ci_low, ci_high, keys, annotators, note"
    ),
    "agreement.csv": "scope, measure, value, ci_low, ci_high, keys, annotators, note, baseline",
    "agreement_pairs.csv": (
        "scope, one, other, measure, value, ci_low, ci_high, keys, note, baseline"
    ),
    "data_dictionary.csv": "file, column, type, unit, meaning",
}


def test_every_file_has_the_columns_of_the_design_in_its_order() -> None:
    found = {name: ", ".join(c.name for c in file.columns) for name, file in FILES.items()}
    assert found == DESIGNED


def test_every_column_is_explained_once() -> None:
    explained = [(row["file"], row["column"]) for row in dictionary_rows()]
    assert explained == [
        (name, column) for name, columns in DESIGNED.items() for column in columns.split(", ")
    ]
    assert all(row["meaning"].endswith(".") for row in dictionary_rows())


def test_types_are_those_that_the_dictionary_names() -> None:
    known = {"string", "integer", "float32", "float64", "timestamp"}
    assert {row["type"] for row in dictionary_rows()} == known
