"""Sentences in, batches of token ids out: like lengths together, so that almost nothing is padding.

Sentences are read in windows, tokenized, sorted by length within the window and cut into batches.
Every sentence is a context of its own, padded on the right; under causal attention the padding is
never seen by a real token, so no attention mask is needed.
"""

import hashlib
import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from mining.corpus import Corpus, Sentence
from mining.models import LoadedModel

WINDOW = 16_384  # sentences sorted together; more saves padding, costs memory

Item = TypeVar("Item")
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Token ids [B, T] with right padding, leading special tokens included.

    `rankable_BT` is False at leading special tokens, special tokens in the text, and padding.
    """

    ids_BT: torch.Tensor
    rankable_BT: torch.Tensor
    sentence_ids_B: torch.Tensor
    tokens: int  # the sentences' own tokens: no padding, no leading special tokens
    expected_tokens: int  # of the whole corpus, an estimate that ends exact; 0: not known


@dataclass
class Reading:
    """What has been read so far; complete once the batches are exhausted."""

    sentences: int = 0
    tokens: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    skipped: dict[str, int] = field(
        default_factory=lambda: {
            "empty_sentences": 0, "positions_past_context": 0, "special_token_positions": 0,
        }
    )  # fmt: skip


def tokenize(loaded: LoadedModel, texts: list[str]) -> list[list[int]]:
    """Each text's own token ids, without the special tokens a tokenizer would put around it."""
    encodings = loaded.tokenizer.backend_tokenizer.encode_batch_fast(
        texts, add_special_tokens=False
    )
    return [encoding.ids for encoding in encodings]


def batches(
    corpus: Corpus,
    loaded: LoadedModel,
    reading: Reading,
    *,
    batch_tokens: int,
    max_sentences: int | None = None,
) -> Iterator[Batch]:
    """All of the corpus, or its first `max_sentences`, as batches of up to `batch_tokens`."""
    sentences = iter(corpus) if max_sentences is None else islice(corpus, max_sentences)
    while window := list(islice(sentences, WINDOW)):
        encoded = tokenize(loaded, [sentence.text for sentence in window])
        _count(reading, window, encoded, loaded.room)
        of_limit = reading.sentences / max_sentences if max_sentences else 0.0
        share = max(corpus.share_read, of_limit)
        expected = round(reading.tokens / share) if share else 0
        yield from _window(window, encoded, loaded, reading, batch_tokens, expected)


def _count(reading: Reading, window: list[Sentence], encoded: list[list[int]], room: int) -> None:
    for sentence, ids in zip(window, encoded, strict=True):
        reading.digest.update(sentence.text.encode() + b"\n")
        reading.sentences += 1
        reading.tokens += min(len(ids), room)
        reading.skipped["empty_sentences"] += not ids
        reading.skipped["positions_past_context"] += max(0, len(ids) - room)


def _window(
    window: list[Sentence],
    encoded: list[list[int]],
    loaded: LoadedModel,
    reading: Reading,
    batch_tokens: int,
    expected_tokens: int,
) -> Iterator[Batch]:
    lead = list(loaded.lead_ids)
    rows = [lead + ids[: loaded.room] for ids in encoded]
    order = sorted((n for n, ids in enumerate(encoded) if ids), key=lambda n: len(encoded[n]))
    special = np.array(loaded.tokenizer.all_special_ids, dtype=np.int64)
    for chosen in _cut(order, rows, batch_tokens):
        sentence_ids = [window[n].sentence_id for n in chosen]
        batch = _batch([rows[n] for n in chosen], len(lead), special, sentence_ids, expected_tokens)
        reading.skipped["special_token_positions"] += batch.tokens - int(batch.rankable_BT.sum())
        yield batch


def _cut(order: list[int], rows: list[list[int]], batch_tokens: int) -> Iterator[list[int]]:
    """Runs of `order` (shortest first) whose padded size stays within `batch_tokens`.

    A batch that is at least half full ends where the lengths change, so that it needs no padding.
    """
    chosen: list[int] = []
    for n in order:
        longer = chosen and len(rows[n]) > len(rows[chosen[-1]])
        full = (len(chosen) + 1) * len(rows[n]) > batch_tokens
        if chosen and (full or (longer and 2 * len(chosen) * len(rows[n]) > batch_tokens)):
            yield chosen
            chosen = []
        chosen.append(n)
    if chosen:
        yield chosen


def _batch(
    rows: list[list[int]], lead: int, special: Ids, sentence_ids: list[int], expected_tokens: int
) -> Batch:
    lengths = np.array([len(row) for row in rows])
    width = int(lengths.max())
    ids = np.zeros((len(rows), width), dtype=np.int64)
    real = np.arange(width) < lengths[:, None]
    ids[real] = np.concatenate([np.array(row, dtype=np.int64) for row in rows])
    rankable = real & (np.arange(width) >= lead) & ~np.isin(ids, special)
    return Batch(
        ids_BT=torch.from_numpy(ids),
        rankable_BT=torch.from_numpy(rankable),
        sentence_ids_B=torch.tensor(sentence_ids, dtype=torch.int64),
        tokens=int((lengths - lead).sum()),
        expected_tokens=expected_tokens,
    )


def ahead(items: Iterable[Item], depth: int = 4) -> Iterator[Item]:
    """Produce items in a thread of their own, up to `depth` ahead of whoever consumes them."""
    waiting: queue.Queue[Item | BaseException | None] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def offer(item: Item | BaseException | None) -> None:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.2)
            except queue.Full:
                continue
            return

    def produce() -> None:
        try:
            for item in items:
                offer(item)
                if stopped.is_set():
                    return
            offer(None)
        except BaseException as mistake:  # handed on to the consumer, raised there
            offer(mistake)

    threading.Thread(target=produce, daemon=True, name="batches").start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
