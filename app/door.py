"""The server's own pages for signing in by password: /sign-in, /sign-out and /invitation.

A form is taken from this site alone: by what the browser says of where it comes from, and by a
token in it that only a page of ours could have read. The cookie of a sign-in is HttpOnly, Secure
under https, and SameSite=Lax: with Strict, a link to a key in a letter would meet the door although
its reader is signed in.
"""

import hashlib
import secrets
from collections.abc import Mapping
from hmac import compare_digest
from urllib.parse import parse_qsl, quote, urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from annotations import invitations, passwords, sign_ins
from annotations.database import session
from annotations.sign_ins import LONGEST_DAYS
from app import door_pages, sign_in, storage
from mining.errors import AnnotationError

_LONGEST_FORM = 16_384  # bytes
_AT_ONCE = 2  # passwords hashed at a time: each takes 64 MiB and most of a core
_ASSETS = ("/static/", "/_stcore/", "/favicon.png", "/sign-in", "/sign-out", "/invitation")
Form = Mapping[str, str]


class Refusal(Exception):  # noqa: N818 (an answer)
    """A form that is not taken; holds the page that says so."""

    def __init__(self, page: Response) -> None:
        super().__init__()
        self.page = page


class Door:
    """The routes. Whatever hashes a password waits in one line, so that no crowd fills memory."""

    def __init__(self) -> None:
        self._line = CapacityLimiter(_AT_ONCE)

    def routes(self) -> list[Route]:
        """What a server with passwords answers besides Streamlit's pages."""
        return [
            Route("/sign-in", self.ask, methods=["GET"]),
            Route("/sign-in", self.enter, methods=["POST"]),
            Route("/sign-out", self.leave, methods=["POST"]),
            Route("/invitation", self.welcome, methods=["GET"]),
            Route("/invitation", self.accept, methods=["POST"]),
        ]

    async def ask(self, request: Request) -> Response:
        """The form; whoever is signed in already goes on at once."""
        to = local(request.query_params.get("to", "/"))
        given = request.cookies.get(sign_in.cookie_name())
        if await run_in_threadpool(sign_in.by_token, given):
            return RedirectResponse(to, 303)
        secret = _secret_of(request)
        return _with_secret(door_pages.sign_in(form_token=form_token(secret), to=to), secret)

    async def enter(self, request: Request) -> Response:
        """Take name and password; a sign-in that is replaced ends."""
        try:
            form = await _taken(request)
        except Refusal as refusal:
            return refusal.page
        name, to = form.get("name", ""), local(form.get("to", "/"))

        def work() -> str:
            return passwords.sign_in(
                engine=storage.engine(), name=name, password=form.get("password", ""),
                address=request.client.host if request.client else "",
            )  # fmt: skip

        try:
            token = await to_thread.run_sync(work, limiter=self._line)
        except AnnotationError as mistake:
            return door_pages.sign_in(
                form_token=form["form"], to=to, name=name, problem=str(mistake)
            )
        await run_in_threadpool(_end, request.cookies.get(sign_in.cookie_name()))
        return _come_in(token, to)

    async def leave(self, request: Request) -> Response:
        """End the sign-in of this browser, and forget its cookie."""
        given = request.cookies.get(sign_in.cookie_name(), "")
        try:
            await _taken(request, secret=given)
        except Refusal as refusal:
            return refusal.page
        await run_in_threadpool(_end, given)
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(sign_in.cookie_name(), secure=_secure(), httponly=True, samesite="lax")
        return answer

    async def welcome(self, request: Request) -> Response:
        """Whom an invitation is for, and the form for a password. It is not used yet."""
        token = request.query_params.get("token", "")
        try:
            name = await run_in_threadpool(_invited, token)
        except AnnotationError as mistake:
            return door_pages.no_invitation(str(mistake))
        secret = _secret_of(request)
        page = door_pages.invitation(form_token=form_token(secret), token=token, name=name)
        return _with_secret(page, secret)

    async def accept(self, request: Request) -> Response:
        """Set the password that was chosen, and let its owner in."""
        try:
            form = await _taken(request)
        except Refusal as refusal:
            return refusal.page
        token, password = form.get("token", ""), form.get("password", "")
        try:
            name = await run_in_threadpool(_invited, token)
        except AnnotationError as mistake:
            return door_pages.no_invitation(str(mistake))
        problem = "The two passwords differ; type the same one twice."
        if password == form.get("again", ""):
            try:
                entered = await to_thread.run_sync(
                    lambda: passwords.accept(
                        engine=storage.engine(), token=token, password=password
                    ),
                    limiter=self._line,
                )
            except AnnotationError as mistake:
                problem = str(mistake)
            else:
                await run_in_threadpool(sign_in.forget)
                return _come_in(entered, "/")
        return door_pages.invitation(
            form_token=form["form"], token=token, name=name, problem=problem
        )


class Gate:
    """Middleware: pages lead to the door, and files that pages made are closed, until signed in.

    A convenience on top: what a page shows is decided where it is drawn, by `sign_in.person`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        answer = await self._answer(Request(scope)) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        path = request.url.path
        if request.method not in ("GET", "HEAD") or path.startswith(_ASSETS):
            return None
        given = request.cookies.get(sign_in.cookie_name())
        if await run_in_threadpool(sign_in.by_token, given):
            return None
        if path.startswith("/media/"):
            return Response("Sign in first.", 403, media_type="text/plain")
        to = f"{path}?{request.url.query}" if request.url.query else path
        asked = f"?to={quote(to, safe='')}" if to != "/" else ""
        return RedirectResponse(f"/sign-in{asked}", 303)


def local(to: str) -> str:
    """A place on this site; its first page for whatever leads elsewhere."""
    plain = to.isprintable() and "\\" not in to and to.startswith("/") and not to.startswith("//")
    return to if plain else "/"


def form_token(secret: str) -> str:
    """What a form must hold to be taken from the browser that has this secret in a cookie."""
    return hashlib.sha256(f"form {secret}".encode("utf-8", "backslashreplace")).hexdigest()


def from_this_site(headers: Headers, public_url: str, address: str) -> bool:
    """Whether a form was sent by one of our own pages, by what no page of others can change.

    Browsers say where a form comes from, or at least its Origin: under plain http, beyond this
    machine, that alone. What says neither is no browser, or hides it, and is not believed.
    """
    if (site := headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    return headers.get("origin", "null") == (public_url or address)


async def _taken(request: Request, secret: str | None = None) -> Form:
    """A form of ours; raises Refusal for any other. `secret`: what its token was made of."""
    place = urlsplit(str(request.base_url))
    own = from_this_site(request.headers, sign_in.public_url(), f"{place.scheme}://{place.netloc}")
    form = await _read(request) if own else {}
    expected = request.cookies.get(_secret_name(), "") if secret is None else secret
    if not expected or not compare_digest(
        form.get("form", "").encode(), form_token(expected).encode()
    ):
        raise Refusal(
            door_pages.refused(
                "Not taken", "This form is an old one, or comes from elsewhere; begin again.", 403
            )
        )
    return form


async def _read(request: Request) -> Form:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_FORM:
            raise Refusal(door_pages.refused("Not taken", "That is too long for a form.", 413))
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _secret_name() -> str:
    return f"{'__Host-' if _secure() else ''}keyhole_form"


def _secret_of(request: Request) -> str:
    return request.cookies.get(_secret_name()) or secrets.token_urlsafe(32)


def _with_secret(page: Response, secret: str) -> Response:
    page.set_cookie(_secret_name(), secret, httponly=True, secure=_secure(), samesite="strict")
    return page


def _come_in(token: str, to: str) -> Response:
    answer = RedirectResponse(to, 303)
    answer.set_cookie(
        sign_in.cookie_name(), token, max_age=LONGEST_DAYS * 24 * 3600,
        httponly=True, secure=_secure(), samesite="lax",
    )  # fmt: skip
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _secure() -> bool:
    return sign_in.public_url().startswith("https://")


def _end(token: str | None) -> None:
    if token:
        with session(storage.engine()) as opened:
            sign_ins.sign_out(session=opened, token=token)
        sign_in.forget()


def _invited(token: str) -> str:
    with session(storage.engine(), read_only=True) as opened:
        return invitations.invited(session=opened, token=token).name
