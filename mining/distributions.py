"""Many hidden vectors as distributions over words, of which only a few numbers each are kept.

Scores are made some rows at a time by one matrix product, and then reduced in blocks that stay in a
processor's cache; no distribution leaves its block. On a GPU the kernels of one_reading.py reduce
them, where they can run. Of equal scores the lowest word id is the higher one, everywhere.

Shapes: N hidden vectors, n of a block, D their width, V words, C columns, g members of a column.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from mining.activity import obstacle
from mining.errors import ModelError
from mining.readout import Readout

CPU_SCORES, GPU_SCORES = 1 << 26, 1 << 28  # scores made at a time: 256 MB, 1 GB
CPU_BLOCK, GPU_BLOCK = 1 << 21, 1 << 27  # scores reduced at a time
MEMBERS = 8  # of a column; columns of columns are as wide
NOT_FINITE = "A score of a word is infinite or no number; the weights are damaged."


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
    once = not obstacle(hidden_ND.device, "mining.one_reading")
    spare = hidden_ND.new_empty(0)
    for start in range(0, len(hidden_ND), at_once):
        scores_NV = readout.scores(hidden_ND[start : start + at_once], variant)
        asked_n = asked_N[start : start + at_once]
        if once:
            yield _in_one_reading(scores_NV, asked_n, best)
            continue
        if spare.numel() < min(block, len(scores_NV)) * scores_NV.shape[1]:
            spare = torch.empty_like(scores_NV[:block]).flatten()
        yield _summary(scores_NV, asked_n, best, block, spare)


def _in_one_reading(scores_NV: torch.Tensor, asked_N: torch.Tensor, best: int) -> Summary:
    from mining.one_reading import read_once

    summary, damaged = read_once(scores_NV, asked_N, best)
    if bool(damaged):
        raise ModelError(NOT_FINITE)
    return summary


def _summary(
    scores_NV: torch.Tensor, asked_N: torch.Tensor, best: int, block: int, spare: torch.Tensor
) -> Summary:
    none_N, asked_N1 = asked_N < 0, asked_N.clamp(min=0)[:, None]
    asked_score_N1 = scores_NV.gather(1, asked_N1)
    maxima_NC = scores_NV.new_empty(len(scores_NV), scores_NV.shape[1] // MEMBERS)
    parts = [
        _reduced(scores_nV, asked_n1, maxima_nC, spare[: scores_nV.numel()].view_as(scores_nV))
        for scores_nV, asked_n1, maxima_nC in zip(
            *(torch.split(all_N, block) for all_N in (scores_NV, asked_score_N1, maxima_NC)),
            strict=True,
        )
    ]
    surest_N, higher_N, reaching_N = map(torch.cat, zip(*parts, strict=True))
    score_Nk, ids_Nk = best_words(scores_NV, best, maxima_NC)
    highest_N1, tied_N = score_Nk[:, :1], reaching_N - higher_N > 1
    finite, tied = torch.stack([highest_N1.isfinite().all(), tied_N.any()]).tolist()
    if not finite:
        raise ModelError(NOT_FINITE)
    rank_N = higher_N.long() + 1
    for row in tied_N.nonzero().flatten().tolist() if tied else []:
        before = scores_NV[row, : int(asked_N1[row])]
        rank_N[row] += (before == asked_score_N1[row]).sum()
    # Of the highest score's probability the others are a factor, so only that one is kept.
    asked_probability_N = (asked_score_N1 - highest_N1).exp()[:, 0] * surest_N
    return Summary(
        ids_Nk,
        (score_Nk - highest_N1).exp() * surest_N[:, None],
        asked_probability_N.masked_fill(none_N, 0.0),
        rank_N.masked_fill(none_N, -1),
    )


def _reduced(
    scores_nV: torch.Tensor, asked_n1: torch.Tensor, maxima_nC: torch.Tensor, spare_nV: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Highest probability, and how many scores are above the one asked about or reach it.

    Fills in the columns' maxima. softmax comes first: it hides how long scores take to arrive.
    """
    # In one step and within the cache. exp alone takes ten times as long where it gives nearly 0.
    torch.softmax(scores_nV, 1, out=spare_nV)
    torch.amax(_dealt(scores_nV), 1, out=maxima_nC)
    surest_n = _surest(spare_nV, maxima_nC)
    # Written as numbers, which add up faster than booleans; float32 counts exactly to 2²⁴.
    higher_n = torch.gt(scores_nV, asked_n1, out=spare_nV).sum(1)
    reaching_n = torch.ge(scores_nV, asked_n1, out=spare_nV).sum(1)
    return surest_n, higher_n, reaching_n


def _surest(probability_nV: torch.Tensor, maxima_nC: torch.Tensor) -> torch.Tensor:
    """The highest probability of each row, which lies in the best column or in none."""
    in_none_nV = probability_nV[:, MEMBERS * maxima_nC.shape[1] :]
    if maxima_nC.shape[1] == 0:
        return in_none_nV.amax(1)
    best_n11 = maxima_nC.argmax(1)[:, None, None].expand(-1, MEMBERS, -1)
    inside_n = _dealt(probability_nV).gather(2, best_n11).amax((1, 2))
    return torch.maximum(inside_n, in_none_nV.amax(1)) if in_none_nV.shape[1] else inside_n


def best_words(
    scores_NV: torch.Tensor, best: int, maxima_NC: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """(scores, ids), each [N, best]: the highest score first, of equal ones the lowest id.

    `maxima_NC` are those of the columns of `scores_NV`, where they are known already.
    """
    score_Nk, ids_Nk = _highest(scores_NV, best + 1, maxima_NC)
    equal_Nk = score_Nk[:, 1:] == score_Nk[:, :-1]
    last_N = equal_Nk[:, best - 1 :].any(1)  # others may have the last one's score
    score_Nk, ids_Nk = score_Nk[:, :best], ids_Nk[:, :best]
    if bool(equal_Nk.any()):
        ids_Nk, order_Nk = ids_Nk.sort(dim=1)
        score_Nk, order_Nk = score_Nk.gather(1, order_Nk).sort(dim=1, descending=True, stable=True)
        ids_Nk = ids_Nk.gather(1, order_Nk)
        score_NV, id_NV = scores_NV[last_N].sort(dim=1, descending=True, stable=True)
        score_Nk[last_N], ids_Nk[last_N] = score_NV[:, :best], id_NV[:, :best]
    return score_Nk, ids_Nk


def _highest(
    score_NV: torch.Tensor, count: int, maxima_NC: torch.Tensor | None = None, ordered: bool = True
) -> tuple[torch.Tensor, torch.Tensor]:
    """(scores, ids), each [N, count] or fewer, of equal scores any.

    Words are dealt to columns; those of the best columns, by their maximum, are all that is sorted.
    """
    words = score_NV.shape[1]
    columns = words // MEMBERS
    if columns <= count:
        return score_NV.topk(min(count, words), dim=1, sorted=ordered)
    dealt_NgC = _dealt(score_NV)
    if maxima_NC is None:
        maxima_NC = dealt_NgC.amax(1)
    chosen_Nk = _highest(maxima_NC, count, ordered=False)[1]
    candidate_Ngk = dealt_NgC.gather(2, chosen_Nk[:, None, :].expand(-1, MEMBERS, -1))
    left_over_NV = score_NV[:, MEMBERS * columns :]
    candidate_NV = torch.cat([candidate_Ngk.flatten(1), left_over_NV], dim=1)
    score_Nk, at_Nk = candidate_NV.topk(count, dim=1, sorted=ordered)
    ids_Nk = chosen_Nk.gather(1, at_Nk % count) + at_Nk // count * columns
    over_Nk = at_Nk - MEMBERS * count  # below 0: in a column
    return score_Nk, torch.where(over_Nk < 0, ids_Nk, over_Nk + MEMBERS * columns)


def _dealt(score_NV: torch.Tensor) -> torch.Tensor:
    """[N, g, C] the words in columns; the last few are in none."""
    columns = score_NV.shape[1] // MEMBERS
    return score_NV[:, : MEMBERS * columns].view(len(score_NV), MEMBERS, columns)
