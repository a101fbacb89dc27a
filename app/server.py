"""The web server: Streamlit's own, with the grid's script, the door's routes and our headers."""

from pathlib import Path

from starlette.middleware import Middleware
from streamlit import net_util
from streamlit.starlette import App

from app import sign_in
from app.components import grid_script
from app.door import Door, Gate
from app.headers import Headers
from app.settings import OIDC, PASSWORDS
from app.way_back import WayBack

MAIN = Path(__file__).with_name("main.py")


def make_app() -> App:
    """The ASGI app, for the way of signing in that the environment names."""
    # It would ask a site in the internet for this machine's address, and everybody would wait for
    # that, whenever another site's page tries to connect.
    net_util.get_external_ip = _unknown
    passwords = sign_in.mode() == PASSWORDS
    ways = {PASSWORDS: [Middleware(Gate)], OIDC: [Middleware(WayBack)]}
    return App(
        MAIN,
        routes=[grid_script.route(), *(Door().routes() if passwords else [])],
        middleware=[Middleware(Headers), *ways.get(sign_in.mode(), [])],
    )


def _unknown() -> str | None:
    return None
