"""Who may label: names that are shown, told apart, and taken once."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from annotations.database import session
from annotations.people import add_annotator
from annotations.tables import Annotator
from mining.errors import AnnotationError

MOMENT = 0.3  # seconds in which an unhindered second writer would be done


def test_an_annotator_is_kept_under_the_name_without_outer_spaces(engine: Engine) -> None:
    with session(engine) as s:
        added = add_annotator(session=s, name="  Ada Lovelace ", role="lead")
    assert (added.name, added.role, added.id) == ("Ada Lovelace", "lead", 1)


@pytest.mark.parametrize("taken", ["Zoë", "zoë", "ZOË", "  Zoë", "Zoe\u0308"])
def test_a_name_is_taken_whatever_its_case_or_spelling(engine: Engine, taken: str) -> None:
    with session(engine) as s:
        add_annotator(session=s, name="Zoë")
    with pytest.raises(AnnotationError, match="already somebody called Zoë"), session(engine) as s:
        add_annotator(session=s, name=taken)


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "two\nlines", "a\0b", "\ud83e", "\u202eadA"])
def test_a_name_that_cannot_be_shown_is_refused(engine: Engine, name: str) -> None:
    with pytest.raises(AnnotationError), session(engine) as s:
        add_annotator(session=s, name=name)


def test_a_role_that_does_not_exist_is_refused(engine: Engine) -> None:
    with pytest.raises(AnnotationError, match="annotator, lead or machine"), session(engine) as s:
        add_annotator(session=s, name="Ada", role="boss")


def test_two_people_cannot_take_one_name_in_the_same_moment(engine: Engine) -> None:
    def join(name: str) -> None:
        with session(engine) as s:
            add_annotator(session=s, name=name)

    with ThreadPoolExecutor() as pool:
        with session(engine) as s:
            add_annotator(session=s, name="Ada")
            late = pool.submit(join, "ADA")
            wait([late], timeout=MOMENT)
        with pytest.raises(AnnotationError, match="already somebody called Ada"):
            late.result()


def test_the_time_of_joining_is_the_present(engine: Engine) -> None:
    with session(engine) as s:
        add_annotator(session=s, name="Ada")
    with session(engine, read_only=True) as s:
        joined = s.exec(select(Annotator.created_at)).one()
    assert timedelta() <= datetime.now(UTC) - joined < timedelta(minutes=1)
