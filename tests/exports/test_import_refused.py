"""What does not fit is refused by file, line and column, and nothing of the dataset is stored."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from labelled_data import add_run, label, table
from sqlalchemy import Engine
from sqlmodel import Session, SQLModel, func, select

from annotations.database import make_engine, migrate
from annotations.database import session as open_session
from annotations.dataset_import import import_dataset
from exports.dataset import write_dataset
from exports.selection import Selection
from mining.errors import DatasetError, KeyholeError


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset, `data`, and a database without a row, made once for all tests."""
    folder = tmp_path_factory.mktemp("once")
    for name in ("full.db", "empty.db"):
        engine = make_engine(f"sqlite:///{folder / name}")
        migrate(engine)
        if name == "full.db":
            with open_session(engine) as session:
                run_id = add_run(session)
                label(session, run_id)
                write_dataset(folder / "data", session=session, run_id=run_id, names=True)
        engine.dispose()
    return folder


@pytest.fixture
def written(once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(once / "data", tmp_path / "data")


@pytest.fixture
def elsewhere(once: Path, tmp_path: Path) -> Iterator[Engine]:
    shutil.copy(once / "empty.db", tmp_path / "elsewhere.db")
    engine = make_engine(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    yield engine
    engine.dispose()


def refusal(engine: Engine, folder: Path, **how: bool) -> str:
    """The one line of the refusal; no table has a row then."""
    with pytest.raises(KeyholeError) as caught, open_session(engine) as session:
        import_dataset(folder, session=session, **how)
    with open_session(engine, read_only=True) as session:
        for stored in SQLModel.metadata.sorted_tables:
            assert session.execute(select(func.count()).select_from(stored)).scalar() == 0, stored
    assert "\n" not in str(caught.value)
    return str(caught.value)


def edit(folder: Path, name: str, old: str, new: str) -> None:
    content = (folder / name).read_bytes().decode("utf-8")
    assert old in content
    (folder / name).write_bytes(content.replace(old, new, 1).encode("utf-8"))


def test_a_file_that_was_edited_is_told_and_taken_only_when_that_is_meant(
    written: Path, elsewhere: Engine
) -> None:
    edit(written, "patterns.csv", "חיות", "animals")
    assert "patterns.csv is not what was exported" in refusal(elsewhere, written)
    assert "--edited" in refusal(elsewhere, written)
    with open_session(elsewhere) as session:
        done = import_dataset(written, session=session, edited=True)
        assert done.edited == ("patterns.csv",)
        write_dataset(written.parent / "again", session=session, run_id=1, names=True)
    assert table(written.parent / "again", "patterns.csv") == table(written, "patterns.csv")


@pytest.mark.parametrize(
    ("name", "old", "new", "place"),
    [
        ("keys.csv", "demo,tiny", "demo,huge", "keys.csv, line 2, column model: 'huge'"),
        ("keys.csv", "demo,tiny,0,7", "demo,tiny,0,2", "keys.csv, line 3, column key"),
        ("keys.csv", ",0,2,", ",-1,2,", "keys.csv, line 2, column layer: '-1' is not a whole"),
        ("keys.csv", ",0,2,", ",0,2e0,", "line 2, column key: '2e0' is not a whole number"),
        ("keys.csv", ",0,2,", ",0,9999999999,", "line 2, column key: '9999999999' is not a whole"),
        ("keys.csv", "demo,tiny,0,2,0.1", "demo,tiny,0,2,nan", "column active_share: 'nan0"),
        ("prefixes.csv", "0,7,1,", "0,8,1,", "column key: keys.csv has no key 8 of layer 0"),
        ("prefixes.csv", "0,7,1,", "0,7,2,", "column rank: rank 2 of this key is there twice"),
        ("prefixes.csv", "10,1,5\r\n", "10,1,5 x\r\n", "column token_ends: they are whole numbers"),
        ("prefixes.csv", "10,1,5\r\n", "10,1,5 4\r\n", "column token_ends: they are not ascending"),
        ("prefixes.csv", "token_ends", "ends", "prefixes.csv, line 1: no column token_ends"),
        ("annotators.csv", "pia,human", "pia,robot", "line 3, column kind: 'robot' is none of"),
        ("annotators.csv", "pia,human", "pia,gold", "line 3, column kind: gold, and nobody"),
        ("annotators.csv", "pia,human", "zoe,human", "column annotator: 'zoe' is there twice"),
        ("annotators.csv", "pia,human", '" pia",human', "column annotator: "),
        ("submissions.csv", "pia,", "pit,", "line 2, column annotator: annotators.csv has no"),
        ("submissions.csv", "0,2,zoe", "0,2,pia", "line 3, column annotator: 'pia' has answered"),
        ("submissions.csv", ",submitted,", ",done,", "line 2, column status: 'done' is none of"),
        ("submissions.csv", ",submitted,", ",draft,", "line 2, column submitted_at: a draft has"),
        ("submissions.csv", ",60.5,", ",-1,", "line 2, column seconds: -1.0 is below 0"),
        ("submissions.csv", ",60.5,", ",inf,", "line 2, column seconds: 'inf' is not a number"),
        ("submissions.csv", "2026-03-01T", "01.03.2026 ", "line 2, column submitted_at: '01.03.2"),
        ("submissions.csv", "625000Z", "625000", "line 2, column submitted_at: '2026-03-01T09:31"),
        ("submissions.csv", ",no pattern,", ",submitted,", "line 4, column status: Add a pattern"),
        ("submissions.csv", ",1\r\n", "\r\n", "submissions.csv, line 2: 6 cells under 7 column"),
        ("patterns.csv", "0,2,pia", "0,7,pia", "line 2, column annotator: submissions.csv has no"),
        ("patterns.csv", "0,2,pia,1", "1,0,pia,1", "line 2, column pattern: submissions.csv says"),
        ("patterns.csv", "zoe,2", "zoe,3", "line 4, column pattern: 3 stands where 2 is next"),
        ("patterns.csv", "semantic", "topical", "line 2, column type: A pattern is shallow or"),
        ("patterns.csv", "חיות", '"a\nb"', "line 3, column description: A description holds a"),
        ("patterns.csv", "חיות", "a" * 501, "line 2, column description: A description has 501"),
        ("patterns.csv", "חיות", "", "submissions.csv, line 2, column status: Pattern 1 has no"),
        ("patterns.csv", "חיות", "a\0b", "line 2, column description: 'a\\x00b' holds a NUL"),
        ("patterns.csv", "חיות", '"a" b', "patterns.csv, line 2 is not CSV"),
        ("patterns.csv", "description", "description,mine", "line 1, column mine: an import would"),
        ("labels.csv", "pia,1,3", "pia,2,3", "line 2, column pattern: patterns.csv has no"),
        ("labels.csv", "pia,1,3", "pia,1,6", "line 2, column rank: prefixes.csv has no prefix of"),
        ("labels.csv", "pia,1,3", "pia,1,4", "line 3, column rank: the prefix of rank 4 is ticked"),
        ("labels.csv", "0,2,pia,1,3\r\n", "", "column status: Pattern 1 is ticked in 2 prefixes"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_its_place(
    written: Path, elsewhere: Engine, name: str, old: str, new: str, place: str
) -> None:
    edit(written, name, old, new)
    assert place in refusal(elsewhere, written, edited=True)


def test_a_file_that_is_not_utf8_is_refused_by_its_line(written: Path, elsewhere: Engine) -> None:
    content = (written / "patterns.csv").read_bytes()
    (written / "patterns.csv").write_bytes(content.replace("חיות".encode(), b"\xff", 1))
    assert "patterns.csv, line 2 is not UTF-8" in refusal(elsewhere, written, edited=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "manifest.json has schema 2, and this program reads 1"),
        ({"format": "other"}, "is no manifest of a Keyhole dataset"),
        ({"run": {"name": "demo"}}, "does not say the run's model"),
        ({"files": 1}, "does not list the files"),
    ],
)
def test_a_manifest_that_cannot_be_trusted_is_refused(
    written: Path, elsewhere: Engine, change: dict[str, object], message: str
) -> None:
    manifest = json.loads((written / "manifest.json").read_text(encoding="utf-8"))
    (written / "manifest.json").write_text(json.dumps(manifest | change), encoding="utf-8")
    assert message in refusal(elsewhere, written)


def test_a_folder_without_a_manifest_or_with_a_broken_one_is_refused(
    written: Path, elsewhere: Engine, tmp_path: Path
) -> None:
    assert "holds no manifest.json" in refusal(elsewhere, tmp_path / "nowhere")
    (written / "manifest.json").write_bytes(b'{"format": "\xff"}')
    assert "manifest.json is not JSON in UTF-8" in refusal(elsewhere, written)


def test_prefixes_of_the_same_run_that_are_others_here_are_refused(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(
        tmp_path / "data", session=session, run_id=labelled, selection=Selection(layers=[1])
    )
    edit(tmp_path / "data", "prefixes.csv", "plain 2", "plain 3")
    with pytest.raises(
        DatasetError, match=r"line 3, column prefix: 'plain 3' is not what the same"
    ):
        import_dataset(tmp_path / "data", session=session, edited=True)
