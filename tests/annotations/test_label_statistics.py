"""The headline numbers, against arithmetic done by hand and by plain loops."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_frames import Labels, category_of, counted, frames_of
from label_oracle import numbers_by_loops, tau_b_by_loops
from test_categories import labellings

from annotations.answer_weights import POLICIES
from annotations.bootstrap import Rounds, resampled_medians, resampled_sums
from annotations.label_statistics import MEASURES, label_statistics

COLUMNS = [
    "scope", "measure", "type", "value", "ci_low", "ci_high", "keys", "annotators", "note",
]  # fmt: skip
FEW: Labels = {
    (0, 0, "Ada"): [("shallow", {1, 2, 3}), ("semantic", {3, 4, 5})],  # 2 patterns, 5 covered
    (0, 1, "Ada"): [],
    (4, 0, "Ada"): [("shallow", {1, 2, 3})],  # shared: 1 pattern, 3 covered
    (4, 0, "Bob"): [],  # and 0, 0
    (4, 1, "Bob"): None,
}
SPREAD: Labels = {
    (layer, key, "Ada"): [("semantic", set(range(1, 2 + (layer + key) % 5)))]
    for layer in range(3)
    for key in range(4)
}


def row(found: pd.DataFrame, scope: str, measure: str, kind: str = "any") -> pd.Series:
    return found.set_index(["scope", "measure", "type"]).loc[(scope, measure, kind)]


def value(found: pd.DataFrame, scope: str, measure: str, kind: str = "any") -> float:
    return float(row(found, scope, measure, kind)["value"])


def test_the_overall_numbers_are_those_that_the_paper_reports() -> None:
    found = label_statistics(frames_of(FEW), rounds=9)
    assert value(found, "all", "keys") == 3
    assert value(found, "all", "keys_with_pattern") == pytest.approx(1.5 / 3)
    assert value(found, "all", "patterns_per_key") == pytest.approx(2.5 / 3)
    assert value(found, "all", "coverage") == pytest.approx((5 + 0 + 1.5) / 15)
    assert value(found, "all", "coverage", "semantic") == pytest.approx(3 / 15)
    assert row(found, "all", "coverage")[["keys", "annotators"]].tolist() == [3, 2]


def test_rows_are_in_order_and_every_scope_has_its_measures() -> None:
    labels = {**FEW, (10, 0, "gold"): [], (10, 0, "Zoe"): []}
    found = label_statistics(frames_of(labels), rounds=9)
    assert list(found.columns) == COLUMNS
    scopes = ["all", "layer 0", "layer 4", "layer 10"]
    scopes += [f"annotator {name}" for name in ("Ada", "Bob", "Zoe", "gold")]
    assert list(dict.fromkeys(found["scope"])) == scopes
    measures = list(dict.fromkeys(found.loc[found["scope"] == "all", "measure"]))
    assert tuple(measures) == MEASURES
    assert len(found) == 5 * (1 + 9 + 2 + 2) + 3 * (1 + 9 + 2)


@settings(max_examples=25, deadline=None)
@given(labellings, st.sampled_from(POLICIES))
def test_every_number_is_that_of_plain_loops(labels: Labels, policy: str) -> None:
    found = label_statistics(frames_of(labels), rounds=5, policy=policy)
    numbers = found[~found["measure"].str.startswith("semantic_trend")]
    mine = {tuple(place): value for *place, value in numbers[COLUMNS[:4]].itertuples(index=False)}
    expected = numbers_by_loops(labels, policy)
    assert set(mine) == set(expected)
    for place, number in expected.items():
        assert mine[place] == pytest.approx(math.nan if number is None else number, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(labellings, st.sampled_from(POLICIES))
def test_nothing_is_undefined_without_a_word_about_it(labels: Labels, policy: str) -> None:
    found = label_statistics(frames_of(labels), rounds=5, policy=policy)
    blank = found[["value", "ci_low", "ci_high"]].isna().any(axis=1)
    assert (found.loc[blank, "note"] != "").all()


@settings(max_examples=20, deadline=None)
@given(labellings)
def test_the_trend_is_that_of_each_keys_semantic_share(labels: Labels) -> None:
    shares = [
        (layer, statistics.fmean(
            sum("semantic" in category_of(given, rank) for rank in range(1, 6)) / 5
            for given in people.values()
        ))
        for (layer, _), people in counted(labels).items()
    ]  # fmt: skip
    rounded = [(layer, round(share, 9)) for layer, share in shares]
    expected = tau_b_by_loops(rounded)
    found = label_statistics(frames_of(labels), rounds=5, measures=["semantic_trend_tau"])
    tau = value(found, "all", "semantic_trend_tau", "semantic")
    assert tau == pytest.approx(math.nan if expected is None else expected, nan_ok=True)


def test_gold_counts_alone_beside_others_or_not_at_all() -> None:
    labels: Labels = {
        (0, 0, "Ada"): [("shallow", {1, 2, 3})],
        (0, 0, "gold"): [("semantic", {1, 2, 3})] * 4,
        (0, 1, "Ada"): [("shallow", {1, 2, 3})] * 2,
    }
    patterns = {
        policy: value(
            label_statistics(frames_of(labels), policy=policy, rounds=9), "all", "patterns_per_key"
        )
        for policy in POLICIES
    }
    assert patterns == {"gold": 3, "annotators": 1.5, "gold-only": 4}


def test_an_annotators_numbers_are_of_their_own_answers_whatever_gold_says() -> None:
    labels = {**SPREAD, (0, 0, "gold"): [], (0, 0, "Bob"): []}
    with_gold = label_statistics(frames_of(labels), rounds=30)
    alone = label_statistics(frames_of(SPREAD), rounds=30)
    pd.testing.assert_frame_equal(
        with_gold[with_gold["scope"] == "annotator Ada"].reset_index(drop=True),
        alone[alone["scope"] == "annotator Ada"].reset_index(drop=True),
    )


def test_the_time_of_a_gold_answer_is_nobodys() -> None:
    labels: Labels = {(0, 0, "gold"): [], (0, 0, "Ada"): []}
    both = label_statistics(frames_of(labels))
    ada = value(both, "annotator Ada", "seconds_per_key_mean")
    assert value(both, "all", "seconds_per_key_mean") == ada
    assert "not timed" in row(both, "annotator gold", "seconds_per_key_mean")["note"]
    assert row(both, "all", "seconds_per_key_mean")["annotators"] == 1


def test_machines_are_left_out_unless_asked_for() -> None:
    labels = {**FEW, (0, 1, "Bot"): [("shallow", {1, 2, 3})] * 6}
    frames = frames_of(labels, machines=["Bot"])
    people = label_statistics(frames, rounds=9)
    pd.testing.assert_frame_equal(people, label_statistics(frames_of(FEW), rounds=9))
    everybody = label_statistics(frames, rounds=9, machines=True)
    assert value(everybody, "layer 0", "patterns_per_key") == pytest.approx((2 + 3) / 2)
    assert "annotator Bot" in set(everybody["scope"])


def test_without_answers_there_is_nothing_but_the_reason() -> None:
    for labels in ({}, {(0, 0, "Ada"): None}):
        found = label_statistics(frames_of(labels))
        assert set(found["scope"]) == {"all"}
        assert value(found, "all", "keys") == 0
        others = found[found["measure"] != "keys"]
        assert others["value"].isna().all()
        assert set(others["note"]) == {"no answer counts here"}


def test_one_key_has_numbers_and_no_interval() -> None:
    found = label_statistics(frames_of({(0, 0, "Ada"): [("shallow", {1, 2, 3})]}))
    coverage = row(found, "all", "coverage")
    assert coverage["value"] == pytest.approx(0.6)
    assert coverage[["ci_low", "ci_high"]].isna().all()
    assert coverage["note"] == "one key: no interval"


def test_intervals_are_those_of_drawing_keys() -> None:
    # Half of 8 keys have a pattern that covers all: how many of 8 drawn do is binomial(8, 1/2),
    # whose 2.5 and 97.5 percentiles are 1 and 7.
    labels = {(0, key, "Ada"): [("shallow", {1, 2, 3, 4, 5})] * (key % 2) for key in range(8)}
    found = label_statistics(frames_of(labels), rounds=4000)
    for measure in ("patterns_per_key", "keys_with_pattern", "coverage"):
        for scope in ("all", "layer 0", "annotator Ada"):
            ends = row(found, scope, measure)[["ci_low", "ci_high"]].tolist()
            assert ends == pytest.approx([1 / 8, 7 / 8]), (measure, scope)


@pytest.mark.parametrize("keys", [70, 1500, 1501])
def test_keys_are_drawn_as_often_as_there_are_keys_and_the_same_each_time(keys: int) -> None:
    rounds = 60_000 // keys
    draws = Rounds(rounds, 5).draws(keys, 3)
    first, again = (np.concatenate(list(draws)).astype(int) for _ in range(2))
    assert (first == again).all()
    assert first.shape == (rounds, keys)
    assert set(first.sum(axis=1).tolist()) == {keys}
    # Each of so many draws hits a key once in `keys` times: a variance of 1 - 1 / keys.
    assert first.var() == pytest.approx(1 - 1 / keys, abs=0.03)
    values = np.random.default_rng(0).permutation(keys) * 1.0
    expected = [np.median(np.repeat(values, row)) for row in first]
    assert resampled_medians(values, draws)[:, 0].tolist() == expected
    assert resampled_sums(values[:, None], draws)[:, 0].tolist() == (first @ values).tolist()


def test_shuffles_are_not_made_of_the_numbers_that_draws_are() -> None:
    codes, rounds = np.arange(50, dtype=np.uint8), Rounds(1, seed=7)
    of_draws = np.random.default_rng([7, 3]).permuted(codes[None], axis=1)
    (shuffled,) = rounds.shuffles(codes, 3)
    assert sorted(shuffled[0]) == codes.tolist()
    assert shuffled.tolist() != of_draws.tolist()


@pytest.mark.parametrize("kept", [64_000_000, 2_500, 0])
def test_what_is_kept_of_random_streams_changes_no_number(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annotations.bootstrap.COUNTS_KEPT", kept)  # one stream is 40 x 50 numbers
    rounds, layers = Rounds(40, 5), np.arange(50, dtype=np.uint8)
    random = [np.random.default_rng(seed) for seed in ([5, 1], [5, 2], [5, 3, 1])]
    of_1, of_2 = (one.integers(50, size=(40, 50), dtype=np.uint32) for one in random[:2])
    of_3 = np.array([random[2].permuted(layers) for _ in range(40)])
    for _ in range(2):
        for stream, drawn in ((1, of_1), (2, of_2), (1, of_1)):
            expected = [[row.count(key) for key in range(50)] for row in drawn.tolist()]
            assert np.concatenate(list(rounds.draws(50, stream))).tolist() == expected
        assert np.concatenate(list(rounds.shuffles(layers, 3))).tolist() == of_3.tolist()
        assert np.concatenate(list(rounds.shuffles(layers * 2, 3))).tolist() == (of_3 * 2).tolist()


@pytest.mark.parametrize("keys", [5, 6])
def test_medians_are_those_of_the_keys_drawn(keys: int) -> None:
    seconds = np.array([9.0, 1.0, 4.0, 4.0, 7.0, 2.0])[:keys]
    found = resampled_medians(seconds, Rounds(300, 5).draws(len(seconds), 3))
    drawn = np.random.default_rng([5, 3]).integers(keys, size=(300, keys), dtype=np.uint32)
    expected = [statistics.median(round_) for round_ in seconds[drawn].tolist()]
    assert found[:, 0].tolist() == expected


def test_the_interval_of_the_seconds_holds_the_value_and_the_seed_alone_decides() -> None:
    frames = frames_of(SPREAD)
    first, again, other = (label_statistics(frames, rounds=200, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    for measure in ("seconds_per_key_mean", "seconds_per_key_median"):
        told = row(first, "all", measure)
        assert told["ci_low"] < told["value"] < told["ci_high"]
        assert told["ci_low"] != row(other, "all", measure)["ci_low"] or "median" in measure


def test_a_measure_alone_is_the_same_and_needs_no_other_frames() -> None:
    frames = frames_of(SPREAD)
    whole = label_statistics(frames, rounds=30)
    for measure in MEASURES:
        alone = label_statistics(frames, rounds=30, measures=[measure])
        expected = whole[whole["measure"] == measure].reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, expected)
    few = {name: frames[name] for name in ("annotators", "submissions", "patterns")}
    assert not label_statistics(few, rounds=2, measures=["keys", "patterns_per_key"]).empty


def test_the_order_of_rows_does_not_matter_to_the_last_bit() -> None:
    labels: Labels = {
        (layer, key, person): [("shallow", {1, 2, 3})]
        * (1 + (layer * 5 + key * 3 + len(person)) % 4)
        for layer in range(2)
        for key in range(3)
        for person in ("Ada", "Bobby", "Eveline")
    }
    frames = frames_of(labels)
    expected = label_statistics(frames, rounds=20)
    for seed in range(5):
        mixed = {name: frame.sample(frac=1, random_state=seed) for name, frame in frames.items()}
        found = label_statistics(mixed, rounds=20)
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize("scope", ["all", "layer", "annotator"])
def test_some_scopes_alone_are_the_same_as_among_all(scope: str) -> None:
    labels = {**SPREAD, (1, 1, "Bob"): []}
    whole = label_statistics(frames_of(labels), rounds=30)
    alone = label_statistics(frames_of(labels), rounds=30, scopes=[scope])
    expected = whole[whole["scope"].str.startswith(scope)].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, expected)
