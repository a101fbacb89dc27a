"""From places (numbers) to the run folder's tables (text): what people read is derived here, once.

A prefix's text is cut out of its sentence by the tokenizer's own character offsets, never decoded
token by token, so that multi-byte characters stay whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from mining.activity import KeyActivity
from mining.corpus import Sentence
from mining.models import LoadedModel
from mining.run_folder import SCHEMAS
from mining.topk import Places, rank_within_key, split_place
from mining.winning_sentences import ReadSentence

_TEXTS_AT_ONCE = 8_192


def read_again(loaded: LoadedModel, sentences: Iterable[Sentence]) -> dict[int, ReadSentence]:
    """Tokenize these sentences with offsets, by sentence id."""
    chosen = list(sentences)
    texts = [sentence.text for sentence in chosen]
    encoded = loaded.tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
    return {
        sentence.sentence_id: ReadSentence(
            sentence,
            np.array(encoding.ids, dtype=np.int32),
            # A tokenizer may count back for a piece of a character; text only goes on.
            np.maximum.accumulate(np.array([end for _, end in encoding.offsets], dtype=np.int32)),
        )
        for sentence, encoding in zip(chosen, encoded, strict=True)
    }


def trigger_table(
    found: dict[tuple[int, int], Places], sentences: Mapping[int, ReadSentence]
) -> pa.Table:
    """triggers.parquet: layer by layer; within a key the positive rows, then the negative ones."""
    layers = sorted({layer for layer, _ in found})
    texts = _Texts.of(found, sentences)
    return pa.concat_tables(
        [_layer_table(layer, found, texts) for layer in layers]
        or [SCHEMAS["triggers"].empty_table()]
    )


def _layer_table(layer: int, found: dict[tuple[int, int], Places], texts: "_Texts") -> pa.Table:
    signs = [sign for of_layer, sign in found if of_layer == layer]
    parts = [found[layer, sign] for sign in signs]
    ranks = [rank_within_key(part.key_N) + 1 for part in parts]
    places = Places.concatenate(parts)
    sign = np.repeat(signs, [len(part) for part in parts])
    rank, key = torch.cat(ranks).numpy(), places.key_N.numpy()
    order = np.lexsort((rank, -sign, key))
    columns = [
        np.full(len(order), layer), key[order], rank[order],
        sign[order] * places.coefficient_N.numpy()[order],
        places.sentence_N.numpy()[order], places.position_N.numpy()[order],
        *texts.columns(places.at_N.numpy()[order]), sign[order],
    ]  # fmt: skip
    schema = SCHEMAS["triggers"]
    arrays = [pa.array(c).cast(f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


@dataclass(frozen=True)
class _Texts:
    """The text of every prefix that holds a place, cut out once: many keys share a prefix."""

    at_N: npt.NDArray[np.int64]  # places, ascending
    next_ids: pa.Array
    prefixes: pa.Array
    next_tokens: pa.Array

    @classmethod
    def of(
        cls, found: dict[tuple[int, int], Places], sentences: Mapping[int, ReadSentence]
    ) -> "_Texts":
        at_N = torch.unique(torch.cat([places.at_N for places in found.values()]))
        blocks = [_text_table(block_n, sentences) for block_n in at_N.split(_TEXTS_AT_ONCE)]
        texts = pa.concat_tables(blocks)
        return cls(at_N.numpy(), *(column.combine_chunks() for column in texts.columns))

    def columns(self, at_N: npt.NDArray[np.int64]) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Next tokens' ids, prefixes and next tokens of these places."""
        index_N = pa.array(np.searchsorted(self.at_N, at_N))
        return tuple(
            column.take(index_N) for column in (self.next_ids, self.prefixes, self.next_tokens)
        )


def _text_table(at_n: torch.Tensor, sentences: Mapping[int, ReadSentence]) -> pa.Table:
    """The texts of some places; Python's own strings take several times what Arrow's do."""
    sentence_n, position_n = split_place(at_n)
    of_n = zip(sentence_n.tolist(), position_n.tolist(), strict=True)
    texts = [_text(sentences[sentence], position) for sentence, position in of_n]
    names = ("next_token_id", "prefix", "next_token")
    schema = pa.schema([SCHEMAS["triggers"].field(name) for name in names])
    columns = ([text[part] for text in texts] for part in range(len(names)))
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema)


def _text(read: ReadSentence, position: int) -> tuple[int, str, str]:
    """(next token's id or −1, the prefix's text, the next token's text as it stands there).

    Prefix and next token are one piece of the sentence. A token inside a character adds nothing:
    the prefix before it already shows the character whole.
    """
    text, ends = read.sentence.text, read.token_ends
    prefix = text[: ends[position]]
    if position + 1 == len(read.token_ids):
        return -1, prefix, ""
    return int(read.token_ids[position + 1]), prefix, text[ends[position] : ends[position + 1]]


def key_table(found: dict[tuple[int, int], Places], activity: dict[int, KeyActivity]) -> pa.Table:
    """keys.parquet: one row a key, dead ones included; `triggers` counts positive rows."""
    schema = SCHEMAS["keys"]
    parts = []
    for layer, figures in sorted(activity.items()):
        keys = len(figures.active_F)
        columns = [
            np.full(keys, layer), np.arange(keys),
            torch.bincount(found[layer, 1].key_N, minlength=keys).cpu().numpy(),
            *(
                column.cpu().numpy()
                for column in (
                    figures.active_share_F(), figures.mean_F(), figures.highest_F, figures.lowest_F,
                )
            ),
        ]  # fmt: skip
        arrays = [pa.array(c).cast(f.type) for c, f in zip(columns, schema, strict=True)]
        parts.append(pa.Table.from_arrays(arrays, schema=schema))
    return pa.concat_tables(parts)
