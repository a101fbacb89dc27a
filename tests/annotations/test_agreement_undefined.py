"""Where a measure of agreement has no value it says so in words; where it has one, it gives it."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from annotations.measures import (
    BCubed,
    Undefined,
    bcubed,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    jaccard_distance,
    krippendorff_alpha,
    masi_distance,
    nominal_distance,
    omega_index,
)

ANY = frozenset({0, 1})
NONE: frozenset[int] = frozenset()


def is_said(found: Any) -> bool:
    return isinstance(found, Undefined) and len(found.reason.split()) >= 3


def test_a_reason_cannot_be_changed_afterwards() -> None:
    with pytest.raises(FrozenInstanceError):
        Undefined("no pair of prefixes").reason = "another"  # type: ignore[misc]


@pytest.mark.parametrize("items", [0, 1])
def test_omega_of_fewer_than_two_items_is_undefined(items: int) -> None:
    groups = [frozenset(range(items))]
    assert is_said(omega_index(groups, groups, items))


@pytest.mark.parametrize(
    "groups", [[], [NONE], [frozenset({2})], [frozenset(range(4))], [frozenset(range(4))] * 3]
)
def test_omega_is_undefined_where_both_have_all_pairs_equally_often(groups: list) -> None:
    assert is_said(omega_index(groups, groups, 4))


def test_omega_is_zero_where_one_alone_found_nothing() -> None:
    assert omega_index([], [ANY], 4) == pytest.approx(0)
    assert omega_index([], [frozenset(range(4))], 4) == pytest.approx(0)


@pytest.mark.parametrize("distance", [nominal_distance, jaccard_distance, masi_distance])
@pytest.mark.parametrize(
    "units",
    [
        [],
        [[]],
        [[None, None]],
        [[ANY, None, None], [None, NONE, None]],  # nobody to compare with
        [[ANY, ANY], [ANY, ANY]],  # one label only
        [[NONE, NONE, NONE]],
        [[ANY, ANY], [NONE, None]],  # the other label is not pairable
    ],
)
def test_alpha_without_two_labels_to_compare_is_undefined(units: list, distance: Any) -> None:
    assert is_said(krippendorff_alpha(units, distance))


def test_alpha_is_undefined_where_no_label_is_distant_from_another() -> None:
    assert is_said(krippendorff_alpha([["a", "b"], ["b", "c"]], lambda one, other: 0.0))


def test_why_alpha_is_undefined_tells_silence_from_unanimity() -> None:
    silent = krippendorff_alpha([["a", None]], nominal_distance)
    unanimous = krippendorff_alpha([["a", "a"]], nominal_distance)
    assert is_said(silent) and is_said(unanimous)
    assert silent != unanimous


def test_alpha_of_perfect_agreement_on_two_labels_is_one() -> None:
    assert krippendorff_alpha([[ANY, ANY], [NONE, NONE]], masi_distance) == pytest.approx(1)


@pytest.mark.parametrize("pairs", [[], [("a", "a")], [("a", "a")] * 5])
def test_cohens_kappa_of_constant_or_no_labels_is_undefined(pairs: list) -> None:
    assert is_said(cohen_kappa(pairs))


def test_cohens_kappa_is_zero_where_one_alone_is_constant() -> None:
    assert cohen_kappa([("a", "a"), ("a", "b")]) == pytest.approx(0)
    assert cohen_kappa([("a", "b")] * 3) == pytest.approx(0)


@pytest.mark.parametrize("units", [[], [["a", "a"]], [["a", "a", "a"]] * 4])
def test_fleiss_kappa_of_constant_or_no_labels_is_undefined(units: list) -> None:
    assert is_said(fleiss_kappa(units))


def test_fleiss_kappa_of_two_who_never_agree_is_minus_one() -> None:
    assert fleiss_kappa([["a", "b"], ["b", "a"]]) == pytest.approx(-1)


@pytest.mark.parametrize("units", [[], [[None, None]], [["a", None], [None, "b"]]])
def test_ac1_of_units_with_one_answer_at_most_is_undefined(units: list) -> None:
    assert is_said(gwet_ac1(units, ["a", "b"]))


def test_ac1_of_one_category_for_everything_is_one() -> None:
    # Unlike kappa: chance agreement is 0 where one category has everything (Gwet, 2008).
    assert gwet_ac1([["a", "a"], ["a", "a"]], ["a", "b"]) == pytest.approx(1)


def test_ac1_counts_a_unit_of_one_answer_in_the_prevalence_alone() -> None:
    # Prevalence of a: (1 + 0) / 2, so that chance agreement is 1/2 and not 0.
    units = [["a", "a"], ["b", None]]
    assert gwet_ac1(units, ["a", "b"]) == pytest.approx(1)
    units = [["a", "b"], ["b", None]]  # prevalence 1/4 and 3/4, chance agreement 3/8
    assert gwet_ac1(units, ["a", "b"]) == pytest.approx(-3 / 5)


@pytest.mark.parametrize("one", [[], [NONE], [NONE, NONE]])
@pytest.mark.parametrize("other", [[], [NONE]])
def test_bcubed_of_two_answers_without_a_group_is_none(one: list, other: list) -> None:
    assert bcubed(one, other, 4) == BCubed(precision=None, recall=None, f=None)


def test_bcubed_of_one_side_without_a_group_is_zero() -> None:
    assert bcubed([ANY], [NONE], 4) == BCubed(precision=None, recall=0, f=0)
    assert bcubed([], [ANY], 4) == BCubed(precision=0, recall=None, f=0)


def test_bcubed_of_groups_without_a_common_item_is_zero() -> None:
    assert bcubed([ANY], [frozenset({2, 3})], 4) == BCubed(precision=0, recall=0, f=0)
