"""Users, for leads: who is here, in which role, and how they come in.

Each right is checked where it is used; this page shows what was refused.
"""

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import streamlit as st

from annotations import accounts, identities, invitations, people
from annotations.accounts import Account
from annotations.database import session
from annotations.invitations import INVITATION_DAYS
from annotations.tables import ANNOTATOR, LEAD, MACHINE, Annotator
from app import sign_in, visit
from app.account import role_in_words
from app.plain import plain
from app.settings import NONE, OIDC, PASSWORDS
from mining.errors import AnnotationError

_LINK = "invitation"
_HOW = {
    NONE: "This server asks for no sign-in: whoever opens it says who they are.",
    OIDC: "People sign in at your identity provider, which knows them by their e-mail address.",
    PASSWORDS: "People sign in with a name and a password, which they choose when they open an"
    f" invitation. It works once, within {INVITATION_DAYS} days.",
}
Change = Callable[..., object]  # takes a session


def page(lead: Annotator) -> None:
    """Everybody, a line each, and somebody new."""
    assert lead.id is not None
    with session(visit.engine(), read_only=True) as opened:
        everybody = accounts.listing(session=opened, lead_id=lead.id)
    st.title("Users")
    st.write(_HOW[sign_in.mode()])
    # Always there, so that what is below keeps its place: moved, it would be there twice a moment.
    with st.container():
        _invitation()
    _add(lead)
    for account in everybody:
        _row(lead, account)


def _invitation() -> None:
    """A link that was just made; it can be shown no second time."""
    if _LINK not in st.session_state:
        return
    name, link = st.session_state[_LINK]
    with st.container(border=True):
        st.markdown(
            f":material/mail: The invitation for **{plain(name)}**. Send it to them alone: whoever"
            " opens it first chooses the password. It is not shown again."
        )
        st.code(link, language=None, wrap_lines=True)
        st.button("Done", on_click=st.session_state.pop, args=(_LINK,))


def _add(lead: Annotator) -> None:
    by_email = sign_in.mode() == OIDC
    with st.form("add user", clear_on_submit=False):
        widths = [2, *([2] if by_email else []), 1, 1]
        name, *email, role, action = st.columns(widths, vertical_alignment="bottom")
        name.text_input("Name", key="new name", max_chars=people.LONGEST_NAME)
        if by_email:
            email[0].text_input("E-mail address", key="new email")
        role.selectbox("Role", [ANNOTATOR, LEAD], key="new role")
        action.form_submit_button(
            "Add and invite" if sign_in.mode() == PASSWORDS else "Add",
            type="primary", width="stretch", on_click=_store_new, args=(lead,),
        )  # fmt: skip


def _row(lead: Annotator, account: Account) -> None:
    """A line: the name, the role, the way in; opened, what can be changed."""
    line = f"**{plain(account.name)}** {_badges(account)} {plain(_ways_in(account))}"
    if account.role == MACHINE:
        st.markdown(f":material/smart_toy: {line}")
        return
    # No popover: what closes one by a click on a link elsewhere keeps the page from changing.
    opened = st.expander(
        line, key=_expander(account.id), on_change="rerun",
        icon=":material/person:" if account.active else ":material/person_off:",
    )  # fmt: skip
    if opened.open:
        with opened:
            _changes(lead, account)


def _badges(account: Account) -> str:
    role = f":{'blue' if account.role == LEAD else 'gray'}-badge[{account.role}]"
    return role if account.active else f"{role} :orange-badge[:material/block: deactivated]"


def _ways_in(account: Account) -> str:
    found = []
    if sign_in.mode() == OIDC:
        found.append(account.email or "no e-mail address yet")
    elif sign_in.mode() == PASSWORDS:
        found.append("has a password" if account.has_password else "no password yet")
        if account.invited_until is not None:
            found.append(f"invited until {account.invited_until:%Y-%m-%d}")
    if account.last_seen is not None:
        found.append(f"last here {account.last_seen:%Y-%m-%d}")
    return " · ".join(found)


def _changes(lead: Annotator, account: Account) -> None:
    """What can be changed about somebody, by the way they sign in."""
    name, number = account.name, account.id
    other = ANNOTATOR if account.role == LEAD else LEAD
    _button(
        account, f"Make {name} {role_in_words(other)}", "swap_vert", f"{name} is {other} now.",
        partial(people.set_role, name=name, role=other, lead_id=lead.id),
    )  # fmt: skip
    if sign_in.mode() == OIDC:
        with st.form(f"email form {number}", border=False):
            st.text_input("E-mail address", account.email or "", key=f"email {number}")
            st.form_submit_button(
                "Save the address", width="stretch", on_click=_store_email, args=(lead, account)
            )
    if sign_in.mode() == PASSWORDS and account.active:
        st.button(
            "New invitation", icon=":material/mail:", width="stretch", key=f"invite {number}",
            on_click=_invite, args=(lead, account),
            help="A link with which they choose a password; older ones end.",
        )  # fmt: skip
    if sign_in.mode() != NONE and account.active:
        _button(
            account, "Sign out everywhere", "devices_off", f"{name} is signed out everywhere.",
            partial(accounts.sign_out_everywhere, annotator_id=number, by=lead.id),
        )  # fmt: skip
    active = account.active
    _button(
        account, "Deactivate" if active else "Activate", "block" if active else "check",
        f"{name} is {'deactivated; what they labelled stays' if active else 'active again'}.",
        partial(accounts.set_active, name=name, active=not active, lead_id=lead.id),
    )  # fmt: skip


def _button(account: Account, label: str, icon: str, said: str, change: Change) -> None:
    st.button(
        plain(label), icon=f":material/{icon}:", width="stretch", key=f"{icon} {account.id}",
        on_click=_store, args=(account, change, said),
    )  # fmt: skip


def _store(account: Account, change: Change, said: str) -> None:
    """Make a change in one transaction, and say so or why not."""
    try:
        with session(visit.engine()) as opened:
            change(session=opened)
    except AnnotationError as mistake:
        visit.leave_toast(plain(str(mistake)), "error")
        return
    visit.people_changed()
    visit.leave_toast(plain(said), "check")
    st.session_state[_expander(account.id)] = False


def _store_new(lead: Annotator) -> None:
    name, role = str(st.session_state["new name"]), str(st.session_state["new role"])
    email = str(st.session_state.get("new email", "")).strip()
    token = ""
    try:
        with session(visit.engine()) as opened:
            added = people.add_annotator(session=opened, name=name, role=role, lead_id=lead.id)
            name = added.name
            if email:
                identities.set_identity(session=opened, name=name, email=email, lead_id=lead.id)
            if sign_in.mode() == PASSWORDS:
                token = invitations.invite(session=opened, name=name, lead_id=lead.id)
    except AnnotationError as mistake:
        visit.leave_toast(plain(str(mistake)), "error")
        return
    _remember_link(name, token)
    for field in ("new name", "new email"):
        if field in st.session_state:
            st.session_state[field] = ""
    visit.people_changed()
    visit.leave_toast(f"{plain(name)} is added.", "check")


def _store_email(lead: Annotator, account: Account) -> None:
    email = str(st.session_state[f"email {account.id}"]).strip() or None
    _store(
        account,
        partial(identities.set_identity, name=account.name, email=email, lead_id=lead.id),
        f"{account.name} comes {f'as {email}' if email else 'without an address'} from now on.",
    )


def _invite(lead: Annotator, account: Account) -> None:
    try:
        with session(visit.engine()) as opened:
            token = invitations.invite(session=opened, name=account.name, lead_id=lead.id)
    except AnnotationError as mistake:
        visit.leave_toast(plain(str(mistake)), "error")
        return
    _remember_link(account.name, token)
    st.session_state[_expander(account.id)] = False


def _remember_link(name: str, token: str) -> None:
    """Kept for the page until it is left alone: only a hash of the token is stored."""
    if token:
        st.session_state[_LINK] = (name, f"{_site()}/invitation?token={token}")


def _expander(number: int) -> str:
    return f"change {number}"


def _site() -> str:
    """Where people open this server, as far as this window knows."""
    if sign_in.public_url():
        return sign_in.public_url()
    here = urlsplit(st.context.url or "")
    return f"{here.scheme}://{here.netloc}"
