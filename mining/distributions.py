"""Many hidden vectors as distributions over words, of which only a few numbers each are kept.

Scores are made some rows at a time by one matrix product, and then reduced in blocks that stay in a
processor's cache; no distribution leaves its block. Of equal scores the lowest word id is the
higher one, everywhere.

Shapes: N hidden vectors, n of a block, D their width, V words, C columns, g members of a column.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from mining.errors import ModelError
from mining.readout import Readout

CPU_SCORES, GPU_SCORES = 1 << 26, 1 << 28  # scores made at a time: 256 MB, 1 GB
CPU_BLOCK, GPU_BLOCK = 1 << 21, 1 << 27  # scores reduced at a time


@dataclass(frozen=True)
class Summary:
    """What is kept of N distributions."""

    ids_Nk: torch.Tensor  # the best words, best first
    probability_Nk: torch.Tensor
    asked_probability_N: torch.Tensor  # of the word asked about; 0 where there is none
    rank_N: torch.Tensor  # of that word, from 1; −1 where there is none


def summarise(
    readout: Readout, variant: str, hidden_ND: torch.Tensor, asked_N: torch.Tensor, best: int
) -> Iterator[Summary]:
    """Summaries of some rows after the others; `asked_N` is a word's id a row, or −1.

    Raises ModelError where a score is infinite or no number.
    """
    on_cpu = hidden_ND.device.type == "cpu"
    at_once = max(1, (CPU_SCORES if on_cpu else GPU_SCORES) // readout.vocabulary)
    block = max(1, (CPU_BLOCK if on_cpu else GPU_BLOCK) // readout.vocabulary)
    spare = hidden_ND.new_empty(0)
    for start in range(0, len(hidden_ND), at_once):
        scores_NV = readout.scores(hidden_ND[start : start + at_once], variant)
        if spare.numel() < min(block, len(scores_NV)) * scores_NV.shape[1]:
            spare = torch.empty_like(scores_NV[:block]).flatten()
        words_N = asked_N[start : start + at_once]
        yield _joined(
            [
                _summary(scores_nV, words_n, best, spare[: scores_nV.numel()].view_as(scores_nV))
                for scores_nV, words_n in zip(
                    torch.split(scores_NV, block), torch.split(words_N, block), strict=True
                )
            ]
        )


def _summary(
    scores_nV: torch.Tensor, asked_n: torch.Tensor, best: int, spare_nV: torch.Tensor
) -> Summary:
    score_nk, ids_nk = best_words(scores_nV, best)
    if not bool(score_nk[:, 0].isfinite().all()):
        raise ModelError("A score of a word is infinite or no number; the weights are damaged.")
    none_n = asked_n < 0
    asked_n1 = asked_n.clamp(min=0)[:, None]
    asked_score_n1 = scores_nV.gather(1, asked_n1)
    rank_n = _ranks(scores_nV, asked_n1, asked_score_n1, spare_nV)
    # In one step and within the cache. exp alone takes ten times as long where it gives nearly 0.
    probability_nV = torch.softmax(scores_nV, 1, out=spare_nV)
    return Summary(
        ids_nk,
        probability_nV.gather(1, ids_nk),
        probability_nV.gather(1, asked_n1)[:, 0].masked_fill(none_n, 0.0),
        rank_n.masked_fill(none_n, -1),
    )


def _joined(parts: list[Summary]) -> Summary:
    columns = zip(
        *((p.ids_Nk, p.probability_Nk, p.asked_probability_N, p.rank_N) for p in parts), strict=True
    )
    return Summary(*map(torch.cat, columns))


def best_words(scores_NV: torch.Tensor, best: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(scores, ids), each [N, best]: the highest score first, of equal ones the lowest id.

    Words are dealt to columns; those of the best columns, by their maximum, are all that is sorted.
    """
    words = scores_NV.shape[1]
    best = min(best, words)
    members = 1 << max(0, (words // (best + 1)).bit_length() // 2)  # about √(V / best)
    columns = words // members
    if columns <= best + 1:
        return _sorted(scores_NV, best)
    dealt_NgC = scores_NV[:, : members * columns].view(-1, members, columns)
    chosen_NC = dealt_NgC.amax(1).topk(best + 1, dim=1, sorted=False).indices
    first_g = torch.arange(0, members * columns, columns, device=scores_NV.device)
    left_over = torch.arange(members * columns, words, device=scores_NV.device)
    candidate_NC = torch.cat(
        [
            (first_g[:, None] + chosen_NC[:, None, :]).flatten(1),
            left_over.expand(len(scores_NV), -1),
        ],
        dim=1,
    )
    score_Nk, at_Nk = scores_NV.gather(1, candidate_NC).topk(best + 1, dim=1)
    ids_Nk = candidate_NC.gather(1, at_Nk)
    tied_N = score_Nk[:, best - 1] == score_Nk[:, best]  # others may have the last one's score
    score_Nk, ids_Nk = score_Nk[:, :best], ids_Nk[:, :best]
    ids_Nk, order_Nk = ids_Nk.sort(dim=1)
    score_Nk, order_Nk = score_Nk.gather(1, order_Nk).sort(dim=1, descending=True, stable=True)
    ids_Nk = ids_Nk.gather(1, order_Nk)
    if bool(tied_N.any()):
        score_Nk[tied_N], ids_Nk[tied_N] = _sorted(scores_NV[tied_N], best)
    return score_Nk, ids_Nk


def _sorted(scores_NV: torch.Tensor, best: int) -> tuple[torch.Tensor, torch.Tensor]:
    score_NV, ids_NV = scores_NV.sort(dim=1, descending=True, stable=True)
    return score_NV[:, :best], ids_NV[:, :best]


def _ranks(
    scores_nV: torch.Tensor, word_n1: torch.Tensor, score_n1: torch.Tensor, spare_nV: torch.Tensor
) -> torch.Tensor:
    """1 + words with a higher score + words with the same and a lower id, without sorting."""
    # Written as numbers, which add up faster than booleans; float32 counts exactly to 2²⁴.
    higher_n = torch.gt(scores_nV, score_n1, out=spare_nV).sum(1).long()
    reaching_n = torch.ge(scores_nV, score_n1, out=spare_nV).sum(1).long()
    rank_n = higher_n + 1
    for row in (reaching_n - higher_n > 1).nonzero().flatten().tolist():
        before = scores_nV[row, : int(word_n1[row])]
        rank_n[row] += (before == score_n1[row]).sum()
    return rank_n
