"""The baseline's permutations: as many as it takes, and none that the numbers do not need."""

import numpy as np
import pytest
from agreement_by_hand import random_labels, tables

from annotations import pair_measures
from annotations.answer_arrays import answer_arrays
from annotations.answer_pairs import compare, untold
from annotations.bench import made_up
from annotations.pair_measures import draws_of_pairs


def told(keys: int, annotators: int) -> list[int]:
    """Draws of each pair of answers, where everybody answers every key; over 16 layers."""
    arrays = answer_arrays(made_up(keys, annotators))
    places = np.arange(len(arrays.key_A)).reshape(keys, annotators)
    one, other = np.triu_indices(annotators, k=1)
    return sorted(set(draws_of_pairs(arrays, places[:, one].ravel(), places[:, other].ravel())))


@pytest.mark.parametrize(
    ("keys", "annotators", "draws"),
    [
        (16, 2, [60]),  # 60 pairs a key at most
        (160, 3, [20]),
        (160, 5, [6]),
        (16, 9, [5]),  # but 5 draws
        (16 * 100, 2, [10]),  # 1,000 of two people in a layer are enough
        (16 * 300, 2, [4]),
    ],
)
def test_draws_fall_with_the_keys_that_two_people_share(
    keys: int, annotators: int, draws: list[int]
) -> None:
    assert told(keys, annotators) == draws


def test_no_number_hangs_on_how_many_pairs_are_measured_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrays = answer_arrays(tables(random_labels(4, 12, ("Ada", "Bob", "Eve"), layers=2)))
    whole = compare(arrays, seed=1, progress=untold).pairs
    monkeypatch.setattr(pair_measures, "_CELLS_AT_ONCE", 30)
    few = compare(arrays, seed=1, progress=untold).pairs
    np.testing.assert_array_equal(whole.means_PM, few.means_PM)
    np.testing.assert_array_equal(whole.baselines_PM, few.baselines_PM)
    np.testing.assert_array_equal(whole.categories_PCC, few.categories_PCC)


def test_progress_ends_with_every_pair_measured_and_permuted() -> None:
    steps: list[tuple[int, int]] = []
    arrays = answer_arrays(tables(random_labels(4, 12, ("Ada", "Bob", "Eve"), layers=2)))
    found = compare(arrays, seed=1, progress=lambda _, done, total: steps.append((done, total)))
    assert steps[-1] == (2 * len(found.pairs.key_P),) * 2
    assert steps == sorted(steps)
