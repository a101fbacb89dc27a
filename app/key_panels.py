"""Below the grid: what the key makes of a text, and what its value pushes towards.

Closed until somebody opens it, and the value again at every key: it tells nothing about the
prefixes and might suggest a pattern that is not in them. One element while it is closed.
"""

import streamlit as st

from annotations.queries import KeyPage
from annotations.tables import Run
from app import probe_panel, value_panel


def show(run: Run, key: KeyPage) -> None:
    """A panel with both; nothing is read or loaded before somebody asks."""
    panel = st.expander(
        "Try the key: probe a text, see its value", icon=":material/science:", key="try the key",
        on_change="rerun",
    )  # fmt: skip
    if not panel.open:
        return
    with panel:
        probe, value = st.tabs(["Probe a text", "Value"], key=f"try {key.id}", on_change="rerun")
    if probe.open:
        with probe:
            probe_panel.panel(run.folder, key)
    if value.open:
        with value:
            value_panel.panel(run.folder, key)
