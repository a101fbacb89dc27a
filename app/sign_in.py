"""Who is signed in: asked anew at every rerun, and before a page reads or writes anything.

A server has one way in, chosen at its start (`python -m app --sign-in`). With `none` people say who
they are (`visit.py`). With `oidc` an identity provider says it, through Streamlit's `st.login`;
with `passwords` a cookie does, which the server's own pages set (`door.py`). What either says is
looked up in the database at most every few seconds, so that a window which is still open ends soon
after its person was signed out or deactivated.
"""

import os
from datetime import UTC, datetime

import streamlit as st

from annotations import identities, sign_ins
from annotations.tables import Annotator
from app import storage
from app.settings import MODE, NONE, PASSWORDS, URL
from mining.errors import AnnotationError

_FRESH = 5.0  # seconds that an end decided elsewhere may go unseen
_MOST = 2_000  # people remembered at a time
_WHOSE = "whose session"


def mode() -> str:
    """How people sign in to this server."""
    return os.environ.get(MODE) or NONE


def public_url() -> str:
    """The address that people open, without a slash at its end; empty where nobody said."""
    return os.environ.get(URL, "")


def cookie_name() -> str:
    """Of the cookie that holds a password's sign-in; bound to this very host under https."""
    return f"{'__Host-' if public_url().startswith('https://') else ''}keyhole_sign_in"


def token() -> str | None:
    """What this window's browser has of a password's sign-in."""
    return st.context.cookies.get(cookie_name())


def by_token(given: str | None) -> Annotator | None:
    """Whose sign-in by password this is, if it is one and not over."""
    return None if given is None else _by_token(given)


def person() -> Annotator | None:
    """Whoever is signed in in this window. AnnotationError: why a provider's word is not enough.

    A browser may come back as somebody else; what the session holds of the first is dropped then.
    """
    found = by_token(token()) if mode() == PASSWORDS else _by_provider()
    if found is not None:
        if st.session_state.get(_WHOSE, found.id) != found.id:
            st.session_state.clear()
        st.session_state[_WHOSE] = found.id
    return found


def check() -> None:
    """Go no further in a window whose sign-in is over or somebody else's: draw the page anew.

    Streamlit runs a fragment and a button's callback before anything that the frame could ask.
    """
    if mode() == NONE:
        return
    try:
        found = by_token(token()) if mode() == PASSWORDS else _by_provider()
    except AnnotationError:
        found = None
    if found is None or st.session_state.get(_WHOSE) != found.id:
        st.rerun()


def forget() -> None:
    """Look everybody up anew: a sign-in has ended, or a person has changed."""
    _by_token.clear()
    _by_claims.clear()


@st.cache_resource(max_entries=_MOST, ttl=_FRESH, show_spinner=False)
def _by_token(given: str) -> Annotator | None:
    return sign_ins.signed_in(engine=storage.engine(), token=given)


def _by_provider() -> Annotator | None:
    if not st.user.is_logged_in:
        return None
    claims = st.user.to_dict()
    return _by_claims(
        str(claims.get("iss", "")), str(claims.get("sub", "")), _text(claims.get("email")),
        _truth(claims.get("email_verified")), claims.get("iat"),
    )  # fmt: skip


@st.cache_resource(max_entries=_MOST, ttl=_FRESH, show_spinner=False)
def _by_claims(
    issuer: str, subject: str, email: str | None, verified: bool | None, issued: object
) -> Annotator:
    moment = datetime.fromtimestamp(issued, UTC) if isinstance(issued, int | float) else None
    return identities.person_of(
        engine=storage.engine(), issuer=issuer, subject=subject, email=email,
        email_verified=verified, issued_at=moment,
    )  # fmt: skip


def _text(claim: object) -> str | None:
    return claim if isinstance(claim, str) else None


def _truth(claim: object) -> bool | None:
    """Some providers write the word; whatever else stands there is no yes."""
    return None if claim is None else claim is True or claim == "true"
