"""Agreement of all and of layers: by hand, and by loops over the pure measures."""

import math

import numpy as np
import pandas as pd
import pytest
from agreement_by_hand import (
    BY_HAND,
    COLUMNS,
    MEASURES,
    by_loops,
    random_labels,
    rows,
    tables,
    values,
)
from label_frames import Labels

from annotations.agreement_table import agreement_table
from annotations.bootstrap import ALL_LAYERS, Rounds
from annotations.measures import Undefined

TO_CHANCE = {"pattern_precision", "pattern_recall", "pattern_f1", "bcubed_f"}


def known(found: dict[str, float | Undefined]) -> dict[str, float]:
    return {name: np.nan if isinstance(v, Undefined) else v for name, v in found.items()}


def test_the_columns_the_scopes_and_the_measures_are_the_contracts() -> None:
    found = agreement_table(tables(random_labels(1, 6, ("Ada", "Bob", "Eve"), layers=2)), rounds=5)
    assert list(found.columns) == COLUMNS
    assert found["scope"].tolist() == [
        scope for scope in ("all", "layer 0", "layer 1") for _ in MEASURES
    ]
    assert found["measure"].tolist() == MEASURES * 3


def test_two_keys_by_hand() -> None:
    found = values(BY_HAND)
    # Key 0, 10 pairs of prefixes: together 3 and 6, both 3; they agree on 7. By chance
    # 3·6 + 7·4 = 46 of 100: (70 − 46) / (100 − 46). Key 1: 3 against 0: agree on 7, by chance 70.
    assert found["omega"] == pytest.approx((24 / 54 + 0) / 2)
    # 3 of 4 ticks are shared, a match; in key 1 there is one pattern against none.
    assert found["pattern_f1"] == pytest.approx((1 + 0) / 2)
    # Key 1 has a precision one way only, and it is 0.
    assert found["pattern_precision"] == found["pattern_recall"] == pytest.approx((1 + 0) / 2)
    # Of Bob's 4 prefixes, each shares 3 of 4 neighbours with Ada, but the fourth none: precision
    # (3 · 3/4 + 0) / 4; recall 1. Against nothing, F is 0.
    precision = (3 * 3 / 4) / 4
    assert found["bcubed_f"] == pytest.approx((2 * precision / (precision + 1) + 0) / 2)
    # 10 prefixes: shallow both 3, not/shallow 1, not both 1 + 2, semantic/not 3.
    agreed, chance = 6 / 10, (3 * 4 + 4 * 6 + 3 * 0) / 100
    assert found["cohen_kappa"] == pytest.approx((agreed - chance) / (1 - chance))
    both = (7**2 + 10**2 + 3**2) / 400
    assert found["fleiss_kappa"] == pytest.approx((agreed - both) / (1 - both))
    assert found["alpha_nominal"] == pytest.approx(1 - 19 * 8 / (400 - 49 - 100 - 9))
    prevalence = [7 / 20, 10 / 20, 3 / 20, 0]
    gwet = sum(share * (1 - share) for share in prevalence) / 3
    assert found["ac1"] == pytest.approx((agreed - gwet) / (1 - gwet))
    assert math.isnan(found["type_kappa"])


def test_full_agreement_is_one_wherever_it_is_defined() -> None:
    answer = [("shallow", {1, 2, 3}), ("semantic", {3, 4, 5})]
    labels = {(0, key, name): answer for key in range(3) for name in ("Ada", "Bob", "Eve")}
    assert values(labels) == pytest.approx(dict.fromkeys(MEASURES, 1.0))


@pytest.mark.parametrize("seed", range(8))
def test_every_value_is_that_of_the_pure_measures(seed: int) -> None:
    labels = random_labels(seed, 7, ("Ada", "Bob", "Eve", "Kim")[: 2 + seed % 3])
    expected = known(by_loops(labels))
    assert values(labels) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_a_layers_values_are_those_of_its_keys_alone() -> None:
    labels = random_labels(3, 12, ("Ada", "Bob", "Eve"), layers=2)
    own = {place: answer for place, answer in labels.items() if place[0] == 1}
    alone = agreement_table(tables(own), rounds=20).query("scope == 'layer 1'")
    among = agreement_table(tables(labels), rounds=20).query("scope == 'layer 1'")
    pd.testing.assert_frame_equal(alone.reset_index(drop=True), among.reset_index(drop=True))


def test_a_bootstrap_round_is_the_value_over_the_keys_that_it_drew() -> None:
    labels = random_labels(5, 9, ("Ada", "Bob", "Eve"))
    (block,) = Rounds(1, 4).draws(9, ALL_LAYERS)
    drawn = block[0].tolist()
    assert max(drawn) > 1
    again: Labels = {
        (0, key + 100 * time, name): answer
        for (_, key, name), answer in labels.items()
        for time in range(drawn[key])
    }
    expected = known(by_loops(again))
    found = rows(labels, rounds=1, seed=4)
    raters = {len([n for _, k, n in labels if k == key]) for key in range(9)}
    assert len(raters) > 1
    del expected["fleiss_kappa"]  # whose number of raters is chosen before drawing
    for measure, value in expected.items():
        assert found[measure]["ci_low"] == pytest.approx(value, abs=1e-12, nan_ok=True)
        assert found[measure]["ci_low"] == found[measure]["ci_high"] or math.isnan(value)


def test_fleiss_takes_the_keys_with_the_most_frequent_number_of_answers() -> None:
    answers = {"Ada": [("shallow", {1, 2, 3})], "Bob": [("shallow", {2, 3, 4})], "Eve": []}
    three = {(0, key, name): answer for key in (0, 1) for name, answer in answers.items()}
    two = {(0, 2, name): answers[name] for name in ("Ada", "Eve")}
    found = rows({**three, **two})["fleiss_kappa"]
    assert found["value"] == pytest.approx(values(three)["fleiss_kappa"])
    assert "1 key with another number of answers than 3 left out" in found["note"]


def test_intervals_hold_their_value_and_come_from_the_seed_alone() -> None:
    frames = tables(random_labels(7, 30, ("Ada", "Bob", "Eve")))
    first = agreement_table(frames, rounds=300, seed=1)
    assert (first["ci_low"] < first["value"]).all()
    assert (first["value"] < first["ci_high"]).all()
    pd.testing.assert_frame_equal(first, agreement_table(frames, rounds=300, seed=1))
    second = agreement_table(frames, rounds=300, seed=2)
    assert (first["value"] == second["value"]).all()
    assert (first["ci_low"] != second["ci_low"]).any()
    assert (first["baseline"].dropna() != second["baseline"].dropna()).any()


def test_the_order_of_rows_changes_no_bit() -> None:
    frames = tables(random_labels(8, 9, ("Ada", "Bob", "Eve"), layers=2))
    expected = agreement_table(frames, rounds=20)
    for seed in range(3):
        mixed = {name: frame.sample(frac=1, random_state=seed) for name, frame in frames.items()}
        pd.testing.assert_frame_equal(expected, agreement_table(mixed, rounds=20), check_exact=True)


def test_names_and_the_numbers_of_patterns_mean_nothing() -> None:
    labels = random_labels(9, 9, ("Ada", "Bob", "Eve"))
    other = {"Ada": "Zoë", "Bob": "Kim", "Eve": "Ann"}
    renamed = {(n, k, other[name]): (a or [])[::-1] for (n, k, name), a in labels.items()}
    pd.testing.assert_frame_equal(
        agreement_table(tables(labels), rounds=20),
        agreement_table(tables(renamed), rounds=20),
        rtol=1e-12,
    )


def test_only_what_is_not_corrected_for_chance_has_a_baseline() -> None:
    found = rows(random_labels(2, 6, ("Ada", "Bob")))
    assert {measure for measure, row in found.items() if row["baseline"] >= 0} == TO_CHANCE


def test_people_who_tick_at_random_score_what_the_baseline_says() -> None:
    random = np.random.default_rng(0)

    def at_random() -> set[int]:
        return set((random.permutation(25)[:12] + 1).tolist())

    labels = {
        (0, key, name): [("shallow", at_random()), ("semantic", at_random())]
        for key in range(60)
        for name in ("Ada", "Bob")
    }
    found = agreement_table(tables(labels, prefixes=25), rounds=20).set_index("measure")
    found = found[found["scope"] == "all"]
    assert found.at["bcubed_f", "value"] == pytest.approx(
        found.at["bcubed_f", "baseline"], abs=0.02
    )
    assert found.at["bcubed_f", "baseline"] > 0.35  # although nobody agrees with anybody
    assert found.at["omega", "value"] == pytest.approx(0, abs=0.03)


def test_a_baseline_that_can_be_counted_is_that_number() -> None:
    # One tick each of 5: permuted, they are the same 1 time in 5, and else share nothing.
    labels = {(0, key, name): [("shallow", {1})] for key in range(80) for name in ("Ada", "Bob")}
    found = rows(labels)
    assert found["pattern_f1"]["value"] == found["bcubed_f"]["value"] == 1
    assert found["pattern_f1"]["baseline"] == pytest.approx(1 / 5, abs=0.03)
    assert found["bcubed_f"]["baseline"] == pytest.approx(found["pattern_f1"]["baseline"])
