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
CPU_BLOCK, GPU_BLOCK = 1 << 19, 1 << 27  # scores reduced at a time, by each core of a processor
MEMBERS = 8  # of a column; columns of columns have as many
LANES = 32  # columns side by side, near enough for a column's words to be fetched together
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
    if on_cpu:
        block *= torch.get_num_threads()
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
    # A score that is infinite or no number leaves a row without probabilities.
    finite, tied = torch.stack([surest_N.isfinite().all(), tied_N.any()]).tolist()
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
    surest_n = torch.softmax(scores_nV, 1, out=spare_nV).amax(1)
    _maxima(scores_nV, maxima_nC)
    # Written as numbers, which add up faster than booleans; float32 counts exactly to 2²⁴.
    higher_n = torch.gt(scores_nV, asked_n1, out=spare_nV).sum(1)
    reaching_n = torch.ge(scores_nV, asked_n1, out=spare_nV).sum(1)
    return surest_n, higher_n, reaching_n


def best_words(
    scores_NV: torch.Tensor, best: int, maxima_NC: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """(scores, ids), each [N, best]: the highest score first, of equal ones the lowest id.

    `maxima_NC` are those of the columns of `scores_NV`, where they are known already.
    """
    key_Nk = _first(scores_NV, best + 1, maxima_NC)
    score_Nk = _scores(key_Nk)
    last_N = (score_Nk[:, best:] == score_Nk[:, best - 1 : best]).any(1)
    key_Nk, score_Nk = key_Nk[:, :best], score_Nk[:, :best]
    if bool(last_N.any()):  # words of other columns may have the last one's score, too
        every_V = torch.arange(scores_NV.shape[1], device=scores_NV.device)
        key_Nk[last_N] = _least(_keys(scores_NV[last_N], every_V), best)
    return score_Nk, _places(key_Nk)


def _first(
    score_NV: torch.Tensor, count: int, maxima_NC: torch.Tensor | None = None
) -> torch.Tensor:
    """[N, count] or fewer keys of the highest scores, the highest first.

    Words are dealt to columns; those of the best columns, by their maximum, are all that is sorted.
    """
    words = score_NV.shape[1]
    columns = words // MEMBERS
    every_V = torch.arange(words, device=score_NV.device)
    if columns <= count:
        return _least(_keys(score_NV, every_V), count)
    if maxima_NC is None:
        maxima_NC = _maxima(score_NV, score_NV.new_empty(len(score_NV), columns))
    chosen_Nk, lanes = _places(_first(maxima_NC, count)), _lanes(words)
    first_N1k = (chosen_Nk // lanes * (lanes * MEMBERS) + chosen_Nk % lanes)[:, None]
    # Each word with the others that are in its column if it comes first there.
    column_NgX = score_NV.unfold(1, lanes * (MEMBERS - 1) + 1, 1)[..., ::lanes].transpose(1, 2)
    candidate_Ngk = column_NgX.gather(2, first_N1k.expand(-1, MEMBERS, -1))
    key_NX = _keys(candidate_Ngk, first_N1k + every_V[:MEMBERS, None] * lanes).flatten(1)
    over = slice(MEMBERS * columns, None)  # in no column
    return _least(torch.cat([key_NX, _keys(score_NV[:, over], every_V[over])], dim=1), count)


def _keys(score_X: torch.Tensor, place_X: torch.Tensor) -> torch.Tensor:
    """Whole numbers that are lower where the score is higher, and of equal ones the place lower."""
    bits_X = (score_X.float() + 0.0).view(torch.int32)  # −0 and 0 are equal, but not in bits
    return ((~_in_order(bits_X)).long() << 32) | place_X


def _places(key_X: torch.Tensor) -> torch.Tensor:
    return key_X & 0xFFFFFFFF


def _scores(key_X: torch.Tensor) -> torch.Tensor:
    return _in_order(~(key_X >> 32).int()).view(torch.float32)


def _in_order(bits_X: torch.Tensor) -> torch.Tensor:
    """A float's bits as a whole number that rises with it, and back."""
    return bits_X ^ ((bits_X >> 31) & 0x7FFFFFFF)


def _least(key_NX: torch.Tensor, count: int) -> torch.Tensor:
    """The lowest keys of each row, ascending; the others are lost."""
    if key_NX.device.type != "cpu":
        return key_NX.topk(min(count, key_NX.shape[1]), dim=1, largest=False).values
    key_NX.numpy().sort(axis=1)  # by vector instructions: several times as fast as torch's topk
    return key_NX[:, :count]


def _maxima(score_NV: torch.Tensor, maxima_NC: torch.Tensor) -> torch.Tensor:
    """The highest score of each column, filled in. The last few words are in none.

    Columns lie side by side, so many `_lanes` of them: word a of their MEMBERS · lanes words is in
    column a mod lanes.
    """
    rows, columns = maxima_NC.shape
    lanes = _lanes(score_NV.shape[1])
    tiles = columns // max(lanes, 1)
    dealt_NXgl = score_NV[:, : MEMBERS * columns].view(rows, tiles, MEMBERS, lanes)
    torch.amax(dealt_NXgl, 2, out=maxima_NC.view(rows, tiles, lanes))
    return maxima_NC


def _lanes(words: int) -> int:
    """LANES where that leaves no word over; else all columns."""
    return LANES if words % (LANES * MEMBERS) == 0 else words // MEMBERS
