"""Who is visiting, which run they work on, and which key they look at.

All three are kept in the page's address, so that a reload, a bookmark or a second window finds
them again. Alone on a machine this is no secret; there is no sign-in to protect.
"""

import streamlit as st
from sqlalchemy import Engine

from annotations import queries, store
from annotations.database import database_url, make_engine, migrate, session
from annotations.tables import Annotator, Run
from app.plain import plain
from mining.errors import KeyholeError

_PERSON, _RUN, _KEY = "annotator", "run", "key"
LABEL_PAGE = "label page"  # where the session keeps the page that a list of keys leads to


@st.cache_resource
def engine() -> Engine:
    """The one engine of this process, its database up to date."""
    made = make_engine(database_url())
    migrate(made)
    return made


def chosen_run() -> Run | None:
    """The run in the address, or the newest; None if nothing was imported."""
    with session(engine(), read_only=True) as opened:
        runs = queries.runs(session=opened)
    named = [run for run in runs if run.name == _chosen(_RUN)]
    return next(iter(named or runs), None)


def chosen_person() -> Annotator | None:
    """The annotator in the address; None if nobody has said who they are."""
    with session(engine(), read_only=True) as opened:
        people = queries.annotators(session=opened)
    return next((person for person in people if person.name == _chosen(_PERSON)), None)


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


def remember(run: Run, person: Annotator | None) -> None:
    """Put what is chosen into the address."""
    wanted = {_RUN: run.name, _PERSON: person.name if person else None, _KEY: _chosen(_KEY)}
    kept = {name: value for name, value in wanted.items() if value is not None}
    if st.query_params.to_dict() != kept:
        st.query_params.from_dict(kept)


def _chosen(what: str) -> str | None:
    # The session knows first; the address is read when a session begins.
    if what not in st.session_state:
        st.session_state[what] = st.query_params.get(what)
    value: str | None = st.session_state[what]
    return value


def nothing_imported() -> None:
    """The page of an empty database: what to type."""
    st.title("No keys to label yet")
    st.write("Mine a model and import the run; then reload this page.")
    st.code(
        "python -m mining mine MODEL CORPUS --out RUN\npython -m annotations import RUN",
        language="shell",
    )
    st.write("To try Keyhole with the bundled model, stop the app and type `make demo`.")


def ask_who() -> None:
    """The first page of a visit: say who you are."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        st.title("Who is labelling?")
        st.write(
            "Every label is stored under a name, so that annotators can be compared. "
            "There is no password: whoever can open this page can use any name."
        )
        with session(engine(), read_only=True) as opened:
            people = queries.annotators(session=opened)
        for person in people:
            st.button(
                plain(person.name), key=f"be {person.id}", width="stretch",
                icon=":material/person:", on_click=choose_person, args=(person.name,),
            )  # fmt: skip
        with st.form("new annotator", border=bool(people)):
            name = st.text_input("Somebody new" if people else "Your name", max_chars=80)
            if st.form_submit_button("Start labelling", type="primary", width="stretch"):
                _add(name)


def _add(name: str) -> None:
    try:
        with session(engine()) as opened:
            added = store.add_annotator(session=opened, name=name).name
    except KeyholeError as mistake:
        st.error(str(mistake))
        return
    choose_person(added)
    st.rerun()
