"""A dataset is written some keys at a time, and whoever waits is told how far it is."""

from pathlib import Path

import pytest
from labelled_data import contents
from sqlmodel import Session
from threadpoolctl import threadpool_info, threadpool_limits

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


def test_one_thread_adds_up_sums_so_that_processors_change_no_digit(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    told: list[int] = []
    with threadpool_limits(limits=2, user_api="blas"):
        before = threads()
        write_dataset(
            tmp_path, session=session, run_id=labelled, progress=lambda *_: told.extend(threads())
        )
        assert threads() == before
    assert set(told) == {1}


def test_a_block_of_keys_at_a_time_gives_the_same_files(
    session: Session, labelled: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dataset(tmp_path / "whole", session=session, run_id=labelled, spreadsheet=True)
    monkeypatch.setattr("annotations.frames._KEYS_AT_ONCE", 1)
    write_dataset(tmp_path / "blocks", session=session, run_id=labelled, spreadsheet=True)
    assert contents(tmp_path / "whole") == contents(tmp_path / "blocks")
