"""Whoever is signed in, in the sidebar: their password, and the ways out."""

from html import escape

import streamlit as st

from annotations import accounts, passwords
from annotations.database import session
from annotations.passwords import SHORTEST
from annotations.tables import Annotator
from app import sign_in, visit
from app.door import form_token
from app.plain import plain
from app.settings import PASSWORDS
from mining.errors import AnnotationError

_PANEL = "account"
_OLD, _NEW, _AGAIN = "old password", "new password", "new password again"
# The form is the browser's own, since only the server's answer can take a cookie back; it looks
# like the app's buttons beside it.
_LEAVE = """
<style>
.kh-leave button {{font: inherit; font-size: .875rem; color: inherit; background: transparent;
  border: 1px solid color-mix(in srgb, currentColor 22%, transparent); border-radius: .5rem;
  width: 100%; min-height: 2.5rem; cursor: pointer; display: flex; gap: .5rem;
  align-items: center; justify-content: center;}}
.kh-leave span {{font: 1.25em "Material Symbols Rounded";}}
.kh-leave button:hover {{border-color: #0072B2;}}
.kh-leave button:focus-visible {{outline: 2px solid #0072B2; outline-offset: 2px;}}
</style>
<form class="kh-leave" method="post" action="/sign-out" target="_self">
<input type="hidden" name="form" value="{token}"><button type="submit">
<span aria-hidden="true">logout</span>Sign out</button></form>
"""


def show(person: Annotator, about_run: str) -> None:
    """Two lines: who is here, which opens the account, and the way out."""
    account = st.expander(
        plain(person.name), icon=":material/person:", key=_PANEL, on_change="rerun"
    )
    _way_out()
    if account.open:
        with account:
            _account(person, about_run)


def _way_out() -> None:
    if sign_in.mode() == PASSWORDS:
        st.html(_LEAVE.format(token=escape(form_token(sign_in.token() or ""))))
    else:
        st.button("Sign out", icon=":material/logout:", width="stretch", on_click=st.logout)


def _account(person: Annotator, about_run: str) -> None:
    st.markdown(
        f"You are signed in as **{plain(person.name)}**, {role_in_words(person.role)}. {about_run}"
    )
    if sign_in.mode() == PASSWORDS:
        _change(person)
    st.button(
        "Sign out everywhere", icon=":material/devices_off:", width="stretch",
        on_click=_everywhere, args=(person,),
        help="In every browser and window, this one too. Use it when a device was lost.",
    )  # fmt: skip


def role_in_words(role: str) -> str:
    """With its article."""
    return f"a{'n' * (role[0] in 'aeiou')} {role}"


def _change(person: Annotator) -> None:
    with st.form("change password", border=False):
        st.text_input("Password now", type="password", key=_OLD, autocomplete="current-password")
        st.text_input(
            "New password", type="password", key=_NEW, autocomplete="new-password",
            help=f"At least {SHORTEST} characters.",
        )  # fmt: skip
        st.text_input("The same again", type="password", key=_AGAIN, autocomplete="new-password")
        st.form_submit_button(
            "Change the password", width="stretch", on_click=_store, args=(person,),
            help="Wherever else you are signed in, that ends.",
        )  # fmt: skip


def _store(person: Annotator) -> None:
    assert person.id is not None
    given = [str(st.session_state.get(name, "")) for name in (_OLD, _NEW, _AGAIN)]
    if given[1] != given[2]:
        visit.leave_toast("The two new passwords differ; type the same one twice.", "error")
        return
    try:
        passwords.change_password(
            engine=visit.engine(), annotator_id=person.id, old=given[0], new=given[1],
            token=sign_in.token(),
        )  # fmt: skip
    except AnnotationError as mistake:
        visit.leave_toast(plain(str(mistake)), "error")
        return
    for name in (_OLD, _NEW, _AGAIN):
        st.session_state[name] = ""
    st.session_state[_PANEL] = False
    sign_in.forget()
    visit.leave_toast("Your password is changed.", "check")


def _everywhere(person: Annotator) -> None:
    assert person.id is not None
    try:
        with session(visit.engine()) as opened:
            accounts.sign_out_everywhere(session=opened, annotator_id=person.id, by=person.id)
    except AnnotationError as mistake:
        visit.leave_toast(plain(str(mistake)), "error")
        return
    sign_in.forget()
