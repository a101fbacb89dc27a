"""Back from an identity provider to the page that was asked for, not to the first one.

Streamlit's callback leads to `/`, and a bookmark or a link to a key that somebody sent would be
lost. The browser says on its way to `/auth/login` which of our pages it comes from
(`Referrer-Policy: same-origin`, headers.py); a cookie keeps that for as long as a sign-in takes.
"""

from urllib.parse import quote, unquote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import sign_in
from app.door import local

_COOKIE = "keyhole_way_back"
_SECONDS = 600


class WayBack:
    """Middleware around Streamlit's two addresses of a sign-in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add the cookie on the way out, follow it on the way back."""

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"] == "/auth/login":
                    self._remember(Request(scope), headers)
                elif 300 <= message["status"] < 400:
                    self._return(Request(scope), headers)
            await send(message)

        paths = ("/auth/login", "/oauth2callback")
        asked = scope["type"] == "http" and scope["path"] in paths
        await self._app(scope, receive, send_on if asked else send)

    def _remember(self, request: Request, headers: MutableHeaders) -> None:
        page = urlsplit(request.headers.get("referer", ""))
        to = f"{page.path}?{page.query}" if page.query else page.path
        if page.netloc == urlsplit(_address(request)).netloc and local(to) != "/":
            _add(headers, quote(to, safe=""), _SECONDS)

    def _return(self, request: Request, headers: MutableHeaders) -> None:
        to = request.cookies.get(_COOKIE)
        if to is not None:
            headers["location"] = quote(local(unquote(to)), safe="/%?&=+:@,;!$'()*~")
            _add(headers, "", 0)


def _address(request: Request) -> str:
    return sign_in.public_url() or str(request.base_url)


def _add(headers: MutableHeaders, value: str, seconds: int) -> None:
    answer = Response()
    answer.set_cookie(
        _COOKIE, value, max_age=seconds, httponly=True, samesite="lax",
        secure=sign_in.public_url().startswith("https://"),
    )  # fmt: skip
    headers.append("set-cookie", answer.headers["set-cookie"])
