"""Finding keys: each filter alone, all together, and text that means something to a database."""

from collections.abc import Callable

import pytest
from desk import Desk, answer, pattern
from sqlmodel import select, update

from annotations.answers import Answer
from annotations.claims import open_key
from annotations.database import session
from annotations.remarks import set_flag
from annotations.search import FoundKey, Wanted, find_keys, has_value_tokens
from annotations.store import reopen, skip
from annotations.tables import Key, Prefix
from mining.errors import AnnotationError

LAYER_0, LAYER_1 = [(0, 0), (0, 1), (0, 2)], [(1, 0), (1, 1), (1, 2)]


def do(desk: Desk, what: Callable, **how: object):
    with session(desk.engine) as s:
        return what(session=s, **how)


def key_id(desk: Desk, layer: int, key: int) -> int:
    with session(desk.engine, read_only=True) as s:
        return s.exec(select(Key.id).where(Key.layer == layer, Key.key == key)).one()


def spell(desk: Desk, place: tuple[int, int], texts: dict[int, str], tokens: str = "") -> None:
    """Let prefixes of a key read like this, by rank; and the tokens of its value."""
    number = key_id(desk, *place)
    with session(desk.engine) as s:
        for rank, text in texts.items():
            s.exec(
                update(Prefix)
                .where(Prefix.key_id == number, Prefix.rank == rank)
                .values(text=text)
            )  # fmt: skip
        s.exec(update(Key).where(Key.id == number).values(value_tokens=tokens))


def search(desk: Desk, *, viewer: int | None = None, **wanted: object) -> list[FoundKey]:
    viewer = desk.ada if viewer is None else viewer
    how = {"run_id": desk.run_id, "viewer_id": viewer, "wanted": Wanted(**wanted)}
    found, more = do(desk, find_keys, **how)
    assert not more
    return found


def places(found: list[FoundKey]) -> list[tuple[int, int]]:
    return [(key.layer, key.key) for key in found]


# Layer, status


def test_without_a_filter_every_key_is_found_by_layer_and_number(desk: Desk) -> None:
    found = search(desk, pattern="  ", trigger="", value_token=" ")
    assert places(found) == LAYER_0 + LAYER_1
    assert [key.key_id for key in found] == [key_id(desk, *place) for place in places(found)]
    assert {(key.status, key.patterns, key.flag, key.skip_reason) for key in found} == {
        ("untouched", 0, "", "")
    }


def test_keys_of_a_layer_are_found(desk: Desk) -> None:
    assert places(search(desk, layer=1)) == LAYER_1
    assert search(desk, layer=2) == []


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """Ada has done something else with each key of layer 0 and two of layer 1; Bob submits all."""
    ada = {"annotator_id": desk.ada}
    do(desk, open_key, **ada, key_id=key_id(desk, 0, 0))
    desk.save(Answer((pattern(1), pattern(2))), **ada, key_id=key_id(desk, 0, 1))
    desk.hand_in(answer(pattern(1, 2, 3)), desk.ada, key_id(desk, 0, 2))
    do(desk, skip, **ada, key_id=key_id(desk, 1, 0), reason="not English")
    desk.hand_in(answer(), desk.ada, key_id(desk, 1, 1))
    do(desk, reopen, **ada, key_id=key_id(desk, 1, 1))
    for place in ((0, 2), (1, 2)):
        do(desk, set_flag, **ada, key_id=key_id(desk, *place), reason="look here")
    for key in desk.keys:
        desk.hand_in(answer(pattern(1, 2, 3), pattern(2, 3, 4)), desk.bob, key)
        do(desk, set_flag, annotator_id=desk.bob, key_id=key, reason="Bob's")
    return desk


def test_a_status_is_ones_own(busy: Desk) -> None:
    for status, expected in (
        ("untouched", [(0, 0), (1, 2)]),  # opened only; flagged only
        ("draft", [(0, 1), (1, 1)]),
        ("submitted", [(0, 2)]),
        ("skipped", [(1, 0)]),
        ("flagged", [(0, 2), (1, 2)]),
    ):
        found = search(busy, status=status)
        assert places(found) == expected
        if status != "flagged":
            assert {key.status for key in found} == {status}


def test_what_is_found_says_what_one_has_done_with_it(busy: Desk) -> None:
    about = [(key.status, key.patterns, key.flag, key.skip_reason) for key in search(busy)]
    assert about == [
        ("untouched", 0, "", ""),
        ("draft", 2, "", ""),
        ("submitted", 1, "look here", ""),
        ("skipped", 0, "", "not English"),
        ("draft", 0, "", ""),
        ("untouched", 0, "look here", ""),
    ]


def test_a_status_that_does_not_exist_is_refused(desk: Desk) -> None:
    with pytest.raises(AnnotationError, match="no status finished"):
        search(desk, status="finished")


# Words


def test_patterns_are_found_by_words_of_ones_own_answers_whatever_their_state(desk: Desk) -> None:
    about_ships = answer(pattern(1, 2, 3), pattern(2, 3, 4, description="About SHIPS at sea"))
    desk.save(about_ships, key_id=key_id(desk, 0, 0))
    desk.hand_in(about_ships, desk.ada, key_id(desk, 0, 1))
    desk.save(about_ships, key_id=key_id(desk, 0, 2))
    own = {"annotator_id": desk.ada, "key_id": key_id(desk, 0, 2)}
    do(desk, skip, **own, reason="no idea")
    desk.save(answer(pattern(1, 2, 3)), key_id=key_id(desk, 1, 0))
    assert places(search(desk, pattern=" ships AT ")) == LAYER_0
    assert search(desk, viewer=desk.bob, pattern="ships") == []


def test_triggers_are_found_and_the_best_one_with_the_words_is_shown(desk: Desk) -> None:
    spell(desk, (0, 1), {1: "no such word", 3: "the Big ship", 4: "a big ship"})
    spell(desk, (1, 1), {5: "BIG SHIP"})
    found = search(desk, trigger="big ship ")
    assert places(found) == [(0, 1), (1, 1)]
    assert [key.trigger for key in found] == ["the Big ship", "BIG SHIP"]
    shown = {(key.layer, key.key): key.trigger for key in search(desk)}
    assert shown[0, 1] == "no such word"  # the best one of all


def test_value_tokens_are_found(desk: Desk) -> None:
    assert not do(desk, has_value_tokens, run_id=desk.run_id)
    spell(desk, (0, 2), {}, tokens=" ship\nShips\n␊")
    spell(desk, (1, 2), {}, tokens="train\n shi")
    assert do(desk, has_value_tokens, run_id=desk.run_id)
    assert not do(desk, has_value_tokens, run_id=desk.run_id + 1)
    assert places(search(desk, value_token="SHIP")) == [(0, 2)]
    assert places(search(desk, value_token="shi")) == [(0, 2), (1, 2)]
    assert search(desk, value_token="shipships") == []


def test_every_character_stands_for_itself(desk: Desk) -> None:
    words = ["100%", "a_b", "back\\slash", "50/50", "it's", '"quoted"', "元", "a\0b"]
    text = " ".join(words)
    likely = "100 a-b axb backslash back\\\\slash 5050 its quoted ab"
    for layer, description in enumerate((text.replace("\0", "␀"), likely)):
        spell(desk, (layer, 0), {2: description}, tokens=description)
        described = answer(pattern(1, 2, 3, description=description))
        desk.save(described, key_id=key_id(desk, layer, 0))
    for word in words:
        for field in ("trigger", "value_token", "pattern"):
            assert places(search(desk, **{field: word})) == [(0, 0)]
        assert search(desk, trigger=word)[0].trigger.startswith("100% a_b")


def test_a_character_that_is_nowhere_finds_nothing(desk: Desk) -> None:
    desk.save(answer(pattern(1, 2, 3)))
    spell(desk, (0, 0), {}, tokens="ab ?")
    for word in ("%", "_", "\\", "/", "a\0b", "\ud83e"):
        for field in ("trigger", "value_token", "pattern"):
            assert search(desk, **{field: word}) == []


def test_filters_are_all_to_be_met(desk: Desk) -> None:
    for place in ((0, 0), (0, 1), (1, 0), (1, 1)):
        spell(desk, place, {2: "a ship"}, tokens="sail" if place != (1, 0) else "rail")
        if place != (0, 1):
            desk.save(answer(pattern(1, 2, 3, description="boats")), key_id=key_id(desk, *place))
    desk.hand_in(answer(pattern(1, 2, 3, description="boats")), desk.ada, key_id(desk, 1, 2))
    wanted = {"pattern": "boat", "trigger": "ship", "value_token": "sail", "status": "draft"}
    assert places(search(desk, **wanted)) == [(0, 0), (1, 1)]
    assert places(search(desk, **wanted, layer=1)) == [(1, 1)]
    for without, also in {
        "pattern": [], "trigger": [], "value_token": [(1, 0)], "status": [],
    }.items():  # fmt: skip
        rest = {name: text for name, text in wanted.items() if name != without}
        assert places(search(desk, **rest)) == sorted([(0, 0), *also, (1, 1)])


# Many


def test_a_page_of_results_says_whether_there_are_more(desk: Desk) -> None:
    how = {"run_id": desk.run_id, "viewer_id": desk.ada, "wanted": Wanted()}

    def page(limit: int, offset: int) -> tuple[list[tuple[int, int]], bool]:
        found, more = do(desk, find_keys, **how, limit=limit, offset=offset)
        return places(found), more

    assert page(4, 0) == (LAYER_0 + LAYER_1[:1], True)
    assert page(4, 4) == (LAYER_1[1:], False)
    assert page(6, 0) == (LAYER_0 + LAYER_1, False)
    assert page(2, 2) == ([(0, 2), (1, 0)], True)
    assert page(4, 6) == ([], False)
