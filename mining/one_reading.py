"""On a GPU: all that is kept of many distributions, in one reading of their scores.

There a product is made so fast that each further look at its scores counts. `_read` goes through a
row once, for its highest probability, the place of the word asked about and the best word of each
column; `_choose` sorts these, and then the words of the best columns alone. Of equal scores the
lowest word id is the higher one: a score and its word id are compared as one whole number. The
kernels are Triton's; where they cannot run, distributions.py takes several looks.

Shapes: N rows, V words, C columns, k words kept, g members of a column.
"""

import math

import torch
import triton
import triton.language as tl

from mining.distributions import Summary

ABREAST = 8  # scores that a lane asks for together
LONG = 1 << 14  # words; few such rows are made at a time, so each is given more threads
LANES, LANES_LONG = 128, 512  # columns of a tile; four to a thread
SORTED = 512  # numbers of a warp that sorts


def read_once(
    scores_NV: torch.Tensor, asked_N: torch.Tensor, best: int
) -> tuple[Summary, torch.Tensor]:
    """A summary of all rows, and whether a score is infinite or no number, as 0 or 1.

    The scores of one row must lie side by side. Arithmetic is in float32, whatever the scores.
    """
    assert scores_NV.stride(1) == 1 and asked_N.is_contiguous() and asked_N.dtype == torch.int64
    rows, words = scores_NV.shape
    count = min(best, words)
    kept = max(2, triton.next_power_of_2(count))  # topk by itself is for several
    members = members_of(words, kept)
    lanes = LANES if words < LONG else LANES_LONG
    columns = triton.cdiv(words, members * lanes) * lanes
    assert kept <= lanes
    surest_N, asked_probability_N = (
        torch.empty(rows, dtype=torch.float32, device=scores_NV.device) for _ in range(2)
    )
    probability_Nk = surest_N.new_empty((rows, count))
    rank_N, ids_Nk = torch.empty_like(asked_N), asked_N.new_empty((rows, count))
    key_NC = asked_N.new_empty((rows, columns))
    damaged = asked_N.new_zeros(())
    _read[(rows,)](
        scores_NV, scores_NV.stride(0), asked_N, key_NC, surest_N, asked_probability_N, rank_N,
        damaged, words, columns, members, lanes, ABREAST, num_warps=lanes // 128,
    )  # fmt: skip
    block = triton.next_power_of_2(columns)
    _choose[(rows,)](
        scores_NV, scores_NV.stride(0), key_NC, surest_N, ids_Nk, probability_Nk,
        words, columns, count, members, lanes, kept, block,
        num_warps=min(8, max(1, block // SORTED)),
    )  # fmt: skip
    return Summary(ids_Nk, probability_Nk, asked_probability_N, rank_N), damaged


def members_of(words: int, kept: int) -> int:
    """Words of a column, so that columns are about as many as words of the best columns."""
    return max(ABREAST, 1 << int(math.log2(max(1, words // kept)) / 2))


def try_out(device: torch.device) -> None:
    """Run the kernels on next to nothing; they raise whatever is lacking for them."""
    read_once(torch.ones((1, 2), device=device), torch.zeros(1).long().to(device), 2)
    torch.cuda.synchronize(device)


@triton.jit
def _read(
    scores, stride, asked_N, key_NC, surest_N, asked_probability_N, rank_N, damaged, words, columns,
    MEMBERS: tl.constexpr, LANES: tl.constexpr, ABREAST: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    lane = tl.arange(0, LANES)
    of_row = scores + row * stride
    asked = tl.load(asked_N + row).to(tl.int32)
    asked_score = tl.load(of_row + asked, asked >= 0, 0.0).to(tl.float32)
    # Of each lane's scores. Not −∞, which has no distance from itself.
    highest = tl.full([LANES], -3.4e38, tl.float32)
    total = tl.zeros([LANES], tl.float32)  # of e to the power of what they are below the highest
    before = tl.zeros([LANES], tl.int32)  # words before the one asked about
    for column in range(0, columns, LANES):
        start = column * MEMBERS
        best = tl.full([LANES], -float("inf"), tl.float32)
        best_word = start + lane
        for member in range(0, min(MEMBERS, tl.cdiv(words - start, LANES)), ABREAST):
            for further in tl.static_range(ABREAST):
                word = start + (member + further) * LANES + lane
                score = tl.load(of_row + word, word < words, -float("inf")).to(tl.float32)
                better = score > best
                best = tl.where(better, score, best)
                best_word = tl.where(better, word, best_word)
                equal_before = (score == asked_score) & (word < asked)
                before += ((score > asked_score) | equal_before).to(tl.int32)
                above = score - highest
                share = tl.exp(-tl.abs(above))
                total = tl.where(above > 0, total * share + 1, total + share)
                highest = tl.maximum(highest, score)
        tl.store(key_NC + row * columns + column + lane, _key(best, best_word))
    top = tl.max(highest, 0)
    total_of_row = tl.sum(total * tl.exp(highest - top), 0)
    there = asked >= 0
    asked_probability = tl.exp(asked_score - top) / total_of_row
    tl.store(surest_N + row, 1 / total_of_row)
    tl.store(asked_probability_N + row, tl.where(there, asked_probability, 0.0))
    tl.store(rank_N + row, tl.where(there, tl.sum(before, 0) + 1, -1))
    # The highest score adds 1 by itself, unless it is infinite. No number leaves no number.
    tl.store(damaged, 1, (total_of_row >= 1) == 0)


@triton.jit
def _choose(
    scores, stride, key_NC, surest_N, id_Nk, probability_Nk, words, columns, count,
    MEMBERS: tl.constexpr, LANES: tl.constexpr, KEPT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    lowest = tl.full([BLOCK], -(2**63), tl.int64)
    key_C = tl.load(key_NC + row * columns + column, column < columns, lowest)
    found = _word(tl.topk(key_C, KEPT))
    first = found // (LANES * MEMBERS) * (LANES * MEMBERS) + found % LANES
    word = first[:, None] + tl.arange(0, MEMBERS)[None, :] * LANES
    score = tl.load(scores + row * stride + word, word < words, -float("inf")).to(tl.float32)
    key_k = tl.topk(tl.reshape(_key(score, word), [KEPT * MEMBERS]), KEPT)
    best = _score(key_k)
    probability = tl.exp(best - tl.max(best, 0)) * tl.load(surest_N + row)
    place = tl.arange(0, KEPT)
    tl.store(id_Nk + row * count + place, _word(key_k), place < count)
    tl.store(probability_Nk + row * count + place, probability, place < count)


@triton.jit
def _key(score, word):
    """A whole number that is higher where the score is, and of equal ones where the id is lower."""
    bits = tl.where(score == 0, 0.0, score).to(tl.int32, bitcast=True)  # 0 and −0 are equal
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (ordered.to(tl.int64) << 32) | (0x7FFFFFFF - word)


@triton.jit
def _word(key):
    return 0x7FFFFFFF - (key & 0x7FFFFFFF).to(tl.int32)


@triton.jit
def _score(key):
    ordered = (key >> 32).to(tl.int32)
    return (ordered ^ ((ordered >> 31) & 0x7FFFFFFF)).to(tl.float32, bitcast=True)
