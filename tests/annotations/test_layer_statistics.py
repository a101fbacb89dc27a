"""Figure 2, against arithmetic done by hand and by plain loops."""

import pandas as pd
import pytest
from hypothesis import given, settings
from label_frames import CATEGORIES, Labels, frames_of, prefixes_by_loops
from test_categories import labellings

from annotations.answer_weights import counted_answers
from annotations.statistics import layer_statistics

COLUMNS = ["layer", "category", "prefixes", "share", "ci_low", "ci_high", "keys", "annotators"]
# Key 0 is answered twice, key 1 once, each with 5 prefixes.
TWO_KEYS: Labels = {
    (3, 0, "Ada"): [("shallow", {1, 2, 3, 4})],  # 4 shallow, 1 not covered
    (3, 0, "Bob"): [("shallow", {1, 2, 3}), ("semantic", {2, 3, 4})],  # 1, 1 semantic, 2 both, 1
    (3, 1, "Ada"): [],  # 5 not covered
}


def by_category(labels: Labels, column: str, **how: int) -> dict[tuple[int, str], float]:
    found = layer_statistics(frames_of(labels), **how)
    return found.set_index(["layer", "category"])[column].to_dict()


def test_the_answers_of_a_key_share_its_weight() -> None:
    assert by_category(TWO_KEYS, "prefixes") == {
        (3, "shallow"): 2.5,
        (3, "semantic"): 0.5,
        (3, "shallow+semantic"): 1.0,
        (3, "not covered"): 6.0,
    }
    assert by_category(TWO_KEYS, "share") == pytest.approx(
        {
            (3, "shallow"): 0.25,
            (3, "semantic"): 0.05,
            (3, "shallow+semantic"): 0.1,
            (3, "not covered"): 0.6,
        }
    )


def test_keys_and_people_are_counted_per_layer() -> None:
    labels = {**TWO_KEYS, (5, 9, "Eve"): []}
    assert set(by_category(labels, "keys").items()) == {
        ((layer, category), count) for layer, count in ((3, 2), (5, 1)) for category in CATEGORIES
    }
    people = by_category(labels, "annotators")
    assert (people[3, "shallow"], people[5, "shallow"]) == (2, 1)


def test_a_layer_with_an_answer_has_all_four_categories_in_order_and_others_have_none() -> None:
    found = layer_statistics(frames_of({(7, 0, "Ada"): [], (2, 0, "Ada"): [], (4, 0, "Ada"): None}))
    assert list(found.columns) == COLUMNS
    assert list(zip(found["layer"], found["category"], strict=True)) == [
        (layer, category) for layer in (2, 7) for category in CATEGORIES
    ]


def test_a_gold_answer_alone_counts_for_its_key_and_for_no_other() -> None:
    labels = {**TWO_KEYS, (3, 0, "gold"): [("semantic", {1, 2, 3, 4, 5})]}
    assert by_category(labels, "prefixes") == {
        (3, "shallow"): 0,
        (3, "semantic"): 5,
        (3, "shallow+semantic"): 0,
        (3, "not covered"): 5,
    }
    assert set(by_category(labels, "annotators").values()) == {2}  # gold and, for key 1, Ada


def test_a_gold_draft_does_not_count_yet() -> None:
    labels = {**TWO_KEYS, (3, 0, "gold"): None}
    assert by_category(labels, "prefixes") == by_category(TWO_KEYS, "prefixes")


def test_the_interval_of_one_key_is_undefined() -> None:
    labels = {(0, 0, "Ada"): [("shallow", {1, 2, 3})], (0, 0, "Bob"): []}
    found = layer_statistics(frames_of(labels))
    assert found["ci_low"].isna().all()
    assert found["ci_high"].isna().all()


def test_keys_that_are_all_alike_leave_no_doubt() -> None:
    labels = {(0, key, "Ada"): [("shallow", {1, 2, 3})] for key in range(4)}
    assert by_category(labels, "ci_low")[0, "shallow"] == pytest.approx(0.6)
    assert by_category(labels, "ci_high")[0, "shallow"] == pytest.approx(0.6)


def test_the_interval_is_that_of_drawing_keys_and_not_prefixes() -> None:
    # Half of 8 keys wholly covered, half not at all: the number of covered keys among 8 drawn is
    # binomial(8, 1/2), whose 2.5 and 97.5 percentiles are 1 and 7 (and whose 5 and 95 are 2 and 6).
    # Drawing 40 prefixes would give about 0.35 to 0.65.
    labels = {
        (0, key, "Ada"): [("shallow", {1, 2, 3, 4, 5})] if key % 2 else [] for key in range(8)
    }
    assert by_category(labels, "ci_low", rounds=4000)[0, "shallow"] == pytest.approx(1 / 8)
    assert by_category(labels, "ci_high", rounds=4000)[0, "shallow"] == pytest.approx(7 / 8)


def test_the_interval_weighs_keys_by_their_prefixes() -> None:
    # A key with 20 prefixes, all covered, and one with 5, none covered. Of the four equally likely
    # draws of two keys, one gives 1, one gives 0, and two give 20/25.
    frames = frames_of({(0, 0, "Ada"): [("shallow", set(range(1, 21)))], (0, 1, "Ada"): []}, 20)
    prefixes = frames["prefixes"]
    frames["prefixes"] = prefixes[(prefixes["key"] == 0) | (prefixes["rank"] <= 5)]
    found = layer_statistics(frames).set_index("category").loc["shallow"]
    assert (found["share"], found["ci_low"], found["ci_high"]) == pytest.approx((0.8, 0, 1))


def test_the_interval_depends_on_the_seed_alone() -> None:
    labels = {(0, key, "Ada"): [("shallow", set(range(1, key + 1)))] for key in range(6)}
    frames = frames_of(labels)
    first = layer_statistics(frames, rounds=50, seed=1)
    pd.testing.assert_frame_equal(first, layer_statistics(frames, rounds=50, seed=1))
    assert not first.equals(layer_statistics(frames, rounds=50, seed=2))


def test_layers_with_the_same_answers_are_drawn_from_independently() -> None:
    labels = {
        (layer, key, "Ada"): [("shallow", set(range(1, key)))]
        for layer in (0, 1)
        for key in range(6)
    }
    low = by_category(labels, "ci_low", rounds=20)
    assert low[0, "shallow"] != low[1, "shallow"]


def test_another_layers_answers_do_not_move_a_layers_interval() -> None:
    labels = {(5, key, "Ada"): [("shallow", set(range(1, key + 1)))] for key in range(6)}
    alone = layer_statistics(frames_of(labels), rounds=50)
    more = layer_statistics(frames_of({**labels, (1, 0, "Ada"): [], (1, 1, "Ada"): []}), rounds=50)
    pd.testing.assert_frame_equal(alone, more[more["layer"] == 5].reset_index(drop=True))


def test_without_answers_there_are_no_numbers_and_no_made_up_ones() -> None:
    for labels in ({}, {(0, 0, "Ada"): None}):
        frames = frames_of(labels)
        statistics = layer_statistics(frames)
        assert (statistics.empty, list(statistics.columns)) == (True, COLUMNS)


@settings(max_examples=15, deadline=None)
@given(labellings)
def test_everything_agrees_with_plain_loops(labels: Labels) -> None:
    frames = frames_of(labels)
    expected = prefixes_by_loops(labels)
    statistics = layer_statistics(frames, rounds=20)
    found = list(zip(statistics["layer"], statistics["category"], strict=True))
    assert sorted(found) == sorted(expected)
    assert dict(zip(found, statistics["prefixes"], strict=True)) == pytest.approx(
        {place: float(count) for place, count in expected.items()}
    )
    assert statistics.groupby("layer")["share"].sum().tolist() == pytest.approx(
        [1.0] * statistics["layer"].nunique()
    )


def test_the_order_of_rows_does_not_matter_to_the_last_bit() -> None:
    # Thirds added up in different orders differ in their last bits.
    patterns = {0: {"Ada": 1, "Bob": 2, "Eve": 5}, 1: {"Ada": 7}, 2: {"Ada": 3, "Bob": 1, "Eve": 9}}
    labels = {
        (0, key, person): [("shallow", set(range(1, 1 + count % 6)))] * count
        for key, people in patterns.items()
        for person, count in people.items()
    }
    frames = frames_of(labels)
    expected = layer_statistics(frames, rounds=20)
    for seed in range(10):
        mixed = {name: frame.sample(frac=1, random_state=seed) for name, frame in frames.items()}
        found = layer_statistics(mixed, rounds=20)
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_weights_of_a_key_add_up_to_one() -> None:
    weights = counted_answers(frames_of(TWO_KEYS)["submissions"])
    assert weights["weight"].tolist() == [0.5, 0.5, 1.0]
