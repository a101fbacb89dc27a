"""My keys: what this person has answered, to come back to."""

import pandas as pd
import streamlit as st

from annotations import queries
from annotations.database import session
from annotations.tables import DRAFT, SUBMITTED
from app import visit

_TABLE = "answers table"


def page() -> None:
    """List this person's answers, newest change first; a row opens its key."""
    run, person = visit.chosen_run(), visit.chosen_person()
    assert run is not None and run.id is not None and person is not None and person.id is not None
    with session(visit.engine(), read_only=True) as opened:
        rows = queries.answers_of(session=opened, run_id=run.id, annotator_id=person.id)
    st.title("My keys")
    if not rows:
        st.info("Nothing yet. Your answers appear here from the first tick on.")
        return
    shown = st.segmented_control(
        "Show", ["all", SUBMITTED, DRAFT], default="all", label_visibility="collapsed"
    )
    rows = [row for row in rows if shown in (None, "all", row.status)]
    st.caption(f"{len(rows)} keys. Select a row to open it; a submitted one can be reopened there.")
    table = pd.DataFrame(
        {
            "Layer": [row.layer for row in rows],
            "Key": [row.key for row in rows],
            "Status": [row.status for row in rows],
            "Patterns": [row.patterns for row in rows],
            "Last change (UTC)": [row.changed_at.replace(tzinfo=None) for row in rows],
        }
    )
    event = st.dataframe(
        table, key=_TABLE, hide_index=True, on_select="rerun", selection_mode="single-row",
        column_config={
            "Last change (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
        },
    )  # fmt: skip
    if event.selection.rows:
        visit.choose_key(rows[event.selection.rows[0]].key_id)
        st.switch_page(st.session_state[visit.LABEL_PAGE])
