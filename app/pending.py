"""A change that a grid has sent in the same moment in which a button was pressed.

Streamlit runs the callbacks of buttons before those of components. A button that acts on an answer
therefore stores the change itself, before it acts; when the grid's own callback comes, that change
is a repetition.
"""

from collections.abc import Callable
from contextlib import suppress

import streamlit as st

from app.components.grid import DraftEvent
from mining.errors import AnnotationError


def store_pending(grid: str, save: Callable[[DraftEvent], object]) -> None:
    """Give `save` the newest change of the grid with this key; in a button's callback only.

    It may have been saved long ago, or be stale. Why a change was refused is for the grid's own
    callback to say.
    """
    sent = st.session_state.to_dict().get(grid)  # which never leaves off for a newer rerun
    if sent is None or sent.get("draft") is None:
        return
    with suppress(AnnotationError):
        save(DraftEvent.from_json(sent["draft"]))
