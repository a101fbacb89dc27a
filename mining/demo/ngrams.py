"""What the bundled model has to beat: a unigram and an interpolated trigram model.

Jelinek-Mercer interpolation: trigram, bigram, unigram and uniform estimates are mixed with weights
that depend on how often the two-token history was seen, fitted by EM on a slice of the training
text that is left out of the counts meanwhile.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_BUCKETS = 12  # histories by log₂ of their count, capped


@dataclass(frozen=True)
class _Grams:
    """Histories and continuations, flat over all sentences; the first of each two are padding."""

    before: Ids
    last: Ids
    token: Ids

    @classmethod
    def of(cls, sentences: list[Ids]) -> "_Grams":
        boundary = sentences[0][:1]
        padded = [np.concatenate([boundary, sentence]) for sentence in sentences]
        return cls(
            np.concatenate([ids[:-2] for ids in padded]),
            np.concatenate([ids[1:-1] for ids in padded]),
            np.concatenate([ids[2:] for ids in padded]),
        )


class _Counts:
    """How often each integer occurred."""

    def __init__(self, keys: Ids) -> None:
        self._keys, self._counts = np.unique(keys, return_counts=True)

    def of(self, keys: Ids) -> Floats:
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._counts[at], 0).astype(np.float64)


class TrigramModel:
    """An interpolated trigram over token ids; sentences begin and end with a boundary token."""

    def __init__(self, sentences: list[Ids], vocabulary: int) -> None:
        self.vocabulary = vocabulary
        fitting = sentences[::20]
        rest = [sentence for n, sentence in enumerate(sentences) if n % 20]
        self._count(_Grams.of(rest))
        self._weights = self._fitted_weights(_Grams.of(fitting))
        self._count(_Grams.of(sentences))

    def _count(self, grams: _Grams) -> None:
        size = self.vocabulary
        pair, last_pair = grams.before * size + grams.last, grams.last * size + grams.token
        self._history2, self._history1 = _Counts(pair), _Counts(grams.last)
        self._three, self._two = _Counts(pair * size + grams.token), _Counts(last_pair)
        self._one, self._total = _Counts(grams.token), len(grams.token)

    def _estimates(self, grams: _Grams) -> tuple[Floats, Ids]:
        """(probabilities [tokens, 4] by trigram, bigram, unigram, uniform; history bucket)."""
        size = self.vocabulary
        pair = grams.before * size + grams.last
        seen2, seen1 = self._history2.of(pair), self._history1.of(grams.last)
        three = self._three.of(pair * size + grams.token) / np.maximum(seen2, 1)
        two = self._two.of(grams.last * size + grams.token) / np.maximum(seen1, 1)
        one = self._one.of(grams.token) / self._total
        estimates = np.stack([three, two, one, np.full_like(one, 1 / size)], axis=1)
        bucket = np.minimum(np.log2(seen2 + 1).astype(np.int64), _BUCKETS - 1)
        return estimates, bucket

    def _fitted_weights(self, grams: _Grams) -> Floats:
        estimates, bucket = self._estimates(grams)
        weights = np.full((_BUCKETS, 4), 0.25)
        for _ in range(30):
            shares = weights[bucket] * estimates
            shares /= shares.sum(axis=1, keepdims=True)
            for n in range(_BUCKETS):
                if (bucket == n).any():
                    weights[n] = shares[bucket == n].mean(axis=0)
        return weights

    def perplexity(self, sentences: list[Ids]) -> float:
        """exp of the mean negative log-probability a token, closing boundary included."""
        estimates, bucket = self._estimates(_Grams.of(sentences))
        return _perplexity((self._weights[bucket] * estimates).sum(axis=1))

    def unigram_perplexity(self, sentences: list[Ids]) -> float:
        """The same for the unigram alone, add-one smoothed."""
        tokens = _Grams.of(sentences).token
        return _perplexity((self._one.of(tokens) + 1) / (self._total + self.vocabulary))


def _perplexity(probability: Floats) -> float:
    return float(np.exp(-np.log(probability).mean()))
