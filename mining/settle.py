"""Settle near-ties, so that ranks do not depend on how sentences were batched.

A matrix product may add its terms in another order for another batch, so that equal work gives
coefficients some 1e-7 apart. Where two places are closer than that could explain, both sentences
are run again, each alone, and those coefficients decide.
"""

from collections import defaultdict

import torch

from mining.capture import memory_coefficients
from mining.models import LoadedModel
from mining.topk import Places, rank_within_key, ranked

TOLERANCE = 1e-5  # of the key's highest coefficient
SPARE = 7  # places kept beyond top_k, so that a near-tie at the last one can be settled

Contexts = dict[int, list[int]]  # sentence id → token ids as fed, leading special tokens included


def contested(places: Places, top_k: int) -> torch.Tensor:
    """Rows [N] that stand within TOLERANCE of a neighbour while one of the two is in the top k."""
    rank_N = rank_within_key(places.key_N)
    highest_N = places.coefficient_N[torch.arange(len(places)).to(rank_N) - rank_N]
    gap_N = places.coefficient_N[:-1] - places.coefficient_N[1:]
    same_N = places.key_N[:-1] == places.key_N[1:]
    close_N = same_N & (gap_N <= TOLERANCE * highest_N[:-1]) & (rank_N[:-1] < top_k)
    rows_N = torch.zeros_like(rank_N, dtype=torch.bool)
    rows_N[:-1] |= close_N
    rows_N[1:] |= close_N
    return rows_N


def settle(
    found: dict[tuple[int, int], Places], loaded: LoadedModel, contexts: Contexts, top_k: int
) -> tuple[dict[tuple[int, int], Places], int]:
    """The top k of each (layer, sign) in their settled order, and how many rows changed place.

    `contexts` must hold every sentence that has a contested row.
    """
    wanted: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for (layer, sign), places in found.items():
        for row in contested(places, top_k).nonzero().flatten().tolist():
            wanted[int(places.sentence_N[row])].append((layer, sign, row))
    settled = {at: places.coefficient_N.clone() for at, places in found.items()}
    layers = sorted({layer for layer, _ in found})
    seen: dict[int, torch.Tensor] = {}
    with memory_coefficients(loaded.values, layers, seen.__setitem__):
        for sentence, rows in wanted.items():
            ids_BT = torch.tensor([contexts[sentence]], device=loaded.device)
            loaded.model(input_ids=ids_BT, use_cache=False)
            for layer, sign, row in rows:
                places = found[layer, sign]
                at = len(loaded.lead_ids) + int(places.position_N[row])
                alone_TF = seen[layer].reshape(ids_BT.shape[1], -1)
                settled[layer, sign][row] = sign * alone_TF[at, places.key_N[row]]
    moved = 0
    result = {}
    for group, places in found.items():
        again = ranked(
            Places(
                places.key_N, settled[group], places.sentence_N, places.position_N, places.prefix_N
            )
        )
        kept = rank_within_key(again.key_N) < top_k
        moved += int((again.prefix_N != places.prefix_N)[kept].sum())
        result[group] = again[kept]
    return result, moved
