"""The icon and the logo, read once: Streamlit would open and hash the files at every rerun."""

from base64 import b64encode
from pathlib import Path

_HERE = Path(__file__).parent


def _data_url(name: str, kind: str) -> str:
    return f"data:{kind};base64,{b64encode((_HERE / name).read_bytes()).decode()}"


ICON = _data_url("icon.png", "image/png")
LOGO = _data_url("logo.svg", "image/svg+xml")
# Every page's own style. Where there is a sidebar it comes with that: an element less to send.
STYLE = (
    # Streamlit leaves room for a banner above every page; a labeller needs the rows instead.
    # In the sidebar's narrow fields, how to submit them would lie over what is typed.
    "<style>.stMainBlockContainer {padding: 4rem 1.5rem 1rem;}"
    "[data-testid=stSidebar] [data-testid=InputInstructions] {display: none;}</style>"
)
