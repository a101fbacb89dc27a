"""Where agreement does not exist, and says why; and which answers have no part in it."""

import math

import pandas as pd
import pytest
from agreement_by_hand import BY_HAND, COLUMNS, MEASURES, random_labels, rows, tables, values
from label_frames import Labels

from annotations.agreement_table import agreement_table


def test_no_answer_gives_no_row() -> None:
    for labels in ({}, {(0, 0, "Ada"): None}, {(0, 0, "gold"): []}):
        found = agreement_table(tables(labels))
        assert (len(found), list(found.columns)) == (0, COLUMNS)


def test_keys_with_one_answer_are_counted_and_give_nothing() -> None:
    found = rows({(0, 0, "Ada"): [], (0, 1, "Bob"): [("shallow", {1, 2, 3})]})
    assert list(found) == MEASURES
    for row in found.values():
        assert math.isnan(row["value"])
        assert row["note"] == "no key has two answers; 2 keys with one answer left out"
        assert (row["keys"], row["annotators"]) == (0, 0)


def test_an_answer_without_a_partner_changes_no_value() -> None:
    labels: Labels = {**BY_HAND, (0, 2, "Eve"): [("shallow", {1, 2, 3})]}
    found = rows(labels)
    assert values(labels) == pytest.approx(values(BY_HAND), nan_ok=True)
    assert all("1 key with one answer left out" in row["note"] for row in found.values())
    assert {(row["keys"], row["annotators"]) for row in found.values()} == {(2, 2)}


def test_where_nobody_found_a_pattern_only_ac1_says_something() -> None:
    found = rows({(0, key, name): [] for key in range(3) for name in ("Ada", "Bob")})
    reasons = {measure: row["note"] for measure, row in found.items() if math.isnan(row["value"])}
    assert set(MEASURES) - set(reasons) == {"ac1"}
    assert found["ac1"]["value"] == 1
    assert "chance alone agrees fully" in reasons["omega"]
    for measure in ("alpha_masi", "alpha_nominal", "cohen_kappa", "fleiss_kappa"):
        assert reasons[measure] == "everybody chose one category"
    for measure in ("pattern_precision", "pattern_f1", "bcubed_f"):
        assert reasons[measure] == "nobody found a pattern"
    assert reasons["type_kappa"] == "no two patterns match"


def test_types_that_are_all_alike_have_no_kappa() -> None:
    found = rows({(0, key, n): [("shallow", {1, 2, 3})] for key in (0, 1) for n in ("Ada", "Bob")})
    assert math.isnan(found["type_kappa"]["value"])
    assert found["type_kappa"]["note"] == "all matched patterns are of one type"


def test_nothing_undefined_is_without_a_reason() -> None:
    for seed in range(6):
        labels = random_labels(seed, 2, ("Ada", "Bob", "Eve"), layers=2)
        found = agreement_table(tables(labels), rounds=20)
        without = found["value"].isna() | found["ci_low"].isna()
        assert (found.loc[without, "note"].str.len() > 0).all()


def test_keys_without_a_value_are_left_out_of_a_mean_and_counted() -> None:
    none: Labels = {(0, 5, "Ada"): [], (0, 5, "Bob"): []}
    found = rows({**BY_HAND, **none})
    for measure in ("omega", "pattern_f1", "bcubed_f"):
        assert found[measure]["value"] == pytest.approx(values(BY_HAND)[measure])
        assert "1 key left out" in found[measure]["note"]
    assert found["omega"]["keys"] == 3


def test_one_key_has_values_and_no_interval() -> None:
    found = rows({place: answer for place, answer in BY_HAND.items() if place[1] == 0})
    assert found["omega"]["value"] == pytest.approx(24 / 54)
    assert math.isnan(found["omega"]["ci_low"])
    assert math.isnan(found["omega"]["ci_high"])
    assert found["omega"]["note"] == "one key, so no interval"


def test_a_value_from_one_key_of_several_has_no_interval() -> None:
    none: Labels = {(0, key, name): [] for key in (5, 6) for name in ("Ada", "Bob")}
    one = {place: answer for place, answer in BY_HAND.items() if place[1] == 0}
    found = rows({**one, **none})["omega"]
    assert found["value"] == pytest.approx(24 / 54)
    assert math.isnan(found["ci_low"])
    assert "2 keys left out" in found["note"]
    assert "one key, so no interval" in found["note"]


def test_rounds_without_a_value_are_counted() -> None:
    alike: Labels = {(0, key, name): [] for key in range(3) for name in ("Ada", "Bob")}
    found = rows({**alike, (0, 7, "Ada"): [("shallow", {1, 2})], (0, 7, "Bob"): []}, rounds=100)
    note = found["alpha_nominal"]["note"]
    undefined = int(note.removeprefix("undefined in ").split()[0])
    # All four draws miss the one key where anything was ticked: (3/4)^4 of rounds.
    assert undefined == pytest.approx(100 * 0.75**4, abs=15)
    assert note.endswith("of 100 bootstrap rounds")
    assert not math.isnan(found["alpha_nominal"]["ci_low"])


def test_pairs_of_people_without_a_kappa_are_left_out_and_counted() -> None:
    labels: Labels = {
        **BY_HAND, (0, 8, "Ada"): [], (0, 8, "Eve"): [], (0, 9, "Bob"): [], (0, 9, "Eve"): [],
    }  # fmt: skip
    found = rows(labels)["cohen_kappa"]
    assert found["value"] == pytest.approx(values(BY_HAND)["cohen_kappa"])
    assert "2 pairs of annotators left out: everybody chose one category" in found["note"]


def test_gold_drafts_and_machines_have_no_part() -> None:
    more: Labels = {
        (0, 0, "gold"): [("semantic", {4, 5})],
        (0, 1, "gold"): [],
        (0, 0, "GPT"): [("semantic", {1, 5})],
        (0, 1, "Eve"): None,
    }
    found = agreement_table(tables({**BY_HAND, **more}, machines=["GPT"]), rounds=20)
    pd.testing.assert_frame_equal(found, agreement_table(tables(BY_HAND), rounds=20))


def test_machines_are_compared_when_asked_for() -> None:
    answers: Labels = {
        (0, 0, "Ada"): [("shallow", {1, 2, 3})],
        (0, 0, "GPT"): [("shallow", {1, 2, 3, 4})],
    }
    frames = tables(answers, machines=["GPT"])
    assert agreement_table(frames)["keys"].max() == 0
    found = agreement_table(frames, machines=True).set_index(["scope", "measure"])
    assert found.at[("all", "omega"), "value"] == pytest.approx(24 / 54)
    assert found.at[("all", "omega"), "annotators"] == 2
