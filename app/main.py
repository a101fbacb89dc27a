"""The app's frame: who is here, which run, which pages. Streamlit runs this file from the top."""

import streamlit as st

from annotations.tables import LEAD
from app import brand, sidebar, visit
from app.views import adjudicate, figures, keys, label, team
from mining.errors import KeyholeError

st.set_page_config(page_title="Keyhole", page_icon=brand.ICON, layout="wide")
st.logo(brand.LOGO, size="large")
st.html(
    # Streamlit leaves room for a banner above every page; a labeller needs the rows instead.
    # In a popover's narrow field, how to submit it would lie over what is typed.
    "<style>.stMainBlockContainer {padding: 4rem 1.5rem 1rem;}"
    "[data-testid=stPopoverBody] [data-testid=InputInstructions] {display: none;}"
    # The primary colour carries white text; as text on a dark page it could not be read.
    "[data-testid=stButtonGroup] button[aria-checked=true]"
    " {color: inherit !important; font-weight: 600;}"
    "</style>"
)


def main() -> None:
    """Show the page that was asked for, or what is missing before there can be one."""
    person = visit.chosen_person()
    pages = [
        st.Page(label.page, title="Label", icon=":material/edit:", url_path="label", default=True),
        st.Page(keys.page, title="Keys", icon=":material/checklist:", url_path="keys"),
        st.Page(figures.page, title="Figures", icon=":material/bar_chart:", url_path="figures"),
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
    if run is None:
        visit.nothing_imported()
        return
    if person is None:
        visit.remember(run, None)
        visit.ask_who()
        return
    visit.arrive(run, person)
    visit.show_toast()
    sidebar.show(run, person)
    page.run()


try:
    main()
except KeyholeError as mistake:
    st.error(str(mistake), icon=":material/error:")
