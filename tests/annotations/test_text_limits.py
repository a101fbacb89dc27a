"""What people type: too long, blank, with control characters, or turning what is beside it."""

import pytest
from desk import Desk, answer, pattern

from annotations import queries
from annotations.answers import LONGEST_DESCRIPTION, Answer, PatternAnswer, problems
from annotations.database import session
from annotations.identities import LONGEST_EMAIL, set_identity
from annotations.people import LONGEST_NAME, add_annotator
from annotations.remarks import LONGEST_NOTE, set_flag, set_note
from annotations.search import LONGEST_WORDS, Wanted, find_keys
from annotations.store import LONGEST_REASON, skip
from mining.errors import AnnotationError

REFUSED = {
    "100,000 characters": "x" * 100_000,
    "a control character": "a\x1b[2Jb",
    "NUL": "a\0b",
    "half a character": "a\ud800b",
    "an override of direction": "a\u202eb",
    "an isolate": "a\u2066b",
}
BLANK = {"spaces": "   ", "no-break spaces": "\xa0\u3000", "joiners": "\u200b\u200d", "nothing": ""}
MARKUP = (
    "<script>alert(1)</script>", "<img/src=x/onerror=alert(1)>", "**a**", "[a](javascript:b)",
    "$x$", "'; DROP TABLE annotator; --", "=1+1", "{{x}}", "%s", ":material/home:", "&lt;b&gt;",
)  # fmt: skip
WHERE = ("name", "e-mail", "description", "note", "flag", "reason")
SCRIPTS = ("Zoë", "עברית", "علی\u200cرضا", "हिन्दी", "日本", "👩\u200d🔬")


def write(desk: Desk, where: str, text: str) -> None:
    own = {"annotator_id": desk.ada, "key_id": desk.keys[0]}
    if where == "description":
        desk.save(Answer((PatternAnswer("shallow", text, (1, 2, 3)),)))
        return
    with session(desk.engine) as s:
        if where == "name":
            add_annotator(session=s, name=text)
        if where == "e-mail":
            set_identity(session=s, name="Ada", email=text if "@" in text else f"{text}@b.de")
        if where == "note":
            set_note(session=s, **own, note=text)
        if where == "flag":
            set_flag(session=s, **own, reason=text)
        if where == "reason":
            skip(session=s, **own, reason=text)


@pytest.mark.parametrize("where", WHERE)
def test_what_cannot_be_shown_as_written_is_refused_in_one_line(desk: Desk, where: str) -> None:
    for text in REFUSED.values():
        with pytest.raises(AnnotationError) as caught:
            write(desk, where, text)
        assert len(str(caught.value)) < 200
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("where", ["name", "description", "note", "flag", "reason"])
def test_every_script_may_be_written(desk: Desk, where: str) -> None:
    for number, text in enumerate(SCRIPTS):
        if where == "description":
            desk.save(answer(pattern(1, 2, 3, description=text)), sequence=number)
        else:
            write(desk, where, text)


@pytest.mark.parametrize("where", ["name", "description", "note", "flag", "reason"])
def test_markup_is_text_like_any_other(desk: Desk, where: str) -> None:
    for number, text in enumerate(MARKUP):
        if where == "description":
            desk.save(answer(pattern(1, 2, 3, description=text)), sequence=number)
        else:
            write(desk, where, text)
        assert text in kept(desk, where)


def kept(desk: Desk, where: str) -> list[str]:
    with session(desk.engine, read_only=True) as s:
        if where == "name":
            return [person.name for person in queries.annotators(session=s)]
        own = queries.stored_answer(session=s, annotator_id=desk.ada, key_id=desk.keys[0])
    if where == "description":
        return [entry.description for entry in own.answer.patterns]
    return [{"note": own.note, "flag": own.flag, "reason": own.skip_reason}[where]]


@pytest.mark.parametrize("where", ["name", "e-mail", "reason"])
def test_what_shows_nothing_is_no_name_no_address_and_no_reason(desk: Desk, where: str) -> None:
    for text in BLANK.values():
        with pytest.raises(AnnotationError):
            write(desk, where, text)


@pytest.mark.parametrize("text", BLANK.values(), ids=BLANK.keys())
def test_what_shows_nothing_is_no_description_and_takes_a_flag_away(desk: Desk, text: str) -> None:
    assert "no description" in problems(answer(pattern(1, 2, 3, description=text)))[0]
    write(desk, "flag", "look")
    write(desk, "flag", text)
    with session(desk.engine, read_only=True) as s:
        own = {"annotator_id": desk.ada, "key_id": desk.keys[0]}
        assert queries.stored_answer(session=s, **own).flag == ""


@pytest.mark.parametrize(
    ("where", "longest"),
    [
        ("name", LONGEST_NAME), ("description", LONGEST_DESCRIPTION), ("note", LONGEST_NOTE),
        ("flag", LONGEST_REASON), ("reason", LONGEST_REASON), ("e-mail", LONGEST_EMAIL - 5),
    ],
)  # fmt: skip
def test_the_longest_text_is_taken_and_one_character_more_is_not(
    desk: Desk, where: str, longest: int
) -> None:
    write(desk, where, "x" * longest)
    with pytest.raises(AnnotationError):
        write(desk, where, "y" * (longest + 1))


def test_names_that_look_alike_are_one(desk: Desk) -> None:
    for name in ("ADA", "A\u200dda", "Ａｄａ"):
        with pytest.raises(AnnotationError, match="already somebody called Ada"):
            write(desk, "name", name)


def test_a_text_stored_long_ago_can_still_be_read() -> None:
    assert PatternAnswer("shallow", "a\u202eb", (1,)).description == "a\u202eb"


def test_a_search_is_as_long_as_a_database_can_compare(desk: Desk) -> None:
    with session(desk.engine, read_only=True) as s:
        looking = {"session": s, "run_id": desk.run_id, "viewer_id": desk.ada}
        assert find_keys(**looking, wanted=Wanted(trigger="x" * LONGEST_WORDS)) == ([], False)
        with pytest.raises(AnnotationError, match="100,000 characters"):
            find_keys(**looking, wanted=Wanted(trigger="x" * 100_000))


def test_nobody_has_a_name_that_no_database_can_take(desk: Desk) -> None:
    with session(desk.engine, read_only=True) as s:
        assert queries.annotator_named(session=s, name="a\0\ud800") is None
