"""Agreement of each two people, and of gold with each."""

import math

import pandas as pd
import pytest
from agreement_by_hand import BY_HAND, MEASURES, random_labels, rows, tables, values
from label_frames import Labels

from annotations.agreement_table import agreement_pairs

COLUMNS = "scope one other measure value ci_low ci_high keys note baseline".split()
GOLD: Labels = {
    (0, 0, "gold"): [("shallow", {1, 2, 3}), ("semantic", {3, 4, 5})],
    (0, 0, "Ada"): [("shallow", {1, 2, 3})],
    (0, 0, "Zoë"): [("shallow", {1, 2, 3}), ("shallow", {3, 4, 5}), ("semantic", {1, 5})],
}


def by_names(labels: Labels, scope: str = "all", **how: object) -> dict[tuple, pd.Series]:
    found = agreement_pairs(tables(labels), **({"rounds": 20} | how))
    return {
        (row["one"], row["other"], row["measure"]): row
        for _, row in found[found["scope"] == scope].iterrows()
    }


def test_each_two_people_come_by_name_and_gold_is_the_reference_of_each() -> None:
    found = agreement_pairs(tables(GOLD), rounds=5)
    assert list(found.columns) == COLUMNS
    pairs = [("Ada", "Zoë"), ("gold", "Ada"), ("gold", "Zoë")]
    assert list(
        zip(found["scope"], found["one"], found["other"], found["measure"], strict=True)
    ) == [
        (scope, *pair, measure)
        for scope in ("all", "layer 0")
        for pair in pairs
        for measure in MEASURES
    ]


def test_precision_and_recall_are_those_of_the_other_against_the_reference() -> None:
    found = by_names(GOLD)
    expected = {
        ("gold", "Ada"): (1, 1 / 2),
        ("gold", "Zoë"): (2 / 3, 1),
        ("Ada", "Zoë"): (1 / 3, 1),
    }
    for pair, (precision, recall) in expected.items():
        assert found[*pair, "pattern_precision"]["value"] == pytest.approx(precision)
        assert found[*pair, "pattern_recall"]["value"] == pytest.approx(recall)


def test_what_has_no_direction_is_as_in_the_table_of_these_two() -> None:
    labels = random_labels(1, 12, ("Ada", "Bob", "Eve"))
    found = by_names(labels)
    for pair in (("Ada", "Bob"), ("Ada", "Eve"), ("Bob", "Eve")):
        alone = rows({place: answer for place, answer in labels.items() if place[2] in pair})
        for measure in set(MEASURES) - {"pattern_precision", "pattern_recall"}:
            row = found[*pair, measure]
            for column in ("value", "ci_low", "ci_high"):
                assert row[column] == pytest.approx(alone[measure][column], nan_ok=True)
            assert row["keys"] == alone[measure]["keys"]


def test_a_third_persons_answers_change_nothing_but_the_baselines_draws() -> None:
    labels = random_labels(2, 12, ("Ada", "Bob", "Eve"))
    two = {place: answer for place, answer in labels.items() if place[2] != "Eve"}
    columns = ["measure", "value", "ci_low", "ci_high", "keys", "note"]
    found = agreement_pairs(tables(labels), rounds=20).query("one == 'Ada' and other == 'Bob'")
    alone = agreement_pairs(tables(two), rounds=20)
    pd.testing.assert_frame_equal(found[columns].reset_index(drop=True), alone[columns])


def test_two_who_share_no_key_say_so_once() -> None:
    labels: Labels = {**BY_HAND, (1, 0, "Eve"): []}
    found = by_names(labels)
    assert math.isnan(found["Ada", "Eve", "omega"]["value"])
    assert found["Ada", "Eve", "omega"]["note"].startswith("no key that both answered; 3 keys")
    assert by_names(labels, "layer 1") == {}
    layer = by_names(labels, "layer 0")
    assert {(one, other) for one, other, _ in layer} == {("Ada", "Bob")}


def test_keys_that_one_of_them_answered_are_counted() -> None:
    labels: Labels = {**BY_HAND, (0, 2, "Ada"): [], (0, 3, "Bob"): [], (0, 4, "Bob"): None}
    found = by_names(labels)["Ada", "Bob", "omega"]
    assert found["value"] == pytest.approx(values(BY_HAND)["omega"])
    assert found["note"] == "2 keys that one of them answered left out"
    assert found["keys"] == 2


def test_a_side_without_patterns_is_named() -> None:
    found = by_names({(0, 1, "Ada"): BY_HAND[0, 1, "Ada"], (0, 1, "Bob"): []})
    assert "the other found no pattern" in found["Ada", "Bob", "pattern_precision"]["note"]
    assert found["Ada", "Bob", "pattern_recall"]["value"] == 0
    turned = by_names({(0, 1, "Ada"): [], (0, 1, "Bob"): BY_HAND[0, 1, "Ada"]})
    assert "the reference has no pattern" in turned["Ada", "Bob", "pattern_recall"]["note"]
    assert turned["Ada", "Bob", "pattern_precision"]["value"] == 0


def test_machines_are_compared_with_people_and_gold_when_asked_for() -> None:
    frames = tables({**GOLD, (0, 0, "GPT"): []}, machines=["GPT"])
    assert "GPT" not in set(agreement_pairs(frames, rounds=5)["other"])
    found = agreement_pairs(frames, rounds=5, machines=True)
    pairs = set(zip(found["one"], found["other"], strict=True))
    assert {("gold", "GPT"), ("Ada", "GPT"), ("GPT", "Zoë")} <= pairs


def test_without_answers_there_is_no_row() -> None:
    found = agreement_pairs(tables({(0, 0, "Ada"): None}))
    assert (len(found), list(found.columns)) == (0, COLUMNS)


def test_the_order_of_rows_changes_no_bit() -> None:
    frames = tables(random_labels(8, 9, ("Ada", "Bob", "gold"), layers=2))
    mixed = {name: frame.sample(frac=1, random_state=1) for name, frame in frames.items()}
    pd.testing.assert_frame_equal(
        agreement_pairs(frames, rounds=20), agreement_pairs(mixed, rounds=20), check_exact=True
    )
