"""A run of any size for the benchmarks' databases: keys with 25 triggers over 16 layers."""

from sqlmodel import Session, insert

from annotations.tables import Key, Layer, Prefix, Run

PREFIXES, LAYERS = 25, 16
_AT_ONCE = 2_000  # keys inserted at a time
_WORDS = (
    "the key of a feed forward layer fires on text that holds this word again and again".split()
)


def add_run(opened: Session, keys: int) -> None:
    """Add a run, which gets the id 1, of so many keys; their ids count from 1 in order of turn.

    Key number n from 0 is in layer n % LAYERS; its prefix of rank r has the id n · PREFIXES + r.
    """
    opened.add(
        Run(
            id=1, name="bench", fingerprint="bench", folder="nowhere", model="bench",
            corpus="bench", layers=LAYERS, d_ff=max(keys // LAYERS, 1), top_k=PREFIXES,
        )
    )  # fmt: skip
    opened.flush()
    for layer in range(LAYERS):
        opened.add(Layer(run_id=1, layer=layer, keys=len(range(layer, keys, LAYERS))))
    for start in range(0, keys, _AT_ONCE):
        _add_keys(range(start, min(start + _AT_ONCE, keys)), opened)


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
                "id": number * PREFIXES + rank,
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
