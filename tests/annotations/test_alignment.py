"""Answers side by side: what is grouped, what comes first, and what merging gives."""

from itertools import combinations, pairwise

import pytest
from desk import answer, pattern
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.alignment import PatternGroup, align, disagreement, merged
from annotations.answers import LONGEST_DESCRIPTION, Answer, PatternAnswer

# Few prefixes, so that patterns often resemble each other.
ticks = st.sets(st.integers(1, 6), max_size=6).map(lambda found: tuple(sorted(found)))
patterns = st.builds(PatternAnswer, st.sampled_from(["shallow", "semantic"]), st.just("x"), ticks)
single_answers = st.lists(patterns, max_size=4).map(lambda found: answer(*found))
answers = st.dictionaries(st.sampled_from(["Ada", "Bob", "Cy", "Di"]), single_answers, max_size=4)

NAMES = pattern(1, 2, 3, 4)
YEARS = pattern(10, 11, 12)
MUSIC = pattern(20, 21, 22, kind="semantic")


def members(groups: list[PatternGroup]) -> list[dict[str, int]]:
    return [group.members for group in groups]


@settings(max_examples=50, deadline=None)
@given(answers)
def test_every_pattern_is_in_one_group_with_one_at_most_of_each_annotator(
    given_answers: dict[str, Answer],
) -> None:
    found = [place for group in align(given_answers) for place in group.members.items()]
    assert sorted(found) == sorted(
        (name, place)
        for name, given_answer in given_answers.items()
        for place in range(len(given_answer.patterns))
    )


@settings(max_examples=50, deadline=None)
@given(answers)
def test_a_group_says_which_prefixes_all_of_it_ticks_and_which_only_some(
    given_answers: dict[str, Answer],
) -> None:
    for group in align(given_answers):
        own = [given_answers[name].patterns[place] for name, place in group.members.items()]
        votes = {rank: sum(rank in one.ranks for one in own) for rank in range(1, 7)}
        assert list(group.agreed_ranks) == [r for r, n in votes.items() if n == len(own)]
        assert list(group.disputed_ranks) == [r for r, n in votes.items() if 0 < n < len(own)]
        assert group.types_differ == ({"shallow", "semantic"} == {one.type for one in own})
        if len(own) == 1:
            assert group.similarity is None
        else:
            alike = [
                len(set(one.ranks) & set(other.ranks)) / max(len({*one.ranks, *other.ranks}), 1)
                if one.ranks or other.ranks
                else 1
                for one, other in combinations(own, 2)
            ]
            assert group.similarity == pytest.approx(sum(alike) / len(alike))


@settings(max_examples=50, deadline=None)
@given(answers)
def test_what_is_most_in_dispute_comes_first(given_answers: dict[str, Answer]) -> None:
    groups = align(given_answers)
    for before, after in pairwise(groups):
        assert len(before.members) <= len(after.members)
        if len(before.members) == len(after.members):
            assert before.types_differ >= after.types_differ
            if before.types_differ == after.types_differ and before.similarity is not None:
                assert before.similarity <= after.similarity


@settings(max_examples=50, deadline=None)
@given(answers)
def test_the_order_in_which_answers_are_given_changes_nothing(
    given_answers: dict[str, Answer],
) -> None:
    backwards = dict(reversed(given_answers.items()))
    assert align(backwards) == align(given_answers)
    assert disagreement(backwards) == disagreement(given_answers)


@settings(max_examples=50, deadline=None)
@given(single_answers)
def test_answers_that_are_the_same_have_nothing_in_dispute(same: Answer) -> None:
    copies = {"Ada": same, "Bob": same, "Cy": same}
    assert disagreement(copies) == 0
    for group in align(copies):
        assert (len(group.members), group.disputed_ranks, group.similarity) == (3, (), 1)
        assert not group.types_differ


def test_matching_patterns_stand_side_by_side_and_what_somebody_lacks_comes_first() -> None:
    bobs = answer(MUSIC, pattern(1, 2, 3), pattern(30, 31, 32))
    groups = align({"Ada": answer(NAMES, YEARS, MUSIC), "Bob": bobs})
    assert groups == [
        PatternGroup({"Ada": 1}, (10, 11, 12), (), False, None),
        PatternGroup({"Bob": 2}, (30, 31, 32), (), False, None),
        PatternGroup({"Ada": 0, "Bob": 1}, (1, 2, 3), (4,), False, 0.75),
        PatternGroup({"Ada": 2, "Bob": 0}, (20, 21, 22), (), False, 1),
    ]


def test_differing_types_come_before_differing_prefixes() -> None:
    groups = align(
        {
            "Ada": answer(NAMES, YEARS),
            "Bob": answer(pattern(1, 2), pattern(10, 11, 12, kind="semantic")),
        }
    )
    assert members(groups) == [{"Ada": 1, "Bob": 1}, {"Ada": 0, "Bob": 0}]
    assert [group.types_differ for group in groups] == [True, False]


def test_more_members_come_later_even_where_types_differ() -> None:
    both = {"Ada": answer(NAMES, MUSIC), "Bob": answer(NAMES, pattern(20, 21, 22))}
    groups = align({**both, "Cy": answer(MUSIC)})
    assert members(groups) == [{"Ada": 0, "Bob": 0}, {"Ada": 1, "Bob": 1, "Cy": 0}]


def test_a_third_annotator_joins_where_the_mean_similarity_reaches_the_threshold() -> None:
    first = {"Ada": answer(pattern(1, 2, 3, 4)), "Bob": answer(pattern(1, 2))}
    # 3/4 and 1/4 make 1/2, although Bob alone is too far away; 1/4 and 1/2 are too little.
    assert members(align({**first, "Cy": answer(pattern(2, 3, 4))})) == [
        {"Ada": 0, "Bob": 0, "Cy": 0}
    ]
    assert members(align({**first, "Cy": answer(pattern(2))})) == [
        {"Cy": 0},
        {"Ada": 0, "Bob": 0},
    ]


def test_patterns_on_the_same_prefixes_are_paired_by_type() -> None:
    shallow, semantic = pattern(1, 2, 3), pattern(1, 2, 3, kind="semantic")
    crossed = {"Ada": answer(shallow, semantic), "Bob": answer(semantic, shallow)}
    groups = align(crossed)
    assert members(groups) == [{"Ada": 0, "Bob": 1}, {"Ada": 1, "Bob": 0}]
    assert not any(group.types_differ for group in groups)
    assert disagreement(crossed) == 0


def test_nobody_and_one_annotator_have_nothing_to_settle() -> None:
    assert align({}) == align({"Ada": answer(), "Bob": answer()}) == []
    assert members(align({"Ada": answer(NAMES, YEARS)})) == [{"Ada": 0}, {"Ada": 1}]
    assert disagreement({}) == disagreement({"Ada": answer(NAMES)}) == 0


@pytest.mark.parametrize(
    ("given_answers", "expected"),
    [
        ([answer(), answer()], 0),
        ([answer(), answer(NAMES)], 1),
        ([answer(NAMES), answer(YEARS)], 1),
        ([answer(NAMES), answer(NAMES)], 0),
        ([answer(NAMES), answer(pattern(1, 2, 3, 4, kind="semantic"))], 1 / 2),
        ([answer(NAMES, YEARS), answer(NAMES)], 1 - 2 / 3),
        ([answer(NAMES, MUSIC), answer(NAMES, pattern(20, 21, 22))], 1 - 3 / 4),
        ([answer(NAMES), answer(NAMES), answer()], 2 / 3),  # 0, 1 and 1
        ([answer(NAMES), answer(NAMES), answer(YEARS), answer()], 5 / 6),
    ],
)
def test_disagreement_by_hand(given_answers: list[Answer], expected: float) -> None:
    names = ["Ada", "Bob", "Cy", "Di"]
    found = disagreement(dict(zip(names, given_answers, strict=False)))
    assert found == pytest.approx(expected)


@settings(max_examples=50, deadline=None)
@given(answers)
def test_disagreement_lies_between_0_and_1(given_answers: dict[str, Answer]) -> None:
    assert 0 <= disagreement(given_answers) <= 1


def test_a_stricter_threshold_separates_what_a_looser_one_holds_together() -> None:
    pair = {"Ada": answer(NAMES), "Bob": answer(pattern(1, 2, 3))}  # 3/4
    assert (len(align(pair, threshold=0.75)), len(align(pair, threshold=0.8))) == (1, 2)
    assert (disagreement(pair, threshold=0.75), disagreement(pair, threshold=0.8)) == (0, 1)


def test_merging_takes_every_prefix_the_most_frequent_type_and_each_description() -> None:
    one = pattern(1, 2, 9, description="years")
    two = pattern(2, 3, 4, kind="semantic", description="dates")
    three = pattern(1, 2, 5, kind="semantic", description="years")
    assert merged([one, two, three]) == PatternAnswer(
        "semantic", "years / dates", (1, 2, 3, 4, 5, 9)
    )


def test_of_two_equally_frequent_types_the_first_patterns_counts() -> None:
    shallow, semantic = pattern(1, 2, 3), pattern(1, 2, 3, kind="semantic")
    assert merged([shallow, semantic]).type == "shallow"
    assert merged([semantic, shallow]).type == "semantic"
    assert merged([semantic, shallow, shallow, semantic]).type == "semantic"


def test_merging_one_pattern_leaves_it_as_it_is() -> None:
    assert merged([MUSIC]) == MUSIC
    with pytest.raises(AssertionError):
        merged([])


def test_blank_descriptions_are_left_out_and_long_ones_cut() -> None:
    described = [pattern(1, description=text) for text in ("", "years", "  ")]
    assert merged(described).description == "years"
    long = [pattern(1, description=letter * LONGEST_DESCRIPTION) for letter in "ab"]
    assert merged(long[:1]).description == "a" * LONGEST_DESCRIPTION
    half = pattern(1, description="c" * (LONGEST_DESCRIPTION - 5))
    assert merged([half, *long]).description == "c" * (LONGEST_DESCRIPTION - 5) + " / aa"
