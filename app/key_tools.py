"""What can be done about a key besides labelling it: pass over, skip, flag, note."""

import streamlit as st

from annotations import queue, remarks, store
from annotations.answers import StoredAnswer
from annotations.database import session
from annotations.queries import KeyPage
from annotations.store import LONGEST_REASON
from annotations.tables import DRAFT, Annotator, Run
from app import visit
from app.components.grid import DraftEvent
from app.pending import store_pending
from mining.errors import AnnotationError


def show(run: Run, person: Annotator, key: KeyPage, stored: StoredAnswer) -> None:
    """The buttons for this key, at the end of the sidebar; forms are drawn when opened."""
    about = (run, person, key)
    with st.sidebar:
        st.button(
            "Next key", icon=":material/skip_next:", width="stretch",
            on_click=_pass_over, args=about,
            help="Leave this one as it is; it comes back after the others.",
        )  # fmt: skip
        _more(about, stored)


def grid_of(person: Annotator, key: KeyPage) -> str:
    """The name of the grid in which somebody labels a key."""
    return f"grid {person.id} {key.id}"


def save(person: Annotator, event: DraftEvent) -> None:
    """Store a change of an answer; AnnotationError if it is refused."""
    assert person.id is not None
    with session(visit.engine()) as opened:
        store.save_draft(
            session=opened, annotator_id=person.id, key_id=event.key_id, answer=event.answer,
            writer=event.writer, sequence=event.sequence, base_revision=event.base_revision,
        )  # fmt: skip


def _more(about: tuple[Run, Annotator, KeyPage], stored: StoredAnswer) -> None:
    """One panel for what is seldom done: each element costs every page of every key."""
    has = [word for word, text in (("flagged", stored.flag), ("noted", stored.note)) if text]
    # No popover: what closes one by a click on a link elsewhere keeps the page from changing.
    panel = st.expander(
        f"Flag, note, skip{': ' * bool(has)}{', '.join(has)}", icon=":material/more_horiz:",
        key=_field("more", about), on_change="rerun",
    )  # fmt: skip
    if not panel.open:
        return
    with panel:  # three forms below one another would not fit a laptop's screen
        flag, note, *skip = st.tabs(["Flag", "Note", "Skip"][: 3 if stored.status == DRAFT else 2])
    with flag:
        _flag(about, stored)
    with note:
        _note(about, stored)
    for tab in skip:
        with tab:
            _skip(about)


def _flag(about: tuple[Run, Annotator, KeyPage], stored: StoredAnswer) -> None:
    with st.form(_field("flag form", about), border=False):
        st.text_input(
            "What should a lead look at?", stored.flag, max_chars=LONGEST_REASON,
            key=_field("flag", about), help="Leave it empty to take the flag away.",
        )  # fmt: skip
        st.form_submit_button(
            "Save the flag", icon=":material/flag:", width="stretch", on_click=_flagged, args=about
        )


def _note(about: tuple[Run, Annotator, KeyPage], stored: StoredAnswer) -> None:
    with st.form(_field("note form", about), border=False):
        st.text_area(
            "For yourself, about this key", stored.note, max_chars=remarks.LONGEST_NOTE,
            key=_field("note", about),
        )  # fmt: skip
        st.form_submit_button(
            "Save the note", icon=":material/sticky_note_2:", width="stretch",
            on_click=_noted, args=about,
        )  # fmt: skip


def _skip(about: tuple[Run, Annotator, KeyPage]) -> None:
    with st.form(_field("skip form", about), border=False):
        st.text_input(
            "Why can this key not be labelled?", max_chars=LONGEST_REASON,
            key=_field("skip", about),
        )  # fmt: skip
        st.form_submit_button(
            "Skip this key", icon=":material/block:", width="stretch",
            on_click=_skipped, args=about,
            help="It leaves your queue; what you ticked is kept, and you can reopen it.",
        )  # fmt: skip


def _field(what: str, about: tuple[Run, Annotator, KeyPage]) -> str:
    return f"{what} of {about[1].id} on {about[2].id}"


def _typed(what: str, *about: Run | Annotator | KeyPage) -> str:
    _, person, key = about
    return str(st.session_state[f"{what} of {person.id} on {key.id}"])


def _pass_over(run: Run, person: Annotator, key: KeyPage) -> None:
    assert run.id is not None and person.id is not None
    with session(visit.engine()) as opened:
        queue.let_go(session=opened, annotator_id=person.id, key_id=key.id)
        following = queue.next_key(
            session=opened, run_id=run.id, annotator_id=person.id, after=key.id
        )
    visit.choose_key(following)


def _skipped(run: Run, person: Annotator, key: KeyPage) -> None:
    assert run.id is not None and person.id is not None
    store_pending(grid_of(person, key), lambda event: save(person, event))
    try:
        with session(visit.engine()) as opened:
            store.skip(
                session=opened, annotator_id=person.id, key_id=key.id,
                reason=_typed("skip", run, person, key),
            )  # fmt: skip
            following = queue.next_key(
                session=opened, run_id=run.id, annotator_id=person.id, after=key.id
            )
    except AnnotationError as mistake:
        visit.leave_notice(str(mistake))
        return
    visit.choose_key(following)
    visit.progress_changed()
    visit.leave_toast(f"Skipped layer {key.layer}, key {key.key}.", "block")


def _flagged(run: Run, person: Annotator, key: KeyPage) -> None:
    assert person.id is not None
    try:
        with session(visit.engine()) as opened:
            remarks.set_flag(
                session=opened, annotator_id=person.id, key_id=key.id,
                reason=_typed("flag", run, person, key),
            )  # fmt: skip
    except AnnotationError as mistake:
        visit.leave_notice(str(mistake))


def _noted(run: Run, person: Annotator, key: KeyPage) -> None:
    assert person.id is not None
    try:
        with session(visit.engine()) as opened:
            remarks.set_note(
                session=opened, annotator_id=person.id, key_id=key.id,
                note=_typed("note", run, person, key),
            )  # fmt: skip
    except AnnotationError as mistake:
        visit.leave_notice(str(mistake))
