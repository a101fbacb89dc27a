"""A Streamlit page with nothing but the labelling grid on a real database, for the tests.

The address says which key (`?key=1`) and how many seconds the server takes over a change
(`&delay=1`); the field below the grid opens another key, or the same again, without a reload.
"""

import time

import streamlit as st

from annotations.claims import open_key
from annotations.database import database_url, make_engine, session
from annotations.queries import key_page
from annotations.store import save_draft, submit
from annotations.tables import Annotator
from app.components.grid import DraftEvent, GridData, labelling_grid

ANNOTATOR = 1
engine = st.cache_resource(make_engine)(database_url())
key_id = int(st.session_state.get("shown") or st.query_params["key"])
delay = float(st.query_params.get("delay", "0"))


def save(event: DraftEvent) -> None:
    """Store a change, slowly if the address says so."""
    time.sleep(delay)
    _store(event, finished=False)


def finish(event: DraftEvent) -> None:
    """Store a change, submit it, and open the key that the address calls `next`."""
    _store(event, finished=True)
    if following := st.query_params.get("next"):
        st.session_state["shown"] = following


def switch(on: bool) -> None:
    """Remember what the annotator wants."""
    with session(engine) as transaction:
        transaction.get_one(Annotator, ANNOTATOR).shading = on


def open_another() -> None:
    """Show the key whose number was typed."""
    st.session_state["shown"] = st.session_state["open"]


def _store(event: DraftEvent, finished: bool) -> None:
    with session(engine) as transaction:
        save_draft(
            session=transaction,
            annotator_id=ANNOTATOR,
            key_id=event.key_id,
            answer=event.answer,
            writer=event.writer,
            sequence=event.sequence,
            base_revision=event.base_revision,
        )
        if finished:
            submit(session=transaction, annotator_id=ANNOTATOR, key_id=event.key_id)


st.set_page_config(layout="wide")
with session(engine) as transaction:
    page = key_page(session=transaction, key_id=key_id)
    shading_on = transaction.get_one(Annotator, ANNOTATOR).shading
    stored = open_key(session=transaction, annotator_id=ANNOTATOR, key_id=key_id)
labelling_grid(
    key=f"grid {key_id}",
    data=GridData(
        page=page,
        title=f"Layer {page.layer}, key {page.key}",
        stored=stored,
        locked=stored.status == "submitted",
        shading_on=shading_on,
    ),
    on_draft=save,
    on_submit=finish,
    on_shading=switch,
)
st.text_input("Open key", key="open", on_change=open_another)
