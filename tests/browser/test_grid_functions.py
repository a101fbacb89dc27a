"""The grid's pure functions, run in Chromium: rules it shares with Python, and finding text."""

from collections.abc import Callable, Iterator
from itertools import accumulate

import pytest
from grid_keys import CAN_PASS, DISHWASHER, ODD, ON_MONDAY, PLAIN, token_ends
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser

from annotations.answers import Answer, PatternAnswer, problems
from app.components import grid_script

Run = Callable[..., object]
Prefix = dict[str, object]
FILES = [grid_script.HERE / name for name in ("state.js", "text.js", "shades.js")]
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in FILES)

# "passing" is two tokens, "strings" and "can't" are one.
PIECES: list[Prefix] = [
    {"text": "keep passing", "ends": [4, 9, 12]},
    {"text": "two strings sing", "ends": [3, 11, 16]},
    {"text": "What (if any)?", "ends": [4, 6, 8, 12, 14]},
    {"text": "彼は毎朝電車で", "ends": [2, 4, 6, 7]},
    {"text": "you can't go", "ends": [3, 9, 12]},
]

# UTF-16 units: letters, controls, line and paragraph separators, halves of an emoji.
UNITS = [0, 9, 10, 32, 65, 0x7F, 0x85, 0x301, 0x200D, 0x2028, 0x2029, 0x6F22, 0xD83C, 0xDF55]

# What a reader sees as one character, whatever it is made of.
CLUSTERS = ["a", " ", "e\u0301", "🍕", "👩\u200d👧", "נ", "行", "\r\n"]

patterns = st.builds(
    PatternAnswer,
    type=st.sampled_from(["shallow", "semantic"]),
    description=st.sampled_from(["", " ", "words"]),
    ranks=st.sets(st.integers(1, 25), max_size=5).map(lambda ranks: tuple(sorted(ranks))),
)


@pytest.fixture(scope="module")
def run(browser: Browser) -> Iterator[Run]:
    """Evaluate an expression over `given` with the grid's functions in scope."""
    page = browser.new_page()

    def evaluate(expression: str, given: object = None) -> object:
        return page.evaluate(f"given => {{ {SOURCE}\nreturn {expression}; }}", given)

    yield evaluate
    page.close()


@settings(max_examples=40, deadline=None)
@given(answer=st.builds(Answer, st.lists(patterns, max_size=3).map(tuple), st.booleans()))
def test_the_page_and_the_store_name_the_same_problems(run: Run, answer: Answer) -> None:
    assert run("problems(given)", answer.to_json()) == problems(answer)


@settings(max_examples=40, deadline=None)
@given(units=st.lists(st.sampled_from(UNITS), max_size=12), times=st.integers(1, 60))
def test_what_the_page_sends_as_a_description_is_accepted(
    run: Run, units: list[int], times: int
) -> None:
    tidied = run("tidyDescription(String.fromCharCode(...given))", units * times)
    assert isinstance(tidied, str)
    PatternAnswer("shallow", tidied, ())


@pytest.mark.parametrize(
    ("words", "ranks"),
    [
        ("can pass", CAN_PASS),
        ("  CAN\tpass ", CAN_PASS),
        ("Dishwasher", DISHWASHER),
        ("on monday", ON_MONDAY),
        ("on", (6, 9, 12, 14, 20)),
        ("an", (15,)),  # neither in "can" nor in "wanted"
        ("conversion, which", (10,)),
        ("(.*)", ()),
    ],
)
def test_words_are_found_whole_and_in_any_case(
    run: Run, words: str, ranks: tuple[int, ...]
) -> None:
    prefixes = [{"text": text, "ends": token_ends(text)} for text in PLAIN]
    found = run("findText(given[0], given[1]).rows", [prefixes, words])
    assert found == [rank - 1 for rank in ranks]


@pytest.mark.parametrize(
    ("words", "ranks"),
    [
        ("can pass", (1, 4, 7, 10, 16, 22)),
        ("Can pass", (2,)),
        ("CAN", (11,)),
        ("on Monday", (6, 14, 20)),
        ("DISHWASHER", ()),
    ],
)
def test_words_are_found_in_their_own_case_where_it_matters(
    run: Run, words: str, ranks: tuple[int, ...]
) -> None:
    prefixes = [{"text": text, "ends": token_ends(text)} for text in PLAIN]
    found = run("findText(given[0], given[1], true).rows", [prefixes, words])
    assert found == [rank - 1 for rank in ranks]


@pytest.mark.parametrize(
    ("words", "rows", "inside"),
    [
        ("ing", [0], True),  # a token in "passing", in no other row
        ("pass", [0], True),
        ("sing", [1], False),
        ("(if any)", [2], False),  # its last bracket is half of a token, but no part of a word
        ("毎朝", [3], False),
        ("朝電", [], False),  # half of one token and half of the next
        ("can", [], False),
    ],
)
def test_parts_of_words_are_found_where_they_are_tokens(
    run: Run, words: str, rows: list[int], inside: bool
) -> None:
    found = run("findText(given[0], given[1])", [PIECES, words])
    assert isinstance(found, dict)
    assert (found["rows"], found["inside"]) == (rows, inside)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (5, 9, "pass"),
        (6, 8, "pass"),
        (3, 6, "keep pass"),
        (7, 12, "passing"),
        (4, 5, None),  # a space
        (7, 7, None),
    ],
)
def test_a_selection_is_widened_to_whole_tokens(
    run: Run, start: int, end: int, words: str | None
) -> None:
    assert run("snapToTokens(...given)", [PIECES[0], start, end]) == words


@pytest.mark.parametrize(("text", "trigger"), ODD.items())
def test_the_trigger_is_the_last_token_whatever_its_script(
    run: Run, text: str, trigger: str
) -> None:
    ends = "tokenEnds(given[0], given[1])"
    given = [text, token_ends(text)]
    assert run(f"given[0].slice(triggerStart(given[0], {ends}))", given) == trigger


@pytest.mark.parametrize(
    ("text", "ends", "coefficients", "pieces"),
    [
        ("you can pass", [3, 7, 12], [0.5, -1, 2], [("you", 0.5), (" can", -1), (" pass", 2)]),
        # Four bytes of one character; the sign of the strongest counts.
        (
            "a 🍕!",
            [1, 2, 3, 3, 3, 3, 4],
            [0, 1, 2, -5, 3, 0, 7],
            [("a", 0), (" ", 1), ("🍕", -5), ("!", 7)],
        ),
        # A letter and its accent, in two tokens, look like one character.
        ("Cafe\u0301 it", [4, 5, 8], [1, 3, 2], [("Caf", 1), ("e\u0301", 3), (" it", 2)]),
        ("Cafe\u0301 it", [4, 5, 8], [3, 1, 2], [("Caf", 3), ("e\u0301", 3), (" it", 2)]),
        ("👩\u200d👧", [1, 2, 3], [1, 9, 4], [("👩\u200d👧", 9)]),
        ("נמש", [0, 1, 3], [4, 1, 2], [("נ", 4), ("מש", 2)]),  # the first token has no characters
    ],
)
def test_tokens_of_one_character_are_shaded_as_one(
    run: Run,
    text: str,
    ends: list[int],
    coefficients: list[float],
    pieces: list[tuple[str, float]],
) -> None:
    found = run(
        "shadePieces(given[0], tokenEnds(given[0], given[1]), given[2])"
        ".map(({ start, end, value }) => [given[0].slice(start, end), value])",
        [text, ends, coefficients],
    )
    assert found == [list(piece) for piece in pieces]


@settings(max_examples=40, deadline=None)
@given(
    clusters=st.lists(st.sampled_from(CLUSTERS), min_size=1, max_size=8),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(-9, 9)), max_size=8),
)
def test_shaded_pieces_are_the_whole_text_and_cut_no_character(
    run: Run, clusters: list[str], cuts: list[tuple[float, int]]
) -> None:
    text = "".join(clusters)
    tokens = [*sorted((round(cut * len(text)), value) for cut, value in cuts), (len(text), 1)]
    coefficients = [value for _, value in tokens]
    pieces = run(
        "shadePieces(given[0], tokenEnds(given[0], given[1]), given[2])"
        ".map((piece) => [given[0].slice(piece.start, piece.end), piece.tokens, piece.value])",
        [text, [end for end, _ in tokens], coefficients],
    )
    assert isinstance(pieces, list)
    assert "".join(piece for piece, _, _ in pieces) == text
    edges = list(accumulate(map(len, clusters)))
    assert set(accumulate(len(piece) for piece, _, _ in pieces)) <= set(edges)
    assert {token for _, members, _ in pieces for token in members} == set(range(len(tokens)))
    for _, members, value in pieces:
        assert abs(value) == max(abs(coefficients[token]) for token in members)


@pytest.mark.parametrize(
    ("value", "largest", "strength"),
    [
        (4.2, 4.2, 8), (-4.2, 4.2, -8), (2.1, 4.2, 4), (0.2, 4.2, 0), (-0.2, 4.2, 0), (0.3, 4.2, 1),
        (0, 4.2, 0), (9, 4.2, 8), (-9, 4.2, -8), (1, 0, 0), (1e-9, 1e-9, 8),
    ],
)  # fmt: skip
def test_a_strength_is_a_share_of_the_largest_coefficient(
    run: Run, value: float, largest: float, strength: int
) -> None:
    assert run("strengthOf(...given)", [value, largest]) == strength


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (2.604, "2.604"), (-0.84, "−0.84"), (0, "0"), (4.199999809265137, "4.2"),
        (0.012345678955316544, "0.0123457"), (1234567.0, "1234570"), (-1.5e-9, "−1.5e−9"),
    ],
)  # fmt: skip
def test_a_coefficient_is_told_with_the_digits_it_has(run: Run, value: float, told: str) -> None:
    assert run("exactly(given)", value) == told
