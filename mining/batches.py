"""Sentences in, batches of token ids out: like lengths together, so that little or no padding.

Sentences are sorted by length within a window and cut into batches. On a processor a batch holds
one length only: then each sentence's numbers come out the same to the bit in any batch, which they
do not beside padding (attention adds in another order for another width). On a GPU small batches
cost too much; lengths may mix there, padded on the right. Under causal attention the padding is
never seen by a real token, so no attention mask is needed.

Shapes: B sentences, R rows as fed, T tokens of a sentence, U with the leading special ones.
"""

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from mining.models import LoadedModel
from mining.reading import Window
from mining.topk import prefix_hashes

MOST_PADDING = 0.03
SMALLEST = 8  # a batch is not cut for its padding below this part of its size
LEAST_FED = 32  # tokens; for fewer, matrix products take other routines, with other rounding

Item = TypeVar("Item")


@dataclass(frozen=True)
class Batch:
    """Some sentences of a window, shortest first, still on the processor."""

    ids_BU: npt.NDArray[np.int64]
    ranked_BT: npt.NDArray[np.bool_]  # False at padding and at special tokens in the text
    length_B: npt.NDArray[np.int64]
    sentence_B: npt.NDArray[np.int64]
    window: Window
    index: int  # within the window

    @property
    def tokens(self) -> int:
        """The sentences' own tokens: no padding, no leading special tokens."""
        return int(self.length_B.sum())

    def halves(self) -> tuple["Batch", "Batch"]:
        """The shorter and the longer half of the sentences."""
        middle = len(self.length_B) // 2
        return self._rows(slice(0, middle)), self._rows(slice(middle, None))

    def _rows(self, rows: slice) -> "Batch":
        longest = int(self.length_B[rows].max())
        lead = self.ids_BU.shape[1] - self.ranked_BT.shape[1]
        return Batch(
            self.ids_BU[rows, : lead + longest], self.ranked_BT[rows, :longest],
            self.length_B[rows], self.sentence_B[rows], self.window, self.index,
        )  # fmt: skip


def batches(
    window: Window, loaded: LoadedModel, batch_tokens: int, *, mixed: bool
) -> Iterator[Batch]:
    """A window's sentences as batches of up to `batch_tokens`; without those that have no token.

    `mixed`: a batch may hold sentences of several lengths.
    """
    ends_S = np.cumsum(window.length_S)
    order = np.argsort(window.length_S, kind="stable")
    order = order[window.length_S[order] > 0]
    lead = np.array(loaded.lead_ids, dtype=np.int64)
    # The longest first: their coefficients are the highest, since each is the best of many, so
    # that fewer of the shorter sentences win a place for a while only.
    cut = [*_cut(order, window.length_S + len(lead), batch_tokens, mixed)][::-1]
    for index, chosen in enumerate(cut):
        length_B = window.length_S[chosen]
        ids_BU = np.zeros((len(chosen), len(lead) + int(length_B.max())), dtype=np.int64)
        ids_BU[:, : len(lead)] = lead
        ranked_BT = np.zeros((len(chosen), int(length_B.max())), dtype=np.bool_)
        for row, (end, length) in enumerate(zip(ends_S[chosen], length_B, strict=True)):
            ids_BU[row, len(lead) : len(lead) + length] = window.ids_N[end - length : end]
            ranked_BT[row, :length] = ~window.special_N[end - length : end]
        sentence_B = chosen + window.before.sentences
        yield Batch(ids_BU, ranked_BT, length_B, sentence_B, window, index)


def _cut(
    order: npt.NDArray[np.int64], fed_S: npt.NDArray[np.int64], batch_tokens: int, mixed: bool
) -> Iterator[npt.NDArray[np.int64]]:
    """Runs of `order` (shortest first) whose padded size stays within `batch_tokens`.

    A batch ends where the lengths change. If they may be mixed, it does so only if it is half full,
    or if going on would cost more than MOST_PADDING and it is large enough for a forward pass.
    """
    fed = fed_S[order].tolist()
    start = tokens = 0
    for end, length in enumerate(fed):
        rows = end - start
        longer = rows and length > fed[end - 1]
        padded = (rows + 1) * length
        wasteful = padded - tokens - length > MOST_PADDING * padded
        if rows and (
            padded > batch_tokens
            or (longer and not mixed)
            or (longer and 2 * tokens > batch_tokens)
            or (longer and wasteful and SMALLEST * tokens > batch_tokens)
        ):
            yield order[start:end]
            start, tokens = end, 0
        tokens += length
    if len(order):
        yield order[start:]


@dataclass(frozen=True)
class PlacedBatch:
    """A batch on the model's device, with what reductions need to know of its rows."""

    fed_RU: torch.Tensor  # the B sentences, over again if they are few (LEAST_FED)
    unranked_BT: torch.Tensor | None  # padding and special tokens; None: there are none
    length_B: torch.Tensor  # tokens of each sentence, padding not counted
    sentence_B: torch.Tensor
    prefix_BT: torch.Tensor  # hash of each prefix
    repeated_BT: torch.Tensor  # whether another sentence of the batch has that prefix
    blocks: tuple[tuple[int, int, int], ...]  # (first row, row after the last, tokens of each)
    interrupted: tuple[tuple[int, torch.Tensor], ...]  # rows with special tokens: (row, ranked)
    apart_B: torch.Tensor  # rows that share no prefix: each begins with another token
    positions: int  # ranked ones
    longest: int
    window: int  # the number of the one that it is of

    @classmethod
    def of(cls, batch: Batch, device: torch.device) -> "PlacedBatch":
        """Move a batch to the device; positions count from the sentence's own first token."""
        lead = batch.ids_BU.shape[1] - batch.ranked_BT.shape[1]
        ranked_B = batch.ranked_BT.sum(1)
        whole_B = ranked_B == batch.length_B
        changes = np.flatnonzero(np.diff(np.where(whole_B, batch.length_B, -1))) + 1
        edges = [0, *changes.tolist(), len(whole_B)]
        _, apart_B = np.unique(batch.ids_BU[:, lead], return_index=True)
        ids_BU = torch.from_numpy(batch.ids_BU)
        prefix_BT = prefix_hashes(ids_BU[:, lead:])
        _, inverse, counts = np.unique(prefix_BT.numpy(), return_inverse=True, return_counts=True)
        return cls(
            fed_RU=at_least(ids_BU).to(device),
            unranked_BT=None
            if batch.ranked_BT.all()
            else torch.from_numpy(~batch.ranked_BT).to(device),
            length_B=torch.from_numpy(batch.length_B).to(device),
            sentence_B=torch.from_numpy(batch.sentence_B).to(device),
            prefix_BT=prefix_BT.to(device),
            repeated_BT=torch.from_numpy(counts[inverse].reshape(prefix_BT.shape) > 1).to(device),
            blocks=tuple(
                (start, stop, int(batch.length_B[start]))
                for start, stop in pairwise(edges)
                if whole_B[start]
            ),
            interrupted=tuple(
                (int(row), torch.from_numpy(np.flatnonzero(batch.ranked_BT[row])).to(device))
                for row in np.flatnonzero(~whole_B)
            ),
            apart_B=torch.from_numpy(apart_B).to(device),
            positions=int(ranked_B.sum()),
            longest=int(batch.length_B.max()),
            window=batch.window.number,
        )


def at_least(ids_BU: torch.Tensor) -> torch.Tensor:
    """These rows, repeated until they are at least LEAST_FED tokens."""
    return ids_BU.repeat(-(-LEAST_FED // max(1, ids_BU.numel())), 1)


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
