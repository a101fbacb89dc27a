"""The one engine of this process, its database up to date."""

import streamlit as st
from sqlalchemy import Engine

from annotations.database import database_url, make_engine, migrate


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """Whoever reads or writes for a person asks `visit.engine`, which knows who is signed in."""
    made = make_engine(database_url())
    migrate(made)
    return made
