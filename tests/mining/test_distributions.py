"""What is kept of a distribution, against sorting all of it."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from mining import distributions
from mining.distributions import best_words, summarise
from mining.errors import ModelError
from mining.readout import Readout


def by_sorting(scores: list[float]) -> list[int]:
    return sorted(range(len(scores)), key=lambda word: (-scores[word], word))


@pytest.mark.parametrize("words", [1, 2, 7, 10, 11, 12, 100, 1000, 1024, 1037, 2816])
@pytest.mark.parametrize("values", [3, 40, 10**6])  # few different scores: ties everywhere
@pytest.mark.parametrize("best", [1, 10])
def test_the_best_words_are_those_of_sorting(words: int, values: int, best: int) -> None:
    random = torch.Generator().manual_seed(words * 7 + values)
    scores = torch.randint(values, (9, words), generator=random).float()
    score, ids = best_words(scores, best)
    expected = [by_sorting(row)[:best] for row in scores.tolist()]
    assert ids.tolist() == expected
    assert score.tolist() == [
        [row[word] for word in chosen]
        for row, chosen in zip(scores.tolist(), expected, strict=True)
    ]


def test_zero_with_either_sign_is_one_score() -> None:
    scores = torch.tensor([[-1.0, -0.0, 0.0, -0.0, 0.0, -2.0]])
    assert best_words(scores, 5)[1].tolist() == [[1, 2, 3, 4, 0]]


@pytest.fixture
def readout() -> Readout:
    """Scores are the hidden vectors themselves."""
    return Readout(nn.Identity(), nn.Identity(), None, 300)


@pytest.mark.parametrize("block", [1, 1000, 10**6])
def test_ranks_and_probabilities_are_those_of_sorting_and_softmax(
    readout: Readout, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(distributions, "CPU_BLOCK", block)
    monkeypatch.setattr(distributions, "CPU_SCORES", 4 * block)
    random = torch.Generator().manual_seed(0)
    scores = torch.randint(30, (20, 300), generator=random).float() / 7
    asked = torch.randint(-1, 300, (20,), generator=random)
    asked[3] = -1
    parts = [*summarise(readout, "plain", scores, asked, 10)]
    ids, probability, asked_probability, rank = (
        torch.cat([getattr(part, name) for part in parts])
        for name in ("ids_Nk", "probability_Nk", "asked_probability_N", "rank_N")
    )
    p = scores.double().softmax(1)
    for row, word in enumerate(asked.tolist()):
        order = by_sorting(scores[row].tolist())
        assert ids[row].tolist() == order[:10]
        assert int(rank[row]) == (order.index(word) + 1 if word >= 0 else -1)
        assert float(asked_probability[row]) == pytest.approx(float(p[row, word]) * (word >= 0))
    torch.testing.assert_close(probability.double(), p.gather(1, ids), rtol=1e-5, atol=0)


@pytest.mark.parametrize("shift", [-1000.0, 0.0, 1000.0])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_probabilities_of_scores_near_and_far_from_zero_and_each_other(
    readout: Readout, shift: float, scale: float
) -> None:
    random = torch.Generator().manual_seed(1)
    scores = torch.randn(20, 300, generator=random) * scale + shift
    asked = torch.arange(20) * 7
    (summary,) = summarise(readout, "plain", scores, asked, 10)
    p = scores.double().softmax(1)
    best = p.sort(1, descending=True).values[:, :10]
    torch.testing.assert_close(summary.probability_Nk.double(), best, rtol=1e-5, atol=1e-37)
    asked_p = p.gather(1, asked[:, None])[:, 0]
    torch.testing.assert_close(summary.asked_probability_N.double(), asked_p, rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize("words", [300, 5003, 4864])  # columns of columns, and words in none
def test_ties_between_words_asked_about_and_others_rank_by_id(words: int) -> None:
    same = Readout(nn.Identity(), nn.Identity(), None, words)
    scores = torch.arange(words).flip(0).float().repeat(3, 1)  # word w has rank w + 1
    scores[1, words - 1] = scores[1, 0] = scores[1, 7]  # equal: first, eighth and last
    scores[2, :] = 4.0
    asked = torch.tensor([words - 2, words - 1, 123])
    (summary,) = summarise(same, "plain", scores, asked, 10)
    assert summary.rank_N.tolist() == [words - 1, 9, 124]
    assert summary.ids_Nk[1].tolist() == [1, 2, 3, 4, 5, 6, 0, 7, words - 1, 8]
    assert summary.ids_Nk[2].tolist() == [*range(10)]


@pytest.mark.parametrize("damaged", [torch.nan, math.copysign(math.nan, -1), torch.inf])
@pytest.mark.parametrize("word", [0, 5002])  # in a column, and left over
def test_one_score_that_is_no_finite_number_is_refused(damaged: float, word: int) -> None:
    same = Readout(nn.Identity(), nn.Identity(), None, 5003)
    scores = torch.zeros(4, 5003)
    scores[3, word] = damaged
    with pytest.raises(ModelError, match="infinite or no number"):
        [*summarise(same, "plain", scores, torch.full((4,), -1), 10)]


def test_scores_that_are_no_numbers_are_refused(readout: Readout) -> None:
    scores = torch.zeros(2, 300)
    scores[1, 5] = torch.nan
    with pytest.raises(ModelError, match="no number"):
        [*summarise(replace(readout, vocabulary=300), "plain", scores, torch.zeros(2).long(), 1)]
