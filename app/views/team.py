"""Team, for leads: assign keys, see how far everybody is, and what was flagged or skipped."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from annotations import queries, queue
from annotations import team as reading
from annotations.database import session
from annotations.tables import Annotator, Run
from app import visit
from mining.errors import AnnotationError


def page() -> None:
    """Assignment, coverage, people, remarks. Leads stay blind here: no label, no key's count."""
    run, person = visit.here()
    assert run.id is not None and person.id is not None
    about = {"run_id": run.id, "lead_id": person.id}
    with session(visit.engine(), read_only=True) as opened:
        layers = queries.layers(session=opened, run_id=run.id)
        coverage = reading.coverage(session=opened, **about)
        workers = reading.workers(session=opened, **about)
        remarks = reading.remarks(session=opened, **about)
    st.title("Team")
    _assignment(run, person, layers)
    if coverage:
        _table(
            coverage, "Progress",
            {"layer": "layer", "keys": "keys", "wanted": "answers wanted",
             "submitted": "answers submitted"},
        )  # fmt: skip
    _table(workers, "People", {"hours": st.column_config.NumberColumn("hours", format="%.1f")})
    _table(remarks, "Flagged and skipped", {"name": "by", "kind": "what"})


def _assignment(run: Run, lead: Annotator, layers: list[int]) -> None:
    with st.form("assign"):
        number, hours, which = st.columns([1, 1, 2])
        number.number_input("Annotators a key", 1, 50, 2, key="overlap")
        hours.number_input(
            "Hours to hold a key", 0.5, 720.0, float(run.claim_hours), key="hours",
            help="A key that somebody began and left alone for longer goes to somebody else; the"
            " draft is kept.",
        )  # fmt: skip
        which.multiselect("Layers", layers, key="layers", placeholder="all")
        assign, take_back = st.columns([1, 1])
        assign.form_submit_button(
            "Assign", type="primary", width="stretch", on_click=_assign, args=(run, lead),
            help="Layers that were never assigned are offered to nobody from then on.",
        )  # fmt: skip
        take_back.form_submit_button(
            "Open every key to everybody", width="stretch", on_click=_open, args=(run, lead)
        )


def _assign(run: Run, lead: Annotator) -> None:
    assert run.id is not None
    try:
        with session(visit.engine()) as opened:
            made = queue.assign(
                session=opened, run_id=run.id, lead_id=lead.id,
                overlap=int(st.session_state["overlap"]),
                layers=st.session_state["layers"] or None,
                claim_hours=float(st.session_state["hours"]),
            )  # fmt: skip
    except AnnotationError as mistake:
        visit.leave_toast(str(mistake), "error")
        return
    visit.leave_toast(f"{made.keys} keys wait for {made.overlap} each.", "check")


def _open(run: Run, lead: Annotator) -> None:
    assert run.id is not None
    with session(visit.engine()) as opened:
        queue.open_to_everybody(session=opened, run_id=run.id, lead_id=lead.id)
    visit.leave_toast("Everybody may answer every key.", "check")


def _table(rows: Sequence[object], title: str, columns: Mapping[str, Any]) -> None:
    st.subheader(title, anchor=False)
    if not rows:
        st.caption("Nothing yet.")
        return
    frame = pd.DataFrame([vars(row) for row in rows])
    st.dataframe(frame, hide_index=True, column_config=columns)
