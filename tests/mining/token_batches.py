"""Batches cut from sentences that are written as tuples of token ids."""

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import torch

from mining.batches import Batch, batches
from mining.corpus import Sentence
from mining.reading import Counts, Window

CPU = torch.device("cpu")
SPECIAL = 0  # of the vocabularies here
Ids = tuple[int, ...]


def window_of(sentences: Sequence[Ids], first: int = 0) -> Window:
    """These sentences, the first of which has this id; token 0 is a special one."""
    ids = np.array([token for ids in sentences for token in ids], dtype=np.int64)
    return Window(
        sentences=[Sentence(first + n, 0, "") for n in range(len(sentences))],
        length_S=np.array([len(ids) for ids in sentences], dtype=np.int64), ids_N=ids,
        special_N=ids == SPECIAL, before=Counts(sentences=first), digest_before="",
        expected_tokens=0,
    )  # fmt: skip


def batches_of(
    sentences: Sequence[Ids], tokens: int, lead: Ids = (), first: int = 0, mixed: bool = True
) -> list[Batch]:
    """`mixed`: of several lengths, as on a GPU, so that some are padded."""
    return [
        *batches(window_of(sentences, first), SimpleNamespace(lead_ids=lead), tokens, mixed=mixed)
    ]


def own_ids(batch: Batch) -> list[Ids]:
    lead = batch.ids_BU.shape[1] - batch.ranked_BT.shape[1]
    return [
        tuple(row[lead : lead + length].tolist())
        for row, length in zip(batch.ids_BU, batch.length_B, strict=True)
    ]
