"""The app's frame: who is here, which run, which pages."""

import streamlit as st

from annotations.tables import LEAD, Annotator
from app import arrival, brand, sidebar, sign_in, visit
from app.settings import NONE
from app.views import adjudicate, figures, keys, label, model, team, users
from mining.errors import AnnotationError, KeyholeError

_USERS = "users"


def draw() -> None:
    """Draw the whole page, or say what is wrong."""
    st.set_page_config(page_title="Keyhole", page_icon=brand.ICON, layout="wide")
    st.logo(brand.LOGO, size="large")
    try:
        _page()
    except KeyholeError as mistake:
        st.error(str(mistake), icon=":material/error:")


def _page() -> None:
    """Show the page that was asked for, or what is missing before there can be one."""
    person, refused = _who()
    pages = [
        st.Page(label.page, title="Label", icon=":material/edit:", url_path="label", default=True),
        st.Page(keys.page, title="Keys", icon=":material/checklist:", url_path="keys"),
        st.Page(figures.page, title="Figures", icon=":material/bar_chart:", url_path="figures"),
        st.Page(model.page, title="Model", icon=":material/neurology:", url_path="model"),
    ]
    outside = person is None and sign_in.mode() != NONE
    # Whether somebody may see a page is asked again wherever it reads or writes. At the door, a
    # lead's bookmark is no page that does not exist.
    if outside or (person is not None and person.role == LEAD):
        pages += [
            st.Page(
                adjudicate.page, title="Adjudicate", icon=":material/gavel:", url_path="adjudicate"
            ),
            st.Page(team.page, title="Team", icon=":material/group:", url_path="team"),
            st.Page(_users, title="Users", icon=":material/badge:", url_path=_USERS),
        ]
    st.session_state[visit.LABEL_PAGE] = pages[0]
    page = st.navigation(pages, position="hidden" if outside else "top")
    if outside:
        st.html(brand.STYLE)
        arrival.ask(refused)
        return
    run = visit.chosen_run()
    if run is None:
        st.html(brand.STYLE)
        if person is not None and page.url_path == _USERS:  # who comes in can be settled already
            visit.show_toast()
            users.page(person)
        else:
            arrival.nothing_imported()
        return
    if person is None:
        st.html(brand.STYLE)
        visit.remember(run, None)
        arrival.ask(refused)
        return
    visit.arrive(run, person)
    visit.show_toast()
    sidebar.show(run, person)
    page.run()


def _users() -> None:
    users.page(visit.here()[1])


def _who() -> tuple[Annotator | None, str]:
    """Who is here; nobody, and why, where an identity provider's word is not enough."""
    try:
        return visit.chosen_person(), ""
    except AnnotationError as refused:
        return None, str(refused)
