"""The labelling page: one key, its trigger prefixes, and the grid that takes the answer."""

from datetime import timedelta

import streamlit as st

from annotations import blind, claims, queries, queue, store
from annotations.answers import StoredAnswer
from annotations.database import reading, session
from annotations.queries import KeyPage
from annotations.tables import DRAFT, SUBMITTED, Annotator, Run, utc_now
from app import key_panels, key_tools, visit
from app.components.grid import DraftEvent, GridData, labelling_grid
from app.plain import plain
from mining.errors import AnnotationError, ClaimedError

_STORED = "stored answer"  # from the page to its grid, so that it is read once


def page() -> None:
    """Show the key in the address, or the next one in this person's queue."""
    run, person = visit.here()
    try:
        opened = _open(run, person)
    except ClaimedError as taken:
        visit.choose_key(None)
        st.warning(str(taken), icon=":material/group:")
        st.button("Next key", icon=":material/skip_next:", type="primary")
        return
    if opened is None:
        _all_done(run, person)
        return
    key, stored = opened
    # Always there, so that the grid keeps its place: moved, it would be there twice for a moment.
    with st.container():
        if stored.status != DRAFT:
            _reopening(key, person, stored)
    st.session_state[_STORED] = stored
    grid(run, person, key, stored.status)
    key_panels.show(run, key)
    key_tools.show(run, person, key, stored)


@st.fragment
def grid(run: Run, person: Annotator, key: KeyPage, shown: str) -> None:
    """The grid alone: a tick draws nothing else of the page anew. `shown`: the page's status."""
    stored = st.session_state.pop(_STORED, None) or _stored(run, person, key.id)
    if visit.chosen_key() != key.id or stored is None or stored.status != shown:
        st.rerun()
    labelling_grid(
        key=key_tools.grid_of(person, key),
        data=GridData(
            page=key,
            title=f"Layer {key.layer}, key {key.key}",
            stored=stored,
            locked=stored.status != DRAFT,
            notice=visit.take_notice(),
            shading_on=person.shading,
        ),
        on_draft=lambda event: _save(person, event),
        on_submit=lambda event: _submit(run, person, key, event),
        on_shading=lambda on: visit.set_shading(person, on),
    )


def _open(run: Run, person: Annotator) -> tuple[KeyPage, StoredAnswer] | None:
    """The key to show and what this person has stored for it; None when nothing is left."""
    assert run.id is not None and person.id is not None
    key = _chosen_key(run)
    stored = None if key is None else _stored(run, person, key.id)
    if stored is None:  # a claim is to be made, or made anew
        with session(visit.engine()) as opened:
            key_id = (
                claims.claim_next(session=opened, run_id=run.id, annotator_id=person.id)
                if key is None
                else key.id
            )
            if key_id is None:
                return None
            stored = claims.open_key(session=opened, annotator_id=person.id, key_id=key_id)
        key = visit.key_page(key_id)
    assert key is not None
    visit.show_key(run, person, key.id)
    return key, stored


def _chosen_key(run: Run) -> KeyPage | None:
    """The key in the address, if this run has it; an old bookmark leads to the next key."""
    key_id = visit.chosen_key()
    if key_id is None:
        return None
    try:
        key = visit.key_page(key_id)
        if key.run_id == run.id:
            return key
    except AnnotationError:
        pass  # there is no such key in any run
    st.toast("This run has no such key; here is the next one.", icon=":material/key_off:")
    return None


def _stored(run: Run, person: Annotator, key_id: int) -> StoredAnswer | None:
    """This person's answer, unless there is none or their claim has lapsed. Locks nothing."""
    assert person.id is not None
    with reading(visit.engine()) as connection:
        stored = queries.stored_answer(session=connection, annotator_id=person.id, key_id=key_id)
    lapses = timedelta(hours=run.claim_hours)
    if stored and stored.status == DRAFT and stored.changed_at + lapses < utc_now():
        return None
    return stored


def _reopening(key: KeyPage, person: Annotator, stored: StoredAnswer) -> None:
    done, action = st.columns([4, 1], vertical_alignment="center")
    if stored.status == SUBMITTED:
        assert stored.submitted_at is not None
        done.markdown(f":material/check: Submitted on {stored.submitted_at:%Y-%m-%d at %H:%M} UTC.")
    else:
        done.markdown(f":material/block: Skipped: {plain(stored.skip_reason)}")
    action.button(
        "Reopen", icon=":material/lock_open:", width="stretch",
        on_click=_reopen, args=(person, key),
        help="Make it a draft again; what was submitted is kept as a revision.",
    )  # fmt: skip


def _all_done(run: Run, person: Annotator) -> None:
    st.title("Nothing is left for you")
    assert run.id is not None and person.id is not None
    with session(visit.engine(), read_only=True) as opened:
        sees_all = blind.is_disclosed(session=opened, annotator_id=person.id, run_id=run.id)
    if sees_all:
        st.write(
            "You have asked to see everybody's answers of this run, so you label no more in it."
            " Decide where they differ under **Adjudicate**."
        )
        return
    st.write(
        "Every key has your answer, or as many annotators as it needs. Look through yours under"
        " **Keys**, or see what they add up to under **Figures**."
    )


def _save(person: Annotator, event: DraftEvent) -> None:
    assert person.id is not None
    try:
        with session(visit.engine()) as opened:
            store.save_draft(
                session=opened, annotator_id=person.id, key_id=event.key_id, answer=event.answer,
                writer=event.writer, sequence=event.sequence, base_revision=event.base_revision,
            )  # fmt: skip
    except AnnotationError as mistake:
        visit.leave_notice(str(mistake))
        return
    # After the write: Streamlit may break a callback off wherever it touches the session.
    if event.base_revision == 0:
        visit.progress_changed()


def _submit(run: Run, person: Annotator, key: KeyPage, event: DraftEvent) -> None:
    """Store what the window shows and submit it: one transaction, both or neither."""
    assert run.id is not None and person.id is not None
    try:
        with session(visit.engine()) as opened:
            store.save_draft(
                session=opened, annotator_id=person.id, key_id=event.key_id, answer=event.answer,
                writer=event.writer, sequence=event.sequence, base_revision=event.base_revision,
            )  # fmt: skip
            store.submit(session=opened, annotator_id=person.id, key_id=event.key_id)
            following = queue.next_key(
                session=opened, run_id=run.id, annotator_id=person.id, after=key.id
            )
    except AnnotationError as mistake:
        visit.leave_notice(str(mistake))
        return
    visit.choose_key(following)
    visit.progress_changed()
    visit.leave_toast(f"Submitted layer {key.layer}, key {key.key}.", "check")


def _reopen(person: Annotator, key: KeyPage) -> None:
    assert person.id is not None
    try:
        with session(visit.engine()) as opened:
            store.reopen(session=opened, annotator_id=person.id, key_id=key.id)
        visit.progress_changed()
    except AnnotationError as mistake:
        visit.leave_notice(str(mistake))
