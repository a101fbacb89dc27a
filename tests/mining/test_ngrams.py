"""The trigram that the bundled model is compared with is a proper language model."""

import itertools

import numpy as np
import pytest

from mining.demo.ngrams import TrigramModel

BOUNDARY, VOCABULARY = 0, 4


def sentence(*tokens: int) -> np.ndarray:
    return np.array([BOUNDARY, *tokens, BOUNDARY], dtype=np.int64)


@pytest.fixture
def trigram() -> TrigramModel:
    random = np.random.default_rng(0)
    return TrigramModel([sentence(*random.integers(1, 4, 5)) for _ in range(200)], VOCABULARY)


def test_the_probabilities_of_all_continuations_add_up_to_one(trigram: TrigramModel) -> None:
    for before, last in itertools.product(range(1, 4), repeat=2):
        # exp(-n log-perplexity) of a two-token sentence and its continuations, by definition
        whole = likelihood(trigram, sentence(before, last)[:-1])
        parts = [likelihood(trigram, np.append(sentence(before, last)[:-1], n)) for n in range(4)]
        assert sum(parts) == pytest.approx(whole)


def likelihood(model: TrigramModel, ids: np.ndarray) -> float:
    return float(model.perplexity([ids]) ** -(len(ids) - 1))


def test_a_repeated_sentence_is_predicted_almost_surely() -> None:
    model = TrigramModel([sentence(1, 2, 3)] * 400, VOCABULARY)
    assert model.perplexity([sentence(1, 2, 3)]) == pytest.approx(1, abs=0.02)
    assert model.unigram_perplexity([sentence(1, 2, 3)]) == pytest.approx(4, abs=0.05)


def test_random_text_is_no_better_than_its_entropy(trigram: TrigramModel) -> None:
    random = np.random.default_rng(1)
    text = [sentence(*random.integers(1, 4, 5)) for _ in range(500)]
    # five choices among three, then a certain end: (3^5)^(1/6)
    assert trigram.perplexity(text) > 3 ** (5 / 6)
