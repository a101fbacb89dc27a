"""A dataset imported into an empty database and exported again is the same, byte for byte."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from labelled_data import MORNING, add_run, answer, contents, label
from sqlalchemy import Engine
from sqlmodel import Session, select

from annotations.answers import Answer, PatternAnswer
from annotations.database import make_engine, migrate
from annotations.database import session as open_session
from annotations.dataset_import import import_dataset
from annotations.people import add_annotator
from annotations.queries import key_page, layers
from annotations.queue import next_key
from annotations.store import reopen, save_draft
from annotations.tables import Annotator, Key, Run
from exports.dataset import write_dataset
from exports.selection import Selection

HOW = {
    "pseudonyms": {},
    "names": {"names": True},
    "drafts too": {"selection": Selection(status="all")},
    "drafts and names": {"selection": Selection(status="all"), "names": True},
    "one layer": {"selection": Selection(layers=(1,))},
    "spreadsheet copies": {"spreadsheet": True},
}


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Engine]]:
    """Makes empty databases."""
    made = []

    def make() -> Engine:
        folder = tmp_path_factory.mktemp("elsewhere")
        made.append(make_engine(f"sqlite:///{folder / 'keyhole.db'}"))
        migrate(made[-1])
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()


def busy(session: Session) -> int:
    """The labelled run with machines, drafts, a reopened answer, and somebody without an answer."""
    for name, role in (("idle", "lead"), ("idle bot", "machine"), ("bot", "machine")):
        add_annotator(session=session, name=name, role=role)
    run_id = add_run(session)
    label(session, run_id)
    ids = {person.name: person.id for person in session.exec(select(Annotator))}
    keys = {(key.layer, key.key): key.id for key in session.exec(select(Key))}
    answer(session, ids["bot"], keys[0, 2], PatternAnswer("semantic", "a bot's", (1, 2, 3)))
    answer(session, ids["bot"], keys[0, 7])
    half = Answer((PatternAnswer("shallow", "", ()), PatternAnswer("semantic", "half", (5,))))
    save_draft(
        session=session, annotator_id=ids["pia"], key_id=keys[0, 7], answer=half,
        writer="window", sequence=1, base_revision=0, now=MORNING + timedelta(microseconds=1),
    )  # fmt: skip
    reopen(session=session, annotator_id=ids["zoe"], key_id=keys[1, 3], now=MORNING)
    return run_id


def exported(session: Session, out: Path, **how: object) -> dict[str, bytes]:
    run = session.exec(select(Run)).one()
    write_dataset(out, session=session, run_id=run.id, **how)
    return contents(out)


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_export_import_export_gives_the_same_bytes(
    session: Session, elsewhere: Callable[[], Engine], tmp_path: Path, how: dict[str, object]
) -> None:
    busy(session)
    first = exported(session, tmp_path / "first", **how)
    with open_session(elsewhere()) as there:
        import_dataset(tmp_path / "first", session=there)
        # Committed, closed, opened again: what is on disk counts.
        again = exported(there, tmp_path / "again", **how)
    assert sorted(first) == sorted(again)
    for name, content in first.items():
        assert again[name] == content, name


def test_an_answer_by_one_annotator_travels_under_its_own_pseudonym(
    session: Session, elsewhere: Callable[[], Engine], tmp_path: Path
) -> None:
    busy(session)
    first = exported(session, tmp_path / "first", selection=Selection(annotators=["pia"]))
    assert b"annotator-3" in first["annotators.csv"]
    with open_session(elsewhere()) as there:
        import_dataset(tmp_path / "first", session=there)
        chosen = Selection(annotators=["annotator-3"])
        assert exported(there, tmp_path / "again", selection=chosen) == first


def test_importing_twice_changes_nothing(
    session: Session, elsewhere: Callable[[], Engine], tmp_path: Path
) -> None:
    busy(session)
    chosen = Selection(status="all")
    first = exported(session, tmp_path / "first", selection=chosen)
    with open_session(elsewhere()) as there:
        done = import_dataset(tmp_path / "first", session=there).answers
        assert (done.added, done.updated, done.unchanged) == (8, 0, 0)
        done = import_dataset(tmp_path / "first", session=there).answers
        assert (done.added, done.updated, done.unchanged) == (0, 0, 8)
        assert exported(there, tmp_path / "again", selection=chosen) == first


def test_a_dataset_imported_where_it_came_from_changes_nothing(
    session: Session, tmp_path: Path
) -> None:
    busy(session)
    how = {"names": True, "selection": Selection(status="all")}
    first = exported(session, tmp_path / "first", **how)
    done = import_dataset(tmp_path / "first", session=session)
    assert (done.added_keys, done.added_annotators) == (0, ())
    assert (done.answers.added, done.answers.updated, done.answers.unchanged) == (0, 0, 8)
    assert exported(session, tmp_path / "again", **how) == first


def test_an_imported_run_can_be_labelled(
    session: Session, elsewhere: Callable[[], Engine], tmp_path: Path
) -> None:
    busy(session)
    exported(session, tmp_path / "first")
    with open_session(elsewhere()) as there:
        import_dataset(tmp_path / "first", session=there, name="imported")
        run = there.exec(select(Run)).one()
        assert run.name == "imported"
        assert layers(session=there, run_id=run.id) == [0, 1]
        ada = add_annotator(session=there, name="ada").id
        seen = []
        while (key := next_key(session=there, run_id=run.id, annotator_id=ada)) is not None:
            page = key_page(session=there, key_id=key)
            assert [prefix.rank for prefix in page.prefixes] == [1, 2, 3, 4, 5]
            assert {tuple(prefix.token_ends) for prefix in page.prefixes} == {(5,)}
            seen.append((page.layer, page.key))
            answer(there, ada, key)
        assert seen == [(0, 2), (1, 0), (0, 7), (1, 3)]  # the layers in turn
