"""Distributions read once by a GPU's kernels, against sorting and exact sums."""

import math

import pytest
import torch
from torch import nn

pytest.importorskip("triton", reason="Triton is not made for this machine")

from compiled_kernels import assert_compiles

from mining import distributions, one_reading
from mining.distributions import Summary, summarise
from mining.errors import ModelError
from mining.one_reading import members_of, read_once
from mining.readout import Readout

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def assert_as_by_sorting(found: Summary, scores: torch.Tensor, asked: list[int], best: int) -> None:
    for row, (own, word) in enumerate(zip(scores.double().tolist(), asked, strict=True)):
        order = sorted(range(len(own)), key=lambda other: (-own[other], other))
        total = math.fsum(math.exp(score - own[order[0]]) for score in own)
        share = [math.exp(score - own[order[0]]) / total for score in own]
        assert found.ids_Nk[row].tolist() == order[:best]
        close = {"rel": 1e-5, "abs": 1e-37}
        wanted = pytest.approx([share[other] for other in order[:best]], **close)
        assert found.probability_Nk[row].tolist() == wanted
        assert int(found.rank_N[row]) == (order.index(word) + 1 if word >= 0 else -1)
        of_asked = pytest.approx(share[word] if word >= 0 else 0.0, **close)
        assert float(found.asked_probability_N[row]) == of_asked


def read(scores: torch.Tensor, asked: list[int], best: int) -> tuple[Summary, bool]:
    summary, damaged = read_once(scores.to(DEVICE), torch.tensor(asked).to(DEVICE), best)
    return summary, bool(damaged)


def few_levels(words: int, levels: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(words * 7 + levels)
    return (torch.randint(levels, (4, words), generator=random).float() - levels // 2) / 4


@pytest.mark.parametrize("words", [1, 7, 128, 1025, 2500])
@pytest.mark.parametrize("levels", [1, 40, 10**6])  # few: ties everywhere
@pytest.mark.parametrize("best", [1, 10])
def test_the_best_words_and_the_rank_are_those_of_sorting(
    words: int, levels: int, best: int
) -> None:
    # Up to 2²⁰ / 4 apart, far beyond what e to the power of it can be told from nothing.
    scores, asked = few_levels(words, levels), [-1, 0, words - 1, words // 2]
    found, damaged = read(scores, asked, best)
    assert not damaged
    assert_as_by_sorting(found, scores, asked, best)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_scores_of_two_bytes_are_reduced_in_float32(dtype: torch.dtype) -> None:
    scores, asked = few_levels(1037, 90).to(dtype), [3, -1, 1036, 500]
    found, _ = read(scores, asked, 10)
    assert found.probability_Nk.dtype == torch.float32
    assert_as_by_sorting(found, scores, asked, 10)


@pytest.mark.parametrize("words", [1037, 5003])
def test_long_rows_are_read_by_more_threads_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch, words: int
) -> None:
    monkeypatch.setattr(one_reading, "LONG", 1000)
    scores, asked = few_levels(words, 50), [words - 1, 17, -1, 600]
    assert_as_by_sorting(read(scores, asked, 10)[0], scores, asked, 10)


@pytest.mark.parametrize("shift", [-1000.0, 0.0, 1000.0])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_probabilities_of_scores_near_and_far_from_zero_and_each_other(
    shift: float, scale: float
) -> None:
    random = torch.Generator().manual_seed(1)
    scores = torch.randn(4, 2500, generator=random) * scale + shift
    assert_as_by_sorting(read(scores, [0, 7, 14, 2499], 10)[0], scores, [0, 7, 14, 2499], 10)


def test_scores_that_rise_and_fall_along_the_row_have_the_same_sum() -> None:
    rising = torch.arange(2500.0) / 20
    scores = torch.stack([rising, rising.flip(0)])
    assert_as_by_sorting(read(scores, [2499, 1200], 10)[0], scores, [2499, 1200], 10)


def test_zero_and_minus_zero_are_equal_scores() -> None:
    scores = torch.full((2, 300), -1.0)
    scores[0, [5, 9]] = torch.tensor([-0.0, 0.0])
    scores[1, [5, 9]] = torch.tensor([0.0, -0.0])
    found, _ = read(scores, [9, 9], 2)
    assert found.ids_Nk.tolist() == [[5, 9], [5, 9]]
    assert found.rank_N.tolist() == [2, 2]


def test_what_lies_between_two_rows_is_not_read() -> None:
    scores = few_levels(2500, 40)
    wider = torch.full((4, 3000), torch.nan)
    wider[:, :2500] = scores
    found, damaged = read_once(wider.to(DEVICE)[:, :2500], torch.tensor([-1] * 4).to(DEVICE), 10)
    assert not damaged
    assert_as_by_sorting(found, scores, [-1] * 4, 10)


@pytest.mark.parametrize("word", [0, 700, 2499])
@pytest.mark.parametrize(
    ("damage", "refused"), [(torch.nan, True), (torch.inf, True), (-torch.inf, False)]
)
def test_one_score_that_is_no_number_or_without_bound_is_noticed(
    word: int, damage: float, refused: bool
) -> None:
    scores = few_levels(2500, 40)
    scores[2, word] = damage
    found, damaged = read(scores, [-1] * 4, 10)
    assert damaged == refused
    if not refused:
        assert_as_by_sorting(found, scores, [-1] * 4, 10)


def test_a_row_without_any_possible_word_is_noticed() -> None:
    assert read(torch.full((1, 300), -torch.inf), [-1], 1)[1]


@pytest.mark.parametrize("damage", [None, torch.nan])
def test_a_summary_is_the_same_read_once_or_several_times(
    monkeypatch: pytest.MonkeyPatch, damage: float | None
) -> None:
    readout = Readout(nn.Identity(), nn.Identity(), None, 300)
    random = torch.Generator().manual_seed(0)
    scores = torch.randint(30, (7, 300), generator=random).float() / 7
    asked = torch.tensor([-1, 0, 299, 150, 3, 4, -1])
    wanted = [*summarise(readout, "plain", scores, asked, 10)]
    monkeypatch.setattr(distributions, "obstacle", lambda *_: "")
    monkeypatch.setattr(distributions, "CPU_SCORES", 900)  # three rows at a time
    monkeypatch.setattr(distributions, "GPU_SCORES", 900)
    if damage is not None:
        scores[6, 5] = damage
        with pytest.raises(ModelError, match="infinite or no number"):
            [*summarise(readout, "plain", scores.to(DEVICE), asked.to(DEVICE), 10)]
        return
    found = [*summarise(readout, "plain", scores.to(DEVICE), asked.to(DEVICE), 10)]
    assert [len(part.rank_N) for part in found] == [3, 3, 1]
    for name in ("ids_Nk", "rank_N", "probability_Nk", "asked_probability_N"):
        both = [torch.cat([getattr(part, name) for part in parts]) for parts in (wanted, found)]
        torch.testing.assert_close(both[1].cpu(), both[0], rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("words", "members"), [(1, 8), (300, 8), (4_864, 16), (50_257, 32), (267_744, 128)]
)
def test_columns_are_about_as_many_as_the_words_of_the_best_sixteen(
    words: int, members: int
) -> None:
    assert members_of(words, 16) == members


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from mining.one_reading import ABREAST, LANES, LANES_LONG, _choose, _read
typed = {"asked_N": "*i64", "key_NC": "*i64", "rank_N": "*i64", "id_Nk": "*i64",
         "damaged": "*i64", "surest_N": "*fp32", "asked_probability_N": "*fp32",
         "probability_Nk": "*fp32"}
for dtype in ("*bf16", "*fp32"):
    for lanes, kept in ((LANES, 2), (LANES_LONG, 16)):
        fixed = {"MEMBERS": 16, "LANES": lanes, "ABREAST": ABREAST, "KEPT": kept, "BLOCK": 128}
        for kernel in (_read, _choose):
            names = kernel.arg_names
            signature = {
                name: "constexpr" if name in fixed
                else dtype if name == "scores" else typed.get(name, "i32") for name in names
            }
            constants = {(names.index(name),): fixed[name] for name in fixed if name in names}
            for chip in (80, 90):
                triton.compile(
                    ASTSource(kernel, signature, constants), target=GPUTarget("cuda", chip, 32),
                    options={"num_warps": lanes // 128},
                )
print("compiled")
"""


def test_the_kernels_compile_for_a_gpu() -> None:
    assert_compiles(COMPILE)
