"""Made-up statistics, and a small run with answers, for the tests of this room."""

import csv
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from sqlmodel import Session, select

from annotations.answers import Answer, PatternAnswer
from annotations.people import add_annotator
from annotations.store import save_draft, submit
from annotations.tables import GOLD, Annotator, Key, Prefix, Run

MORNING = datetime(2026, 3, 1, 9, 30, 0, 125000, tzinfo=UTC)
CSV_FILES = [
    "keys.csv", "prefixes.csv", "annotators.csv", "submissions.csv", "patterns.csv", "labels.csv",
    "layer_statistics.csv", "label_statistics.csv", "agreement.csv", "agreement_pairs.csv",
    "data_dictionary.csv",
]  # fmt: skip
FIGURES = (
    "layer_statistics.csv", "label_statistics.csv", "agreement.csv", "agreement_pairs.csv",
)  # fmt: skip
AWKWARD = '=1+1, "quoted"\r\nשלום 🦉 @-+\ttab\rend'


def statistics_of(layers: int, *, first: int = 0, keys: int = 4) -> pd.DataFrame:
    """Layer statistics whose shares are simple fractions; one key a layer has no interval."""
    rows = []
    for layer in range(first, first + layers):
        for category, share in (
            ("shallow", 0.5),
            ("semantic", 0.25),
            ("shallow+semantic", 0.0),
            ("not covered", 0.25),
        ):
            low, high = (share / 2, min(share * 1.5, 1.0)) if keys > 1 else (math.nan, math.nan)
            rows.append((layer, category, share * 25 * keys, share, low, high, keys, 2))
    columns = ["layer", "category", "prefixes", "share", "ci_low", "ci_high", "keys", "annotators"]
    return pd.DataFrame(rows, columns=columns)


def write_statistics(folder: Path, statistics: pd.DataFrame) -> Path:
    """A dataset folder that holds layer_statistics.csv alone, written by pandas."""
    folder.mkdir(parents=True, exist_ok=True)
    statistics.to_csv(folder / "layer_statistics.csv", index=False, lineterminator="\r\n")
    return folder


def add_run(session: Session, *, name: str = "demo", text: str = AWKWARD) -> int:
    """A run of two layers with two keys each, five prefixes a key; the second key's text is plain.

    Keys are added in another order than they are exported in. Returns the run's id.
    """
    run = Run(
        name=name, fingerprint=name * 8, folder="run", model="tiny", corpus="words", layers=2,
        d_ff=8, top_k=5,
    )  # fmt: skip
    session.add(run)
    session.flush()
    assert run.id is not None
    for turn, (layer, number) in enumerate([(1, 3), (0, 7), (1, 0), (0, 2)]):
        key = Key(run_id=run.id, layer=layer, key=number, active_share=0.1, turn=turn)
        session.add(key)
        session.flush()
        for rank in (2, 1, 3, 5, 4):
            prefix = Prefix(
                key_id=key.id, rank=rank, coefficient=1 / (rank + 2),
                text=text if number == 2 else f"plain {rank}", token_ends=[5],
                next_token="" if rank == 5 else " on", sentence_id=rank * 10, position=rank,
            )  # fmt: skip
            session.add(prefix)
    session.flush()
    return run.id


def answer(session: Session, annotator_id: int, key_id: int, *patterns: PatternAnswer) -> None:
    """Submit an answer, a minute after opening it; without patterns it says so."""
    given = Answer(patterns, no_pattern=not patterns)
    whose = {"session": session, "annotator_id": annotator_id, "key_id": key_id}
    for step, moment in enumerate((MORNING, MORNING + timedelta(seconds=60))):
        save_draft(
            **whose, answer=given, writer="window", sequence=step, base_revision=step, now=moment
        )
    submit(**whose, now=MORNING + timedelta(seconds=60.5))


def label(session: Session, run_id: int) -> None:
    """Answers of three people; the one whose name comes last was added first."""
    ids = {"zoe": add_annotator(session=session, name="zoe").id}
    gold = Annotator(name=GOLD, role=GOLD)
    session.add(gold)
    session.flush()
    ids |= {"gold": gold.id, "pia": add_annotator(session=session, name="pia").id}
    rows = session.exec(select(Key).where(Key.run_id == run_id))
    keys = {(key.layer, key.key): key.id for key in rows}
    shallow = PatternAnswer("shallow", 'ends with, or holds, =SUM("a")', (1, 2, 3))
    semantic = PatternAnswer("semantic", "חיות", (3, 4, 5))
    answer(session, ids["zoe"], keys[0, 2], shallow, semantic)
    answer(session, ids["pia"], keys[0, 2], semantic)
    answer(session, ids["pia"], keys[1, 0])
    answer(session, ids["zoe"], keys[1, 3], shallow)
    answer(session, ids["gold"], keys[1, 3], shallow, semantic)


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of a dataset, by column name."""
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, folders in it left out."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
