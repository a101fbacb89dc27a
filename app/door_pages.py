"""The pages at the door as HTML: sign in, accept an invitation. No script, nothing from elsewhere.

They look like the app, whose colours they take from its theme, and hold together at any width.
"""

from html import escape
from pathlib import Path

import streamlit as st
from starlette.responses import HTMLResponse

from annotations.invitations import INVITATION_DAYS
from annotations.passwords import SHORTEST
from app import brand
from app.headers import digest_of

_LAYOUT = """
*, ::before {box-sizing: border-box;}
body {margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  background: var(--back); color: var(--text); font: 15px/1.5 "Source Sans", system-ui, sans-serif;}
main {width: min(24rem, 100%); overflow-wrap: anywhere;}
img {height: 2rem; margin-bottom: 1.5rem; display: block;}
h1 {font-size: 1.75rem; line-height: 1.2; font-weight: 650; margin: 0 0 .5rem;}
p {margin: 0 0 1rem;}
form {display: grid; gap: 1rem; margin-top: 1.5rem;}
label {display: grid; gap: .25rem; font-size: .93rem;}
input {font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--faint);
  border-radius: .5rem; padding: .5rem .75rem; min-height: 2.7rem; width: 100%;}
button {font: inherit; font-weight: 600; color: #FFFFFF; background: var(--primary);
  border: 1px solid var(--primary); border-radius: .5rem; min-height: 2.7rem; cursor: pointer;}
button:hover {filter: brightness(.92);}
:focus-visible {outline: 2px solid var(--focus); outline-offset: 2px;}
small {font-size: .87rem; color: var(--faint);}
a {color: var(--focus);}
.foot {margin: 1.5rem 0 0;}
[role=alert] {border-left: 4px solid var(--alarm); background: var(--panel);
  border-radius: .25rem; padding: .6rem .75rem; margin-top: 1rem;}
"""
_SCHEME = (
    ":root {{--back: {back}; --panel: {panel}; --text: {text};"
    " --primary: {primary}; --focus: {focus}; --alarm: #D55E00;"
    " --faint: color-mix(in srgb, {text} 75%, {back}); color-scheme: {scheme};}}"
)


def sign_in(*, form_token: str, to: str, name: str = "", problem: str = "") -> HTMLResponse:
    """The form for name and password; `to` is where it leads."""
    return _page(
        "Sign in",
        f"""<p>Keyhole knows you by the name that a lead gave you.</p>{_alert(problem)}
<form method="post" action="/sign-in">{_hidden("form", form_token)}{_hidden("to", to)}
<label>Name <input name="name" value="{escape(name)}" autocomplete="username" required
  autocapitalize="none" spellcheck="false"{"" if name else " autofocus"}></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required
  {"autofocus" if name else ""}></label>
<button>Sign in</button></form>
<p class="foot"><small>No password yet, or forgotten? A lead can send you an invitation, with which
you choose one.</small></p>""",
        status=422 if problem else 200,
    )


def invitation(*, form_token: str, token: str, name: str, problem: str = "") -> HTMLResponse:
    """The form in which somebody who was invited chooses a password."""
    return _page(
        "Choose a password",
        f"""<p>Welcome to Keyhole, <b>{escape(name)}</b>. From now on you sign in with this name and
the password that you choose here.</p>{_alert(problem)}
<form method="post" action="/invitation">{_hidden("form", form_token)}{_hidden("token", token)}
<input name="name" value="{escape(name)}" autocomplete="username" hidden>
<label>Password <input name="password" type="password" autocomplete="new-password" required
  minlength="{SHORTEST}" autofocus aria-describedby="rule"></label>
<small id="rule">At least {SHORTEST} characters. A few words in a row are easy to keep in
mind.</small>
<label>The same again <input name="again" type="password" autocomplete="new-password"
  required></label>
<button>Start labelling</button></form>""",
        status=422 if problem else 200,
    )


def refused(title: str, reason: str, status: int) -> HTMLResponse:
    """What could not be done, and the way back to the door."""
    return _page(
        title, f'{_alert(reason)}<p class="foot"><a href="/sign-in">Sign in</a></p>', status
    )


def no_invitation(reason: str) -> HTMLResponse:
    """An invitation that invites nobody."""
    held = f"An invitation can be used once, within {INVITATION_DAYS} days."
    return refused("No invitation", f"{reason} {held}", 410)


def _alert(problem: str) -> str:
    return f'<div role="alert">{escape(problem)}</div>' if problem else ""


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def _page(title: str, body: str, status: int) -> HTMLResponse:
    style = _style()
    return HTMLResponse(
        f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)} · Keyhole</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="{brand.ICON}"><style>{style}</style></head>
<body><main><img src="{brand.LOGO}" alt="Keyhole"><h1>{escape(title)}</h1>{body}</main></body>
</html>""",
        status_code=status,
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": f"default-src 'none'; style-src '{digest_of(style)}';"
            " img-src data:; font-src 'self'; form-action 'self'; base-uri 'none';"
            " frame-ancestors 'none'",
            # A token in the address is told to nobody, not even to this server.
            "Referrer-Policy": "strict-origin",
        },
    )


def _style() -> str:
    light, dark = (
        _SCHEME.format(
            scheme=scheme,
            back=st.get_option(f"theme.{scheme}.backgroundColor"),
            panel=st.get_option(f"theme.{scheme}.secondaryBackgroundColor"),
            text=st.get_option(f"theme.{scheme}.textColor"),
            primary=st.get_option(f"theme.{scheme}.primaryColor"),
            focus=st.get_option(f"theme.{scheme}.linkColor")
            or st.get_option(f"theme.{scheme}.primaryColor"),
        )
        for scheme in ("light", "dark")
    )
    return f"{_font()}{light} @media (prefers-color-scheme: dark) {{{dark}}}{_LAYOUT}"


def _font() -> str:
    """The app's own font, from where Streamlit serves it; its name there changes with releases."""
    media = Path(st.__file__).parent / "static" / "static" / "media"
    return "".join(
        f'@font-face {{font-family: "Source Sans"; font-weight: 200 900;'
        f' src: url("/static/media/{found.name}") format("woff2");}}'
        for found in media.glob("SourceSansVF-Upright*.woff2")
    )
