"""The GPU's kernel against plain loops, run by Triton's interpreter where there is no GPU."""

import random

import numpy as np
import pytest
import torch

pytest.importorskip("triton", reason="Triton is not made for this machine")

from compiled_kernels import assert_compiles
from prefix_models import Causal, brute_force, held, new_memory
from token_batches import Ids, batches_of

from mining.activity import obstacle, slower
from mining.batches import PlacedBatch
from mining.one_look import ABREAST, KEYS, ROWS, look_once

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def sentences_of(draw: random.Random, count: int, special: bool) -> list[Ids]:
    """Of all lengths up to some beyond what is looked at together; token 0 is a special one."""
    lowest = 0 if special else 1
    return [
        tuple(draw.randint(lowest, 9) for _ in range(draw.randint(1, 2 * ABREAST + 1)))
        for _ in range(count)
    ]


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_extremes_places_and_sums_are_those_of_a_loop(
    dtype: torch.dtype, special: bool, both: bool
) -> None:
    draw = random.Random(7)
    sentences = [*sentences_of(draw, ROWS + 3, special), *[(0,), (0, 0)] * special]
    (batch,) = batches_of(sentences, 10_000)
    keys = KEYS + 5  # a second program, not full
    torch.manual_seed(0)
    coefficient_BTF = torch.randn(*batch.ranked_BT.shape, keys).mul(4).round().div(4).to(dtype)
    padding_BT = np.arange(batch.ranked_BT.shape[1]) >= batch.length_B[:, None]
    coefficient_BTF[torch.from_numpy(padding_BT)] = torch.nan  # never to be looked at
    coefficient_BTF[torch.from_numpy(~batch.ranked_BT & ~padding_BT)] = torch.inf
    figures = look_once(coefficient_BTF.to(DEVICE), PlacedBatch.of(batch, DEVICE), both=both)
    assert sorted(figures.standing) == ([-1, 1] if both else [1])
    total_F, active_F = torch.zeros(keys, dtype=torch.float64), torch.zeros(keys, dtype=torch.int64)
    lowest_F, highest_F = torch.full((keys,), torch.inf), torch.full((keys,), -torch.inf)
    for row, ranked_T in enumerate(batch.ranked_BT):
        places = np.flatnonzero(ranked_T)
        own_LF = coefficient_BTF[row, places].float()
        if len(places):
            lowest_F = torch.minimum(lowest_F, own_LF.min(0).values)
            highest_F = torch.maximum(highest_F, own_LF.max(0).values)
        total_F += own_LF.double().sum(0)
        active_F += (own_LF > 0).sum(0)
        for sign, extreme_BF in {1: figures.highest_BF, -1: figures.lowest_BF}.items():
            if sign not in figures.standing:
                continue
            standing = figures.standing[sign]
            if not len(places):
                assert (extreme_BF[row] == -sign * torch.inf).all()
                continue
            ordered = (sign * own_LF).sort(dim=0, descending=True, stable=True)
            assert torch.equal(extreme_BF[row].float().cpu(), sign * ordered.values[0])
            at_F = torch.from_numpy(places)[ordered.indices[0]]
            assert torch.equal(standing.position_BF[row].long().cpu(), at_F)
            second_F = ordered.values[1] if len(places) > 1 else torch.full((keys,), -torch.inf)
            assert torch.equal(standing.second_BF[row].float().cpu(), second_F)
    assert torch.equal(figures.lowest_F.cpu(), lowest_F)
    assert torch.equal(figures.highest_F.cpu(), highest_F)
    assert torch.equal(figures.active_F.cpu(), active_F)
    torch.testing.assert_close(figures.total_F.cpu(), total_F, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("places", [1, 3])
@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("levels", [2, 1000])  # few: ties are common
def test_a_layer_looked_at_once_holds_what_a_brute_force_finds(
    levels: int, every: bool, places: int
) -> None:
    draw = random.Random(levels + places)
    sentences = [tuple(draw.randint(0, 4) for _ in range(draw.randint(1, 4))) for _ in range(70)]
    model, memory = Causal(places, levels), new_memory(places, every, once=True, device=DEVICE)
    parts = batches_of(sentences, 90)
    draw.shuffle(parts)
    for number, batch in enumerate(parts):
        for _ in range(1 + number % 2):  # twice: as if something had failed the first time
            memory.see(model.of_batch(batch).to(DEVICE), PlacedBatch.of(batch, DEVICE))
            memory.offer_seen()
        assert memory.commit()
    for sign in (1, -1):
        assert held(memory, sign) == brute_force(model, sentences, places, sign, every)


def test_where_many_reach_a_place_at_once_none_is_lost() -> None:
    draw = random.Random(0)
    sentences = [(draw.randint(1, 6), draw.randint(1, 9)) for _ in range(300)]
    model, memory = Causal(5, 1000), new_memory(2, every=False, once=True, device=DEVICE)
    (batch,) = batches_of(sentences, 1_000)
    memory.see(model.of_batch(batch).to(DEVICE), PlacedBatch.of(batch, DEVICE))
    memory.offer_seen()
    for sign in (1, -1):
        assert held(memory, sign) == brute_force(model, sentences, 2, sign, False)


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from mining.one_look import ABREAST, KEYS, ROWS, _look
typed = {"length_B": "*i64", "total_GF": "*fp32", "active_GF": "*i32", "gaps_BT": "*i1",
         "high_at_BF": "*i32", "low_at_BF": "*i32"}
for dtype in ("*bf16", "*fp32"):
    for both in (False, True):
        fixed = {"ROWS": ROWS, "KEYS": KEYS, "ABREAST": ABREAST, "GAPS": both, "BOTH": both}
        if not both:
            fixed["gaps_BT"] = None
        signature = {}
        for name in _look.arg_names:
            ours = dtype if name.endswith(("F", "coefficient")) else "i32"
            signature[name] = "constexpr" if name in fixed else typed.get(name, ours)
        constants = {(_look.arg_names.index(name),): value for name, value in fixed.items()}
        for chip in (80, 90):
            triton.compile(
                ASTSource(_look, signature, constants), target=GPUTarget("cuda", chip, 32)
            )
print("compiled")
"""


def test_the_kernel_compiles_for_a_gpu() -> None:
    assert_compiles(COMPILE)


def test_what_keeps_the_kernel_from_running_is_said() -> None:
    assert obstacle(torch.device("cpu")) == "it is for GPUs"
    assert bool(obstacle(torch.device("cuda"))) == (not torch.cuda.is_available())


@pytest.mark.skipif(torch.cuda.is_available(), reason="the kernels run here")
@pytest.mark.parametrize("kernels", ["mining.one_look", "mining.one_reading"])
def test_whoever_waits_longer_than_need_be_is_told_why(kernels: str) -> None:
    assert not slower("Mining", torch.device("cpu"), kernels)
    line = slower("Mining", torch.device("cuda"), kernels)
    assert line.startswith("Mining takes longer than it could: its kernels do not run here (")
    assert obstacle(torch.device("cuda"), kernels) in line
    assert "Triton" in line
