"""What every answer of the server says to the browser: what a page may load, and who may frame it.

Measured in Chromium on every page; each allowance beyond `'self'` is one that Streamlit's own page
cannot do without:
- `script-src`: one inline script of its `index.html`, by its digest; `blob:`, from which every
  components-v2 component, the labelling grid too, is imported. No eval: Streamlit lets Vega
  interpret a chart's expressions.
- `style-src 'unsafe-inline'`: its styles are made while the page is drawn.
- `img-src data:` and `font-src data:`: the icon, the logo, and the signs in tables.
"""

import base64
import hashlib
import re
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class Headers:
    """Middleware that adds the headers to whatever has not said otherwise for itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._added = {
            "Content-Security-Policy": page_policy(),
            # Not no-referrer: it makes the Origin of a form "null". No other site is told anything.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; add to the answer's head."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._added.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def page_policy() -> str:
    """The Content-Security-Policy of Streamlit's page."""
    scripts = " ".join(f"'{digest}'" for digest in _inline_scripts())
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' blob: {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'none'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )


def digest_of(text: str) -> str:
    """How a policy names an inline script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _inline_scripts() -> list[str]:
    """Digests of the inline scripts in the page that is installed with Streamlit."""
    page = Path(streamlit.__file__).parent / "static" / "index.html"
    return [digest_of(script) for script in _INLINE.findall(page.read_text(encoding="utf-8"))]
