"""My keys: what this person has answered, layer by layer, to come back to."""

from itertools import groupby

import streamlit as st

from annotations import queries
from annotations.database import session
from annotations.queries import AnswerRow
from annotations.tables import DRAFT, SUBMITTED
from app import visit

_ICONS = {SUBMITTED: ":material/check:", DRAFT: ":material/edit:"}


def page() -> None:
    """A button for each of this person's answers; it opens the key."""
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
    st.caption("Open a key to look at it again; a submitted one can be reopened there.")
    for layer, answers in groupby(sorted(rows, key=_place), key=lambda row: row.layer):
        st.markdown(f"**Layer {layer}**")
        with st.container(horizontal=True, gap="small"):
            for row in answers:
                _button(row)


def _place(row: AnswerRow) -> tuple[int, int]:
    return row.layer, row.key


def _button(row: AnswerRow) -> None:
    patterns = "no pattern" if not row.patterns else f"{row.patterns} pattern"
    if row.patterns > 1:
        patterns += "s"
    pressed = st.button(
        f"Key {row.key} · {patterns}", key=f"open {row.key_id}", icon=_ICONS[row.status],
        help=f"{row.status}, last changed {row.changed_at:%Y-%m-%d %H:%M} UTC",
    )  # fmt: skip
    if pressed:
        visit.choose_key(row.key_id)
        st.switch_page(st.session_state[visit.LABEL_PAGE])
