"""Folders: files appear whole or not at all, and nobody else's folder is written into."""

import json
from pathlib import Path

import pytest

from exports.folders import check_dataset_folder, write_files
from mining.errors import DatasetError

NAMES = ("keys.csv", "README.md", "manifest.json")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_are_written_into_a_new_folder_below_new_folders(tmp_path: Path) -> None:
    paths = write_files(tmp_path / "a" / "b", {"one": b"1", "two": b"2"})
    assert paths == [tmp_path / "a" / "b" / "one", tmp_path / "a" / "b" / "two"]
    assert contents(tmp_path / "a" / "b") == {"one": b"1", "two": b"2"}


def test_a_write_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"old")
    (tmp_path / "two.partial").mkdir()  # the second file cannot be written
    with pytest.raises(OSError, match="two"):
        write_files(tmp_path, {"one": b"new", "two": b"2"})
    (tmp_path / "two.partial").rmdir()
    assert contents(tmp_path) == {"one": b"old"}


def test_a_write_that_fails_takes_the_folders_it_made_with_it(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_files(tmp_path / "a" / "b", {"one": b"1", "two": "no bytes"})  # type: ignore
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "present",
    [
        {},
        {"manifest.json": json.dumps({"format": "keyhole-dataset"}), "notes.txt": "mine"},
        {"keys.csv.partial": ""},
        {"keys.csv": "", "README.md": "", "manifest.json.partial": ""},
    ],
    ids=["empty", "dataset with notes", "interrupted early", "interrupted late"],
)
def test_an_empty_folder_and_a_dataset_may_be_written(
    tmp_path: Path, present: dict[str, str]
) -> None:
    for name, text in present.items():
        (tmp_path / name).write_text(text)
    check_dataset_folder(tmp_path, NAMES)


def test_a_folder_that_is_not_there_may_be_written(tmp_path: Path) -> None:
    check_dataset_folder(tmp_path / "new", NAMES)


@pytest.mark.parametrize(
    "present",
    [
        {"README.md": "of something else"},
        {"manifest.json": "{}"},
        {"manifest.json": "[1]"},
        {"manifest.json": "not JSON"},
        {"manifest.json": json.dumps({"schema": 1, "d_ff": 8})},
        {"manifest.json.partial": "", "thesis.tex": ""},
    ],
)
def test_a_folder_that_holds_something_else_is_refused(
    tmp_path: Path, present: dict[str, str]
) -> None:
    for name, text in present.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match="holds no Keyhole dataset; choose another --out"):
        check_dataset_folder(tmp_path, NAMES)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(DatasetError, match="data is a file"):
        check_dataset_folder(tmp_path / "data", NAMES)
