"""Makes small, complete run folders without a model: what mining would have written, by hand."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from mining.run_folder import SCHEMAS, Manifest, RunFolder, RunWriter, new_run_folder

# One ends in a character of three bytes, one holds the NUL that PostgreSQL cannot store.
SENTENCES = (
    "One two three four five six",
    "= A heading = of our own text",
    "Prices in £ and in 元 are here",
    "A nul\0 is in the very middle",
    "Seven words are all that is said",
    "The very last of them ends here",
)


@dataclass(frozen=True)
class MinedKey:
    """A key with so many trigger prefixes; rank r is from sentence (key + r), up to 7 tokens."""

    layer: int
    key: int
    triggers: int = 5
    negative: int = 0  # as with --sign both

    @property
    def active_share(self) -> float:
        return self.triggers / 7


def token_ends(sentence: str) -> list[int]:
    """Where the words of a sentence end: our tokens are words with the space before them."""
    ends = [place for place, character in enumerate(sentence) if character == " "]
    return [*ends, len(sentence)]


def write_run(path: Path, keys: Iterable[MinedKey], *, model: str = "tiny") -> RunFolder:
    """Write a run folder that holds these keys; runs of different `model`s are different runs."""
    keys = sorted(keys, key=lambda key: (key.layer, key.key))
    layers = sorted({key.layer for key in keys})
    with new_run_folder(path) as writer:
        _write_sentences(writer)
        columns = SCHEMAS["triggers"].names
        rows = [row for key in keys for row in _triggers(key)]
        writer.write(
            "triggers",
            pa.table(
                {name: [row[name] for row in rows] for name in columns}, schema=SCHEMAS["triggers"]
            ),
        )
        writer.write(
            "keys",
            pa.table(
                {
                    "layer": [key.layer for key in keys],
                    "key": [key.key for key in keys],
                    "triggers": [key.triggers + key.negative for key in keys],
                    "active_share": [key.active_share for key in keys],
                    "mean": [0.0] * len(keys),
                    "max": [1.0] * len(keys),
                    "min": [-1.0] * len(keys),
                },
                schema=SCHEMAS["keys"],
            ),
        )
        writer.finish(_manifest(model, layers))
    return RunFolder.open(path)


def _write_sentences(writer: RunWriter) -> None:
    count = len(SENTENCES)
    columns = {
        "sentence_id": list(range(count)),
        "document_id": list(range(count)),
        "text": list(SENTENCES),
        "token_ids": [list(range(len(token_ends(text)))) for text in SENTENCES],
        "token_ends": [token_ends(text) for text in SENTENCES],
    }
    writer.write("sentences", pa.table(columns, schema=SCHEMAS["sentences"]))


def _triggers(key: MinedKey) -> list[dict[str, object]]:
    signs = [1] * key.triggers + [-1] * key.negative
    rows = []
    for rank, sign in enumerate(signs, start=1):
        sentence_id = (key.key + rank) % len(SENTENCES)
        text = SENTENCES[sentence_id]
        ends = token_ends(text)
        position = (key.key + 2 * rank) % len(ends)
        after = text[ends[position] : ends[position + 1]] if position + 1 < len(ends) else ""
        rows.append(
            {
                "layer": key.layer,
                "key": key.key,
                "rank": rank if sign > 0 else rank - key.triggers,
                "coefficient": sign * (10 + 1 / rank),
                "sentence_id": sentence_id,
                "position": position,
                "next_token_id": position + 1 if after else -1,
                "prefix": text[: ends[position]],
                "next_token": after,
                "sign": sign,
            }
        )
    return rows


def _manifest(model: str, layers: list[int]) -> Manifest:
    return Manifest(
        model=model,
        architecture="ByHand",
        weights_sha256="0" * 64,
        layers=len(layers),
        d_model=4,
        d_ff=8,
        activation="relu",
        gated=False,
        tokenizer_sha256="1" * 64,
        corpus="by hand",
        corpus_sha256="2" * 64,
        sentences=len(SENTENCES),
        tokens=sum(len(token_ends(text)) for text in SENTENCES),
        skipped={},
        bos=False,
        top_k=5,
        per_sentence="one",
        ranked="activation",
        sign="positive",
        dtype="float32",
        device="cpu",
        seed=0,
        command_line=[],
        versions={},
        wall_seconds=0.0,
        tokens_per_second=0.0,
        mined_layers=layers,
    )
