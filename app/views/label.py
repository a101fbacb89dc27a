"""The labelling page: one key, its trigger prefixes, and the grid that takes the answer."""

import streamlit as st

from annotations import queries, store
from annotations.answers import StoredAnswer
from annotations.database import session
from annotations.queries import KeyPage
from annotations.tables import SUBMITTED, Annotator, Run
from app import visit
from app.components.grid import DraftEvent, GridData, labelling_grid
from mining.errors import AnnotationError

_NOTICE = "notice"


def page() -> None:
    """Show the key in the address, or the next one in this person's queue."""
    run, person = visit.chosen_run(), visit.chosen_person()
    assert run is not None and run.id is not None and person is not None and person.id is not None
    key_id = visit.chosen_key()
    with session(visit.engine()) as opened:
        if key_id is None:
            key_id = queries.next_key(session=opened, run_id=run.id, annotator_id=person.id)
        if key_id is None:
            key = None
        else:
            key = queries.key_page(session=opened, key_id=key_id)
            stored = store.open_key(session=opened, annotator_id=person.id, key_id=key_id)
    if key is None:
        _all_done()
        return
    if key.run_id != run.id:
        raise AnnotationError("This key belongs to another run; choose Label for the next one.")
    visit.choose_key(key.id)
    visit.remember(run, person)
    locked = stored.status == SUBMITTED
    if locked:
        _reopening(key, person, stored)
    labelling_grid(
        key=f"grid {person.id} {key.id}",
        data=GridData(
            key_id=key.id,
            title=f"Layer {key.layer}, key {key.key}",
            prefixes=key.prefixes,
            stored=stored,
            locked=locked,
            notice=st.session_state.pop(_NOTICE, None),
        ),
        on_draft=lambda event: _save(person, event),
        on_submit=lambda event: _submit(run, person, key, event),
    )
    with st.sidebar:
        st.button(
            "Next key", icon=":material/skip_next:", width="stretch",
            on_click=_move_on, args=(run, person, key),
            help="Leave this one as it is; it comes back after the others.",
        )  # fmt: skip
        st.caption(f"This key is active in {key.active_share:.1%} of all positions.")


def _reopening(key: KeyPage, person: Annotator, stored: StoredAnswer) -> None:
    assert stored.submitted_at is not None
    done, action = st.columns([4, 1], vertical_alignment="center")
    done.markdown(f":material/check: Submitted on {stored.submitted_at:%Y-%m-%d at %H:%M} UTC.")
    action.button(
        "Reopen", icon=":material/lock_open:", width="stretch",
        on_click=_reopen, args=(person, key),
        help="Make it a draft again; what was submitted is kept as a revision.",
    )  # fmt: skip


def _all_done() -> None:
    st.title("Every key has your answer")
    st.write("Look them through under **My keys**, or see what they add up to under **Figures**.")


def _save(person: Annotator, event: DraftEvent) -> None:
    assert person.id is not None
    try:
        with session(visit.engine()) as opened:
            store.save_draft(
                session=opened, annotator_id=person.id, key_id=event.key_id, answer=event.answer,
                writer=event.writer, sequence=event.sequence, base_revision=event.base_revision,
            )  # fmt: skip
    except AnnotationError as mistake:
        st.session_state[_NOTICE] = str(mistake)


def _submit(run: Run, person: Annotator, key: KeyPage, event: DraftEvent) -> None:
    """Store what the window shows and submit it: one transaction, both or neither."""
    assert person.id is not None
    try:
        with session(visit.engine()) as opened:
            store.save_draft(
                session=opened, annotator_id=person.id, key_id=event.key_id, answer=event.answer,
                writer=event.writer, sequence=event.sequence, base_revision=event.base_revision,
            )  # fmt: skip
            store.submit(session=opened, annotator_id=person.id, key_id=event.key_id)
    except AnnotationError as mistake:
        st.session_state[_NOTICE] = str(mistake)
        return
    st.toast(f"Submitted layer {key.layer}, key {key.key}.", icon=":material/check:")
    _move_on(run, person, key)


def _reopen(person: Annotator, key: KeyPage) -> None:
    assert person.id is not None
    with session(visit.engine()) as opened:
        store.reopen(session=opened, annotator_id=person.id, key_id=key.id)


def _move_on(run: Run, person: Annotator, key: KeyPage) -> None:
    assert run.id is not None and person.id is not None
    with session(visit.engine(), read_only=True) as opened:
        following = queries.next_key(
            session=opened, run_id=run.id, annotator_id=person.id, after=key.id
        )
    visit.choose_key(following)
