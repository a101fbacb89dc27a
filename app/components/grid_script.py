"""The grid's script and styles: one module out of its parts, fetched once by a browser that can.

Streamlit sends a component's script and styles with every change of its data, here at every tick.
A server that has the route below says so in its environment; pages then send a few lines that
import it. Not in the grid's own package, which can be loaded only once Streamlit runs.
"""

import hashlib
import json
import os
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

HERE = Path(__file__).with_name("grid")
PARTS = (
    "state.js",  # answers and their history: pure
    "text.js",  # tokens, words, finding: pure
    "saving.js",  # what the server has, and what it has not
    "shades.js",  # coefficients to strengths: pure
    "elements.js",  # making and changing elements
    "rows.js",  # a row, and positions in its text
    "table.js",  # the prefixes and the patterns' columns
    "bar.js",  # the line above it
    "foot.js",  # the line below it
    "help.js",  # the list of keys
    "view.js",  # all of that
    "shading.js",  # coefficients over the text
    "finder.js",  # tick by text
    "editor.js",  # the commands that change the answer
    "grid.js",  # the server's data, the cursor, what is said
    "gestures.js",  # keyboard and mouse
    "mount.js",  # what Streamlit calls
)
STYLES = ("grid.css", "shading.css")
SERVED = "KEYHOLE_SERVES_THE_GRID"  # in the environment
_FOR_EVER = "public, max-age=31536000, immutable"  # another script has another name


def sent() -> str:
    """What Streamlit sends: where to find the script, or all of it where nothing serves it."""
    if not os.environ.get(SERVED):
        return _whole()
    # From a script that has no address of its own only a whole one can be imported.
    return (
        f"const grid = await import(new URL({_path()!r}, window.location.origin).href);\n"
        "export default grid.default;\n"
    )


def route() -> Route:
    """The script's own address, for the server."""

    async def answer(_: Request) -> Response:
        headers = {"Cache-Control": _FOR_EVER}
        return Response(_whole(), media_type="text/javascript", headers=headers)

    return Route(_path(), answer, methods=["GET"])


@cache
def _whole() -> str:
    styles = f"const STYLES = {json.dumps(_read(STYLES))};"  # JSON text is JavaScript's as well
    return f"{styles}\n{_read(PARTS)}"


def _read(names: tuple[str, ...]) -> str:
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)


def _path() -> str:
    return f"/grid-{hashlib.sha256(_whole().encode()).hexdigest()[:16]}.js"
