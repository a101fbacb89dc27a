"""What lies beside a dataset's tables: manifest, data dictionary and README."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from labelled_data import AWKWARD, CSV_FILES, contents, table
from sqlmodel import Session

from exports.dataset import write_dataset


def manifest_of(folder: Path) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return stored


def test_the_manifest_says_where_the_dataset_comes_from(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled)
    manifest = manifest_of(tmp_path)
    assert (manifest["format"], manifest["schema"]) == ("keyhole-dataset", 1)
    assert manifest["run"] == {
        "name": "demo", "model": "tiny", "corpus": "words", "fingerprint": "demo" * 8,
        "layers": 2, "d_ff": 8, "top_k": 5,
    }  # fmt: skip
    assert manifest["filters"] == {
        "status": "submitted", "annotators": "pseudonyms", "layers": None, "annotator": None,
    }  # fmt: skip
    project = Path(__file__).parents[2] / "pyproject.toml"
    version = tomllib.loads(project.read_text())["project"]["version"]
    assert manifest["software"] == {"name": "keyhole", "version": version}


def test_the_manifest_lists_every_other_file_with_its_rows_and_its_sum(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled)
    listed = {entry["name"]: entry for entry in manifest_of(tmp_path)["files"]}
    assert set(listed) == set(contents(tmp_path)) - {"manifest.json"}
    for name, entry in listed.items():
        content = (tmp_path / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        rows = len(table(tmp_path, name)) if name.endswith(".csv") else None
        assert entry["rows"] == rows, name


def test_the_dictionary_has_a_row_for_every_column_of_every_file_and_no_other(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled)
    explained = [(r["file"], r["column"]) for r in table(tmp_path, "data_dictionary.csv")]
    present = []
    for name in CSV_FILES:
        header = (tmp_path / name).read_bytes().split(b"\r\n")[0].decode()
        present += [(name, column) for column in header.split(",")]
    assert sorted(explained) == sorted(present)


def test_the_readme_names_every_file(session: Session, labelled: int, tmp_path: Path) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled)
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in readme for name in [*CSV_FILES, "manifest.json"])
    assert "under pseudonyms" in readme


def test_the_readmes_way_of_loading_gives_the_text_back(
    session: Session, labelled: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled)
    monkeypatch.chdir(tmp_path)
    code = (tmp_path / "README.md").read_text(encoding="utf-8").split("```")[1]
    loaded: dict[str, Any] = {}
    exec(code.removeprefix("python"), loaded)
    own = loaded["prefixes"].query("layer == 0 and key == 2")
    assert set(own["prefix"]) == {AWKWARD}
    assert own["next_token"].tolist() == [" on"] * 4 + [""]
    assert len(loaded["statistics"]) == 8
