"""What is kept of a distribution, against sorting all of it."""

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


@pytest.mark.parametrize("words", [1, 2, 7, 10, 11, 12, 100, 1000, 1037])
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


def test_scores_that_are_no_numbers_are_refused(readout: Readout) -> None:
    scores = torch.zeros(2, 300)
    scores[1, 5] = torch.nan
    with pytest.raises(ModelError, match="no number"):
        [*summarise(replace(readout, vocabulary=300), "plain", scores, torch.zeros(2).long(), 1)]
