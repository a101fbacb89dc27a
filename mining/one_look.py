"""On a GPU: all that top-k and statistics need of a layer's coefficients, in one look at them.

There each look at them costs as much as a step of the model. One kernel finds the extremes of each
sentence, where they stand and what they beat, so that nothing is looked up afterwards, and sums
over all, in a fixed order. Padding and special tokens are passed over. The kernel is Triton's,
which comes with torch for CUDA; where it cannot run, `reduce_batch` takes several looks.

Shapes: B sentences, T tokens, F keys, G groups of ROWS sentences.
"""

import torch
import triton
import triton.language as tl

from mining.activity import BatchFigures, Standing
from mining.batches import PlacedBatch

ROWS = 8  # sentences that one program sums
KEYS = 512  # of one program
ABREAST = 4  # tokens whose coefficients are asked for together
_WARPS = 2


def look_once(coefficient_BTF: torch.Tensor, batch: PlacedBatch, *, both: bool) -> BatchFigures:
    """What `reduce_batch` gives, and where the highest stand; `both`: where the lowest do, too.

    The coefficients of one token's keys must lie side by side.
    """
    assert coefficient_BTF.stride(2) == 1
    sentences, _, keys = coefficient_BTF.shape
    groups = triton.cdiv(sentences, ROWS)
    new = coefficient_BTF.new_empty
    highest_BF = new((sentences, keys))
    high = Standing(new((sentences, keys), dtype=torch.int32), new((sentences, keys)))
    lowest_BF = new((sentences if both else 0, keys))
    highest_GF, lowest_GF = (new((groups, keys)) for _ in range(2))
    low = Standing(torch.empty_like(high.position_BF), new((sentences, keys))) if both else high
    active_GF = new((groups, keys), dtype=torch.int32)
    total_GF = new((groups, keys), dtype=torch.float32)
    gaps_BT = batch.unranked_BT if batch.interrupted else None
    _look[(groups, triton.cdiv(keys, KEYS))](
        coefficient_BTF, *coefficient_BTF.stride()[:2], batch.length_B,
        gaps_BT, 0 if gaps_BT is None else gaps_BT.stride(0),
        highest_BF, high.position_BF, high.second_BF,
        lowest_BF, low.position_BF, low.second_BF,
        highest_GF, lowest_GF, active_GF, total_GF, sentences, keys,
        ROWS, KEYS, ABREAST, gaps_BT is not None, both, num_warps=_WARPS,
    )  # fmt: skip
    standing = {1: high, -1: low} if both else {1: high}
    return BatchFigures(
        highest_BF, lowest_BF, highest_GF.amax(0).float(), lowest_GF.amin(0).float(),
        active_GF.sum(0), total_GF.sum(0, dtype=torch.float64), standing,
    )  # fmt: skip


def try_out(device: torch.device) -> None:
    """Run the kernel on next to nothing; it raises whatever is lacking for it."""
    one_B1 = torch.ones((1, 1), device=device)
    one_B = torch.ones(1, dtype=torch.int64, device=device)
    _look[(1, 1)](
        one_B1[..., None], 1, 1, one_B, None, 0, *[torch.empty_like(one_B1)] * 10, 1, 1,
        ROWS, KEYS, ABREAST, False, False, num_warps=_WARPS,
    )  # fmt: skip
    torch.cuda.synchronize(device)


@triton.jit
def _look(
    coefficient, row_stride, token_stride, length_B, gaps_BT, gaps_stride,
    highest_BF, high_at_BF, high_second_BF, lowest_BF, low_at_BF, low_second_BF,
    highest_GF, lowest_GF, active_GF, total_GF, sentences, keys,
    ROWS: tl.constexpr, KEYS: tl.constexpr, ABREAST: tl.constexpr,
    GAPS: tl.constexpr, BOTH: tl.constexpr,
):  # fmt: skip
    group = tl.program_id(0)
    key = tl.program_id(1) * KEYS + tl.arange(0, KEYS)
    inside = key < keys
    active = tl.zeros([KEYS], tl.int32)
    total = tl.zeros([KEYS], tl.float32)
    highest = tl.full([KEYS], -float("inf"), tl.float32)
    lowest = tl.full([KEYS], float("inf"), tl.float32)
    for member in range(ROWS):
        row = group.to(tl.int64) * ROWS + member
        of_row = coefficient + row * row_stride + key
        length = tl.load(length_B + row, row < sentences, 0).to(tl.int32)
        high = tl.full([KEYS], -float("inf"), tl.float32)
        high_second, high_at = high, tl.zeros([KEYS], tl.int32)
        low, low_second, low_at = high, high, high_at  # of the negated coefficients
        for start in range(0, length, ABREAST):
            for further in tl.static_range(ABREAST):
                token = start + further
                counts = inside & (token < length)
                if GAPS:
                    gap = tl.load(gaps_BT + row * gaps_stride + token, token < length, 1)
                    counts = counts & (gap == 0)
                value = tl.load(of_row + token * token_stride, counts, 0.0).to(tl.float32)
                total += value
                active += (value > 0).to(tl.int32)
                high, high_second, high_at = _rank(
                    high, high_second, high_at, tl.where(counts, value, -float("inf")), token
                )
                if BOTH:
                    low, low_second, low_at = _rank(
                        low, low_second, low_at, tl.where(counts, -value, -float("inf")), token
                    )
                else:
                    lowest = tl.minimum(lowest, tl.where(counts, value, float("inf")))
        highest = tl.maximum(highest, high)
        at = row * keys + key
        held = inside & (row < sentences)
        tl.store(highest_BF + at, high, held)
        tl.store(high_second_BF + at, high_second, held)
        tl.store(high_at_BF + at, high_at, held)
        if BOTH:
            lowest = tl.minimum(lowest, -low)
            tl.store(lowest_BF + at, -low, held)
            tl.store(low_second_BF + at, low_second, held)
            tl.store(low_at_BF + at, low_at, held)
    at = group.to(tl.int64) * keys + key
    tl.store(active_GF + at, active, inside)
    tl.store(total_GF + at, total, inside)
    tl.store(highest_GF + at, highest, inside)
    tl.store(lowest_GF + at, lowest, inside)


@triton.jit
def _rank(best, second, best_at, value, at):
    """The best so far, the next best and where the best stands (the first of equals)."""
    better = value > best
    second = tl.where(better, best, tl.maximum(second, value))
    return tl.where(better, value, best), second, tl.where(better, at, best_at)
