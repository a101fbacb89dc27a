"""Answers as values: what is refused, what survives JSON, what may be submitted."""

import json

import pytest
from desk import answer, pattern
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.answers import Answer, PatternAnswer, problems
from mining.errors import AnnotationError

descriptions = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=500)
ranks = st.sets(st.integers(1, 1000), max_size=25).map(lambda found: tuple(sorted(found)))
patterns = st.builds(PatternAnswer, st.sampled_from(["shallow", "semantic"]), descriptions, ranks)
answers = st.builds(Answer, st.lists(patterns, max_size=6).map(tuple), st.booleans())
rubbish = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["patterns", "no_pattern", "type", "description", "ranks"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=50)
@given(answers)
def test_an_answer_survives_the_way_through_json(given_answer: Answer) -> None:
    text = json.dumps(given_answer.to_json()).encode("utf-8").decode("utf-8")
    assert Answer.from_json(json.loads(text)) == given_answer


@settings(max_examples=50)
@given(rubbish)
def test_rubbish_is_refused_with_one_sentence_and_never_half_read(value: object) -> None:
    try:
        read = Answer.from_json(value)
    except AnnotationError as refusal:
        assert "\n" not in str(refusal)
    else:
        assert read.to_json()["no_pattern"] == value["no_pattern"]
        assert len(read.patterns) == len(value["patterns"])


def json_answer(**changes: object) -> dict[str, object]:
    entry = {"type": "shallow", "description": "ends alike", "ranks": [3, 1, 2]}
    return {"patterns": [entry | changes], "no_pattern": False}


def test_ticks_may_come_in_any_order_and_are_kept_in_order_of_rank() -> None:
    assert Answer.from_json(json_answer()).patterns[0].ranks == (1, 2, 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "deep"},
        {"type": None},
        {"type": ["shallow"]},
        {"description": 7},
        {"description": "x" * 501},
        {"description": "two\nlines"},
        {"description": "a nul \0 inside"},
        {"description": "half a pair \ud83e"},
        {"description": "a line\u2028break"},
        {"ranks": "123"},
        {"ranks": [1, 2, 2]},
        {"ranks": [0, 1, 2]},
        {"ranks": [-1]},
        {"ranks": [1.0]},
        {"ranks": [True, 2, 3]},
        {"ranks": [None]},
    ],
)
def test_a_pattern_that_cannot_be_meant_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(AnnotationError):
        Answer.from_json(json_answer(**changes))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "patterns",
        {},
        {"patterns": []},
        {"no_pattern": False},
        {"patterns": {}, "no_pattern": False},
        {"patterns": [], "no_pattern": 0},
        {"patterns": [[]], "no_pattern": False},
        {"patterns": [{"type": "shallow", "description": ""}], "no_pattern": False},
        {"patterns": json_answer()["patterns"] * 51, "no_pattern": False},
    ],
)
def test_an_answer_of_another_shape_is_refused(value: object) -> None:
    with pytest.raises(AnnotationError):
        Answer.from_json(value)


def test_a_description_of_the_longest_length_and_fifty_patterns_are_taken() -> None:
    value = json_answer(description="x" * 500)
    value["patterns"] *= 50
    assert len(Answer.from_json(value).patterns) == 50


def test_a_pattern_built_by_hand_obeys_the_same_rules() -> None:
    with pytest.raises(AnnotationError):
        PatternAnswer("shallow", "", (2, 1))


def test_a_complete_answer_has_no_problem() -> None:
    assert problems(answer(pattern(1, 2, 3), pattern(3, 4, 9, kind="semantic"))) == []
    assert problems(answer()) == []


@pytest.mark.parametrize(
    ("unfinished", "reasons"),
    [
        (Answer(), ["Add a pattern, or say that you found none."]),
        (
            Answer((pattern(1, 2, 3), pattern(4, 5))),
            ["Pattern 2 is ticked in 2 prefixes; a pattern needs at least 3."],
        ),
        (
            Answer((pattern(1),)),
            ["Pattern 1 is ticked in 1 prefix; a pattern needs at least 3."],
        ),
        (
            Answer((pattern(description=" "),)),
            [
                "Pattern 1 has no description; say what its prefixes share.",
                "Pattern 1 is ticked in 0 prefixes; a pattern needs at least 3.",
            ],
        ),
        (
            Answer((pattern(1, 2, 3),), no_pattern=True),
            ["You say that you found no pattern; remove the patterns or take that back."],
        ),
    ],
)
def test_an_unfinished_answer_says_everything_that_is_missing(
    unfinished: Answer, reasons: list[str]
) -> None:
    assert problems(unfinished) == reasons
