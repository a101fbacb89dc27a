"""Databases of any size for the benchmarks: keys with 25 triggers, annotators, some answers."""

from pathlib import Path

from sqlmodel import Session, insert

from annotations.database import make_engine, migrate, session
from annotations.guidelines import GUIDELINE_VERSION
from annotations.tables import (
    LEAD,
    SHALLOW,
    SUBMITTED,
    Annotator,
    Key,
    Layer,
    Pattern,
    Prefix,
    Run,
    Submission,
    Tick,
)

PREFIXES = 25
LAYERS = 16
ANNOTATORS = [f"annotator {number}" for number in range(20)]  # the first one is a lead
ANSWERS = 40  # of each annotator
_AT_ONCE = 2_000  # keys inserted at a time
_WORDS = (
    "the key of a feed forward layer fires on text that holds this word again and again".split()
)


def fill(database: Path, keys: int) -> None:
    """Make a SQLite database of so many keys; ids count from 1 in order of turn."""
    engine = make_engine(f"sqlite:///{database}")
    migrate(engine)
    with session(engine) as opened:
        opened.add(
            Run(
                name="bench", fingerprint="bench", folder="nowhere", model="bench",
                corpus="bench", layers=LAYERS, d_ff=keys // LAYERS, top_k=PREFIXES,
            )
        )  # fmt: skip
        opened.flush()
        for layer in range(LAYERS):
            opened.add(Layer(run_id=1, layer=layer, keys=keys // LAYERS))
        for start in range(0, keys, _AT_ONCE):
            _add_keys(range(start, min(start + _AT_ONCE, keys)), opened)
        _add_answers(keys, opened)
    engine.dispose()


def _add_keys(numbers: range, opened: Session) -> None:
    opened.execute(
        insert(Key),
        [
            {
                "id": number + 1, "run_id": 1, "layer": number % LAYERS, "key": number // LAYERS,
                "active_share": 0.1, "turn": number, "wanted": None, "value_tokens": "",
            }
            for number in numbers
        ],
    )  # fmt: skip
    opened.execute(
        insert(Prefix),
        [
            {
                "key_id": number + 1, "rank": rank, "coefficient": 30.0 - rank,
                "text": " ".join(words := _words(number, rank)),
                "token_ends": _ends(words), "next_token": " next",
                "sentence_id": number * PREFIXES + rank, "position": len(words) - 1,
                "shading": None,
            }
            for number in numbers
            for rank in range(1, PREFIXES + 1)
        ],
    )  # fmt: skip


def _words(number: int, rank: int) -> list[str]:
    start = (number + rank) % len(_WORDS)
    return [*_WORDS[start:], *_WORDS[:start], f"word{number % 997}"]


def _ends(words: list[str]) -> list[int]:
    ends, end = [], -1
    for word in words:
        end += len(word) + 1
        ends.append(end)
    return ends


def _add_answers(keys: int, opened: Session) -> None:
    """Everybody has answered the first keys, so that these can be adjudicated."""
    for number, name in enumerate(ANNOTATORS):
        opened.add(Annotator(name=name, role=LEAD if not number else "annotator"))
    opened.flush()
    answers = [
        (person, key)
        for person in range(1, len(ANNOTATORS) + 1)
        for key in range(1, min(ANSWERS, keys) + 1)
    ]
    opened.execute(
        insert(Submission),
        [
            {
                "id": at, "annotator_id": person, "key_id": key, "status": SUBMITTED,
                "revision": 1, "guideline_version": GUIDELINE_VERSION,
            }
            for at, (person, key) in enumerate(answers, start=1)
        ],
    )  # fmt: skip
    opened.execute(
        insert(Pattern),
        [
            {"id": at, "submission_id": at, "number": 1, "type": SHALLOW, "description": "a word"}
            for at in range(1, len(answers) + 1)
        ],
    )
    opened.execute(
        insert(Tick),
        [
            {"pattern_id": at, "prefix_id": (key - 1) * PREFIXES + rank}
            for at, (person, key) in enumerate(answers, start=1)
            for rank in range(1, 5 + person % 3)
        ],
    )
