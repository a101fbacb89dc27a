"""What is shown before there is anything to label or anybody to label it: say who you are."""

import streamlit as st

from annotations import people, queries
from annotations.database import session
from annotations.tables import MACHINE
from app import sign_in, visit
from app.plain import plain
from app.settings import NONE, OIDC
from mining.errors import KeyholeError


def nothing_imported() -> None:
    """The page of an empty database: what to type."""
    st.title("No keys to label yet")
    st.write("Mine a model and import the run; then reload this page.")
    st.code(
        "python -m mining mine MODEL CORPUS --out RUN\npython -m annotations import RUN",
        language="shell",
    )
    st.write("To try Keyhole with the bundled model, stop the app and type `make demo`.")


def ask(refused: str) -> None:
    """Ask who is there; `refused` is why somebody was not let in."""
    _, middle, _ = st.columns([1, 2, 1])
    with middle:
        if sign_in.mode() == NONE:
            _who()
        elif sign_in.mode() != OIDC:
            _signed_out()
        elif refused:
            _not_let_in(refused)
        else:
            _provider()


def _who() -> None:
    st.title("Who is labelling?")
    st.write(
        "Every label is stored under a name, so that annotators can be compared. "
        "There is no password: whoever can open this page can use any name."
    )
    with session(visit.engine(), read_only=True) as opened:
        everybody = queries.annotators(session=opened)
    known = [person for person in everybody if person.role != MACHINE and person.active]
    for person in known:
        st.button(
            plain(person.name), key=f"be {person.id}", width="stretch",
            icon=":material/person:", on_click=visit.choose_person, args=(person.name,),
        )  # fmt: skip
    with st.form("new annotator", border=bool(known)):
        name = st.text_input("Somebody new" if known else "Your name", max_chars=80)
        if st.form_submit_button("Start labelling", type="primary", width="stretch"):
            _add(name)


def _add(name: str) -> None:
    try:
        with session(visit.engine()) as opened:
            added = people.add_annotator(session=opened, name=name, themself=True).name
    except KeyholeError as mistake:
        st.error(plain(str(mistake)))
        return
    visit.people_changed()
    visit.choose_person(added)
    st.rerun()


def _provider() -> None:
    st.title("Sign in to Keyhole")
    st.write("You are asked who you are by your organisation's own page, and come back here.")
    _sign_in_button("Sign in")


def _not_let_in(reason: str) -> None:
    claims = st.user.to_dict()
    came_as = claims.get("email") or claims.get("name") or claims.get("sub") or "somebody"
    st.title("You are not let in")
    st.text(f"You came as {came_as}.")
    st.warning(plain(reason), icon=":material/lock:")
    st.write(
        "If this is the wrong account, sign out and come as somebody else. If it is the right one,"
        " a lead of this Keyhole can add it or let it in again."
    )
    st.button(
        "Sign out", icon=":material/logout:", type="primary", width="stretch", on_click=st.logout,
        key="leave",
    )  # fmt: skip
    st.button("Try again", icon=":material/refresh:", width="stretch", on_click=_again)


def _again() -> None:
    sign_in.forget()
    st.login()


def _sign_in_button(label: str) -> None:
    st.button(label, icon=":material/login:", type="primary", width="stretch", on_click=st.login)


def _signed_out() -> None:
    """A window that was open when its sign-in ended; a new one meets the door before this page."""
    st.title("You are signed out")
    st.write("What you labelled is stored. Sign in again to go on where you were.")
    st.html(
        "<a href='/sign-in' target='_self' style='display:block; text-align:center; color:#FFFFFF;"
        " background:#0072B2; border-radius:.5rem; padding:.5rem; font-weight:600;"
        " text-decoration:none'>Sign in</a>"
    )
