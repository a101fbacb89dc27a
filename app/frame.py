"""The app's frame: who is here, which run, which pages."""

import streamlit as st

from annotations.tables import LEAD, Run
from app import brand, sidebar, visit
from app.views import adjudicate, figures, keys, label, model, team
from mining.errors import KeyholeError


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
    person = visit.chosen_person()
    pages = [
        st.Page(label.page, title="Label", icon=":material/edit:", url_path="label", default=True),
        st.Page(keys.page, title="Keys", icon=":material/checklist:", url_path="keys"),
        st.Page(figures.page, title="Figures", icon=":material/bar_chart:", url_path="figures"),
        st.Page(model.page, title="Model", icon=":material/neurology:", url_path="model"),
    ]
    # Whether somebody may see a page is asked again wherever it reads or writes.
    if person is not None and person.role == LEAD:
        pages += [
            st.Page(
                adjudicate.page, title="Adjudicate", icon=":material/gavel:", url_path="adjudicate"
            ),
            st.Page(team.page, title="Team", icon=":material/group:", url_path="team"),
        ]
    st.session_state[visit.LABEL_PAGE] = pages[0]
    page = st.navigation(pages, position="top")
    run = visit.chosen_run()
    if run is None or person is None:
        st.html(brand.STYLE)
        _nobody_yet(run)
        return
    visit.arrive(run, person)
    visit.show_toast()
    sidebar.show(run, person)
    page.run()


def _nobody_yet(run: Run | None) -> None:
    if run is None:
        visit.nothing_imported()
    else:
        visit.remember(run, None)
        visit.ask_who()
