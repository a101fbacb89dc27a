"""Who is visiting, which run they work on, and which key they look at.

All three are kept in the page's address, so that a reload, a bookmark or a second window finds
them again. Where people sign in (`sign_in.py`), that alone says who they are: the address names
nobody, and whoever is named in it all the same is not looked at.
"""

import time

import streamlit as st
from sqlalchemy import Engine

from annotations import people, queries
from annotations.database import session
from annotations.queries import KeyPage, LayerProgress
from annotations.tables import Annotator, Run
from app import sign_in, storage
from app.settings import NONE

_PERSON, _RUN, _KEY = "annotator", "run", "key"
LABEL_PAGE = "label page"  # where the session keeps the page that a list of keys leads to
_NOTICE, _TOAST, _HERE, _PROGRESS = "notice", "toast", "here", "progress"
_CACHED_KEYS = 2_000
_FRESH = 5.0  # seconds that another process's change of people and runs may go unseen
_PROGRESS_FRESH = 60.0  # another window's work


def engine() -> Engine:
    """The database, for whoever is signed in still; in any other window the page is drawn anew."""
    sign_in.check()
    return storage.engine()


@st.cache_resource(max_entries=_CACHED_KEYS, ttl=300, show_spinner=False)
def key_page(key_id: int) -> KeyPage:
    """A key with its prefixes, which never change but for what an import adds to them."""
    with session(storage.engine(), read_only=True) as opened:
        return queries.key_page(session=opened, key_id=key_id)


@st.cache_resource(ttl=_FRESH, show_spinner=False)
def runs() -> list[Run]:
    """The imported runs, newest first."""
    with session(storage.engine(), read_only=True) as opened:
        return queries.runs(session=opened)


@st.cache_resource(max_entries=_CACHED_KEYS, ttl=_FRESH, show_spinner=False)
def _person(name: str) -> Annotator | None:
    with session(storage.engine(), read_only=True) as opened:
        return queries.annotator_named(session=opened, name=name)


def chosen_person() -> Annotator | None:
    """Whoever is signed in or, where nobody does, is named in the address; None: nobody yet.

    AnnotationError for somebody whom an identity provider knows and this server lets in no further.
    """
    if sign_in.mode() != NONE:
        return sign_in.person()
    name = _chosen(_PERSON)
    return None if name is None else _person(name)


def people_changed() -> None:
    """Somebody was added, or is another in some way: look everybody up anew."""
    _person.clear()
    sign_in.forget()


def set_shading(person: Annotator, on: bool) -> None:
    """Remember whether this person wants prefixes shaded."""
    assert person.id is not None
    with session(engine()) as opened:
        people.set_shading(session=opened, annotator_id=person.id, on=on)
    people_changed()


def progress(run: Run, person: Annotator) -> list[LayerProgress]:
    """How far this person is, layer by layer; counted anew after `progress_changed`."""
    about = (run.id, person.id)
    known = st.session_state.get(_PROGRESS)
    if known is None or known[0] != about or time.monotonic() - known[1] > _PROGRESS_FRESH:
        assert run.id is not None and person.id is not None
        with session(engine(), read_only=True) as opened:
            counted = queries.progress(session=opened, run_id=run.id, annotator_id=person.id)
        st.session_state[_PROGRESS] = (about, time.monotonic(), counted)
        return counted
    layers: list[LayerProgress] = known[2]
    return layers


def progress_changed() -> None:
    """This person has begun, submitted, skipped or reopened a key."""
    st.session_state.pop(_PROGRESS, None)


def chosen_run() -> Run | None:
    """The run in the address, or the newest; None if nothing was imported."""
    found = runs()
    named = [run for run in found if run.name == _chosen(_RUN)]
    return next(iter(named or found), None)


def arrive(run: Run, person: Annotator) -> None:
    """Remember for this rerun who is where; pages ask `here`."""
    st.session_state[_HERE] = (run, person)
    remember(run, person)


def here() -> tuple[Run, Annotator]:
    """The run and the person of this page."""
    run, person = st.session_state[_HERE]
    return run, person


def leave_notice(text: str) -> None:
    """Say in the grid, at the next rerun, why a change was refused."""
    st.session_state[_NOTICE] = text


def leave_toast(text: str, icon: str) -> None:
    """Say in passing what was done, when the page is next drawn: a callback may draw nothing."""
    st.session_state[_TOAST] = (text, icon)


def show_toast() -> None:
    """Show what `leave_toast` left, once."""
    if _TOAST in st.session_state:
        text, icon = st.session_state.pop(_TOAST)
        st.toast(text, icon=f":material/{icon}:")


def take_notice() -> str | None:
    """What `leave_notice` left, once."""
    notice: str | None = st.session_state.pop(_NOTICE, None)
    return notice


def chosen_key() -> int | None:
    """The id of the key in the address, if there is one."""
    given = _chosen(_KEY)
    return int(given) if given is not None and given.isdecimal() and len(given) < 10 else None


def choose_run(name: str) -> None:
    """Work on another run from now on."""
    st.session_state[_RUN] = name
    choose_key(None)


def choose_person(name: str | None) -> None:
    """Be somebody else from now on, or nobody."""
    st.session_state[_PERSON] = name
    choose_key(None)


def choose_key(key_id: int | None) -> None:
    """Look at this key from now on; None: at the next one in the queue."""
    st.session_state[_KEY] = None if key_id is None else str(key_id)


def show_key(run: Run, person: Annotator, key_id: int) -> None:
    """Look at this key from now on, and say so in the address at once."""
    if chosen_key() != key_id:
        choose_key(key_id)
        remember(run, person)


def remember(run: Run, person: Annotator | None) -> None:
    """Put what is chosen into the address."""
    named = person.name if person and sign_in.mode() == NONE else None
    wanted = {_RUN: run.name, _PERSON: named, _KEY: _chosen(_KEY)}
    kept = {name: value for name, value in wanted.items() if value is not None}
    if st.query_params.to_dict() != kept:
        st.query_params.from_dict(kept)


def _chosen(what: str) -> str | None:
    # The session knows first; the address is read when a session begins.
    if what not in st.session_state:
        st.session_state[what] = st.query_params.get(what)
    value: str | None = st.session_state[what]
    return value
