"""A name that leads to no file, or to none that may be read, is refused by name, without a wait."""

import os
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from terminal import Typed, assert_refused

from mining.corpus import open_corpus
from mining.errors import CorpusError


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=re.escape(str(tmp_path / "nowhere.txt"))):
        list(open_corpus(str(tmp_path / "nowhere.txt")))


def test_a_glob_that_matches_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=re.escape(str(tmp_path / "*.txt"))):
        list(open_corpus(str(tmp_path / "*.txt")))


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=re.escape(str(tmp_path))):
        list(open_corpus(str(tmp_path)))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "CORPUS is empty"),
        ("nowhere.txt", "No file, folder or glob nowhere.txt"),
        ("nowhere.txt\0", "No file, folder or glob nowhere.txt"),
        ("a.txt/b.txt", "No file, folder or glob a.txt/b.txt"),
        ("broken.txt", "broken.txt is a link to nothing"),
        ("circle.txt", "circle.txt"),
        ("x" * 5_000, "File name too long"),
    ],
)
def test_a_name_of_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("not to be read\n")
    Path("broken.txt").symlink_to("missing.txt")
    Path("circle.txt").symlink_to("circle.txt")
    with pytest.raises(CorpusError, match=told):
        open_corpus(name)


def test_a_link_to_nothing_in_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("fine\n")
    (tmp_path / "b.txt").symlink_to(tmp_path / "nowhere.txt")
    for name in (tmp_path, tmp_path / "*.txt"):
        with pytest.raises(CorpusError, match=r"b\.txt cannot be read: No such file"):
            open_corpus(str(name))


def test_a_link_back_to_a_folder_above_is_named(tmp_path: Path) -> None:
    (tmp_path / "texts" / "inner").mkdir(parents=True)
    (tmp_path / "texts" / "inner" / "a.txt").write_text("fine\n")
    (tmp_path / "texts" / "inner" / "back").symlink_to(tmp_path / "texts")
    with pytest.raises(CorpusError, match="inner/back is a link back"):
        open_corpus(str(tmp_path / "texts"))


def test_pipes_sockets_and_devices_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    for name in (tmp_path / "a.txt", tmp_path, tmp_path / "*.txt", "/dev/zero", "/dev/null"):
        with pytest.raises(CorpusError, match="pipe, socket or device"):
            open_corpus(str(name))
    with socket.socket(socket.AF_UNIX) as listening, pytest.raises(CorpusError):
        listening.bind(str(tmp_path / "b.txt"))
        open_corpus(str(tmp_path / "b.txt"))


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl", "a.csv", "a.parquet"])
def test_a_file_that_has_gone_since_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    corpus = open_corpus(str(tmp_path / name))
    (tmp_path / name).unlink()
    with pytest.raises(CorpusError, match=f"{name} cannot be read: No such file"):
        list(corpus)


@contextmanager
def without_rights() -> Iterator[Path]:
    """A folder whose files anybody may see, and, within, the rights of nobody in particular."""
    root = os.geteuid() == 0  # a root user may read everything
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        for file in ("a.txt", "inner/b.txt", "inner/deep/c.txt"):
            Path(name, file).parent.mkdir(exist_ok=True)
            Path(name, file).write_text(f"{file}\n")
        try:
            if root:
                os.seteuid(65534)
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)
            for path in (name, f"{name}/inner", f"{name}/inner/deep"):
                Path(path).chmod(0o755)


@contextmanager
def as_owner() -> Iterator[None]:
    """Within `without_rights`, the rights to take rights away."""
    effective = os.geteuid()
    os.seteuid(os.getuid())
    yield
    os.seteuid(effective)


@pytest.mark.parametrize("closed", ["", "inner", "inner/deep", "a.txt", "inner/deep/c.txt"])
@pytest.mark.parametrize("mode", [0o000, 0o100, 0o400])
def test_a_folder_or_file_without_the_right_to_read_it_is_named(closed: str, mode: int) -> None:
    with without_rights() as folder:
        assert len(list(open_corpus(str(folder)))) == 3
        with as_owner():
            mode = mode if os.getuid() else mode >> 6  # the owner's, or everybody's
            (folder / closed).chmod(0 if closed.endswith("txt") else mode)
        for name in (folder, f"{folder}/**/*.txt", f"{folder}/**"):
            with pytest.raises(CorpusError) as mistake:
                open_corpus(str(name))
            told = str(mistake.value)
            assert told.startswith(str(folder / closed)) and told.endswith(
                "cannot be read: Permission denied."
            )


def test_a_glob_that_does_not_lead_through_a_closed_folder_is_read() -> None:
    with without_rights() as folder:
        with as_owner():
            (folder / "inner" / "deep").chmod(0)
        found = [one.text for one in open_corpus(f"{folder}/*/*.txt")]
        assert found == ["inner/b.txt"]


def test_a_pipe_ends_the_command_at_once(typed: Typed, desk: Path) -> None:
    os.mkfifo(desk / "a.txt")
    assert_refused(typed("mine", "model", "a.txt", "--out", "run"), "a.txt", "pipe")
    assert not (desk / "run").exists()
