"""A dataset is written some keys at a time, and whoever waits is told how far it is."""

from pathlib import Path
from threading import Thread

import pytest
from labelled_data import contents
from sqlalchemy import Engine
from sqlmodel import Session
from threadpoolctl import threadpool_info, threadpool_limits

from annotations.database import session as open_session
from exports.dataset import write_dataset


def test_progress_names_each_stage_and_goes_back_in_none(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    told: dict[str, list[int]] = {}

    def progress(stage: str, done: int, total: int | None) -> None:
        assert total is None or 0 <= done <= total
        told.setdefault(stage, []).append(done)

    write_dataset(tmp_path, session=session, run_id=labelled, progress=progress)
    assert list(told) == [
        "keys", "prefixes", "annotators", "submissions", "patterns", "labels", "statistics",
        "comparing", "agreement", "agreement of pairs",
    ]  # fmt: skip
    assert all(done == sorted(done) for done in told.values())
    # Gold, pia and zoe answered a key each two of them; three scopes are compared.
    assert (told["comparing"][-1], told["agreement"]) == (4, [0, 1, 2])


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_one_thread_adds_up_sums_so_that_processors_change_no_digit(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    told: list[int] = []
    with threadpool_limits(limits=2, user_api="blas"):
        before = blas_threads()
        write_dataset(
            tmp_path,
            session=session,
            run_id=labelled,
            progress=lambda *_: told.extend(blas_threads()),
        )
        assert blas_threads() == before
    assert set(told) == {1}


def test_another_dataset_waits_so_that_it_is_added_up_by_one_thread_to_its_end(
    engine: Engine, session: Session, labelled: int, tmp_path: Path
) -> None:
    session.commit()
    told: list[int] = []

    def other() -> None:
        with open_session(engine, read_only=True) as opened:
            write_dataset(
                tmp_path / "other", session=opened, run_id=labelled,
                progress=lambda *_: told.extend(blas_threads()),
            )  # fmt: skip

    began, before = Thread(target=other), blas_threads()

    def begin_another(*_: object) -> None:
        if began.ident is None:
            began.start()
            began.join(0.5)  # it would be done by then
            assert not told

    write_dataset(tmp_path / "one", session=session, run_id=labelled, progress=begin_another)
    began.join(30)
    assert set(told) == {1}
    assert blas_threads() == before
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_a_block_of_keys_at_a_time_gives_the_same_files(
    session: Session, labelled: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dataset(tmp_path / "whole", session=session, run_id=labelled, spreadsheet=True)
    monkeypatch.setattr("annotations.frames._KEYS_AT_ONCE", 1)
    write_dataset(tmp_path / "blocks", session=session, run_id=labelled, spreadsheet=True)
    assert contents(tmp_path / "whole") == contents(tmp_path / "blocks")
