"""From ticks to the four categories of figure 2."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_frames import Labels, category_of, frames_of

from annotations.answer_arrays import answer_arrays, category_counts
from annotations.categories import CATEGORIES, category

kinds = st.sampled_from(["shallow", "semantic"])
patterns = st.lists(st.tuples(kinds, st.sets(st.integers(1, 5))), max_size=4)
places = st.tuples(st.integers(0, 2), st.integers(0, 2), st.sampled_from(["Ada", "Bob", "gold"]))
labellings = st.dictionaries(places, st.none() | patterns, max_size=8)


def rows(labels: Labels) -> list[tuple[int, int, str, int, str]]:
    arrays = answer_arrays(frames_of(labels))
    codes = arrays.categories(np.arange(len(arrays.key_A)), 5)
    return sorted(
        (
            int(arrays.layer_K[key]), int(arrays.number_K[key]), arrays.people[person], rank,
            CATEGORIES[code],
        )
        for key, person, own in zip(arrays.key_A, arrays.person_A, codes, strict=True)
        for rank, code in enumerate(own, start=1)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ([], "not covered"),
        (["shallow"], "shallow"),
        (["semantic", "semantic"], "semantic"),
        ({"semantic", "shallow"}, "shallow+semantic"),
    ],
)
def test_a_prefix_has_the_category_of_the_types_ticked_in_it(
    types: list[str], expected: str
) -> None:
    assert category(types) == expected


def test_the_categories_are_in_the_papers_order() -> None:
    assert CATEGORIES == ("shallow", "semantic", "shallow+semantic", "not covered")


def test_each_prefix_of_each_answer_has_one_category() -> None:
    labels = {
        (0, 4, "Ada"): [("shallow", {1, 2, 3}), ("semantic", {3, 4}), ("shallow", {2})],
        (0, 4, "Bob"): [],
    }
    assert rows(labels) == [
        (0, 4, "Ada", 1, "shallow"),
        (0, 4, "Ada", 2, "shallow"),
        (0, 4, "Ada", 3, "shallow+semantic"),
        (0, 4, "Ada", 4, "semantic"),
        (0, 4, "Ada", 5, "not covered"),
        *((0, 4, "Bob", rank, "not covered") for rank in range(1, 6)),
    ]


def test_a_draft_has_no_category_even_if_it_has_ticks() -> None:
    frames = frames_of({(0, 1, "Ada"): [("shallow", {1, 2, 3})]})
    frames["submissions"]["status"] = pd.Series(["draft"], dtype="str")
    assert category_counts(answer_arrays(frames)).empty


@settings(max_examples=20, deadline=None)
@given(labellings)
def test_the_categories_agree_with_a_loop_over_every_prefix(labels: Labels) -> None:
    expected = sorted(
        (layer, key, person, rank, category_of(found, rank))
        for (layer, key, person), found in labels.items()
        if found is not None
        for rank in range(1, 6)
    )
    assert rows(labels) == expected


@settings(max_examples=20, deadline=None)
@given(labellings)
def test_each_answers_categories_are_counted(labels: Labels) -> None:
    expected = {
        place: [[category_of(found, rank) for rank in range(1, 6)].count(c) for c in CATEGORIES]
        for place, found in sorted(labels.items())
        if found is not None
    }
    counts = category_counts(answer_arrays(frames_of(labels), first="gold"))
    assert list(counts.columns) == ["layer", "key", "annotator", *CATEGORIES]
    found = {tuple(row[:3]): list(row[3:]) for row in counts.itertuples(index=False)}
    assert list(found.items()) == list(expected.items())
