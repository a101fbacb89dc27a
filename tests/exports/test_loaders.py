"""Others' loaders read the dataset, without a network: Croissant's, Hugging Face's, pandas, R."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
from labelled_data import AWKWARD, CSV_FILES, add_run, table
from sqlalchemy import Engine
from sqlmodel import Session

from exports.columns import FILES
from exports.dataset import write_dataset

TABLES = [name.removesuffix(".csv") for name in CSV_FILES]


@pytest.fixture
def written(session: Session, labelled: int, tmp_path: Path) -> Path:
    write_dataset(tmp_path / "data", session=session, run_id=labelled)
    return tmp_path / "data"


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The library, offline, with a cache of its own."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    yield datasets
    datasets.enable_progress_bars()


def test_croissant_finds_no_error_and_loads_every_row(written: Path) -> None:
    loaded = mlcroissant.Dataset(jsonld=str(written / "croissant.json"))
    assert not loaded.metadata.ctx.issues.errors
    assert [records.id for records in loaded.metadata.record_sets] == TABLES
    for name in TABLES:
        rows = table(written, f"{name}.csv")
        found = list(loaded.records(name))
        assert len(found) == len(rows)
        assert {tuple(record) for record in found} <= {
            tuple(f"{name}/{column.name}" for column in FILES[f"{name}.csv"].columns)
        }


def test_croissant_loads_text_and_numbers_as_they_are(written: Path) -> None:
    loaded = mlcroissant.Dataset(jsonld=str(written / "croissant.json"))
    found = next(iter(loaded.records("prefixes")))
    row = table(written, "prefixes.csv")[0]
    assert found["prefixes/prefix"].decode() == AWKWARD == row["prefix"]
    assert found["prefixes/coefficient"] == float(row["coefficient"])


def test_croissant_lists_the_sums_of_the_files_that_the_manifest_lists(written: Path) -> None:
    described = json.loads((written / "croissant.json").read_text(encoding="utf-8"))
    listed = json.loads((written / "manifest.json").read_text(encoding="utf-8"))["files"]
    sums = {file["name"]: file["sha256"] for file in listed}
    found = {file["@id"]: file["sha256"] for file in described["distribution"]}
    assert found == {name: sums[name] for name in CSV_FILES}


def test_hugging_face_loads_every_table_with_its_types(written: Path, datasets: Any) -> None:
    assert sorted(datasets.get_dataset_config_names(str(written))) == sorted(TABLES)
    types = {"string": "string", "timestamp": "string", "integer": "int64"}
    for name in TABLES:
        loaded = datasets.load_dataset(str(written), name, split="train")
        assert {column: feature.dtype for column, feature in loaded.features.items()} == {
            column.name: types.get(column.type, column.type)
            for column in FILES[f"{name}.csv"].columns
        }
        rows = table(written, f"{name}.csv")
        assert len(loaded) == len(rows)
        for column in FILES[f"{name}.csv"].columns:
            if types.get(column.type) == "string":
                assert loaded[column.name][:] == [row[column.name] for row in rows]


def test_hugging_face_takes_an_undefined_number_for_none(written: Path, datasets: Any) -> None:
    loaded = datasets.load_dataset(str(written), "agreement", split="train")
    rows = table(written, "agreement.csv")
    undefined = [row["value"] == "" for row in rows]
    assert any(undefined) and not all(undefined)
    assert [value is None for value in loaded["value"]] == undefined


def test_a_dataset_without_answers_loads_too(
    session: Session, tmp_path: Path, datasets: Any, engine: Engine
) -> None:
    write_dataset(tmp_path / "empty", session=session, run_id=add_run(session, text="NA"))
    # The library makes no split of a table without rows, unless it streams.
    loaded = datasets.load_dataset(str(tmp_path / "empty"), "labels", split="train", streaming=True)
    assert list(loaded) == []
    assert list(loaded.features) == ["layer", "key", "annotator", "pattern", "rank"]
    prefixes = datasets.load_dataset(str(tmp_path / "empty"), "prefixes", split="train")
    assert "NA" in set(prefixes["prefix"])
    described = mlcroissant.Dataset(jsonld=str(tmp_path / "empty" / "croissant.json"))
    assert list(described.records("labels")) == []


def test_what_the_readme_says_for_pandas_reads_every_text_as_it_is(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = (written / "README.md").read_text(encoding="utf-8").split("```python\n")[1]
    monkeypatch.chdir(written)
    found: dict[str, Any] = {}
    exec(said.split("```")[0], found)
    for column in ("prefix", "next_token", "token_ends"):
        expected = [row[column] for row in table(written, "prefixes.csv")]
        assert "" in expected or column != "next_token"
        assert found["prefixes"][column].tolist() == expected


def test_what_the_readme_says_for_r_takes_no_text_for_a_number_or_a_missing_value(
    written: Path,
) -> None:
    said = (written / "README.md").read_text(encoding="utf-8").split("```r\n")[1].split("```")[0]
    # By default readr guesses types, trims texts and takes "" and "NA" for missing values.
    assert "na = character()" in said
    assert "trim_ws = FALSE" in said
    texts = [column.name for column in FILES["prefixes.csv"].columns if column.type == "string"]
    assert all(f'{name} = "c"' in said for name in texts)


# Each text as the hexadecimal digits of its bytes, so that R's own printing changes nothing.
_TOLD = """
told <- function(texts) sapply(texts, function(one) paste(charToRaw(one), collapse = ""))
for (column in c("prefix", "next_token", "token_ends")) cat(told(prefixes[[column]]), sep = "\n")
cat(sprintf("%.17g", prefixes$coefficient), sep = "\n")
"""


def _has_readr() -> bool:
    """Whether R and its package are here: CI installs them, a laptop may do without."""
    asked = ["Rscript", "-e", "library(readr)"]
    return bool(shutil.which("Rscript")) and subprocess.call(asked, stderr=subprocess.DEVNULL) == 0


@pytest.mark.skipif(not _has_readr(), reason="R or its package readr is not installed")
def test_r_reads_every_text_and_number_as_it_is(written: Path) -> None:
    said = (written / "README.md").read_text(encoding="utf-8").split("```r\n")[1].split("```")[0]
    ran = subprocess.run(
        ["Rscript", "-e", said + _TOLD], cwd=written, capture_output=True, text=True, check=True
    )
    rows = table(written, "prefixes.csv")
    texts = [row[column] for column in ("prefix", "next_token", "token_ends") for row in rows]
    lines = ran.stdout.removesuffix("\n").split("\n")
    assert [bytes.fromhex(line).decode() for line in lines[: len(texts)]] == texts
    assert [float(line) for line in lines[len(texts) :]] == [
        float(row["coefficient"]) for row in rows
    ]
