"""The app's frame: who is here, which run, which pages. Streamlit runs this file from the top."""

from pathlib import Path

import streamlit as st

from app import sidebar, visit
from app.views import answers, figures, label
from mining.errors import KeyholeError

HERE = Path(__file__).parent

st.set_page_config(page_title="Keyhole", page_icon=str(HERE / "icon.png"), layout="wide")
st.logo(str(HERE / "logo.svg"), size="large")
st.html(
    # Streamlit leaves room for a banner above every page; a labeller needs the rows instead.
    "<style>.stMainBlockContainer {padding: 4rem 1.5rem 1rem;}</style>"
)


def main() -> None:
    """Show the page that was asked for, or what is missing before there can be one."""
    pages = [
        st.Page(label.page, title="Label", icon=":material/edit:", url_path="label", default=True),
        st.Page(answers.page, title="My keys", icon=":material/checklist:", url_path="keys"),
        st.Page(figures.page, title="Figures", icon=":material/bar_chart:", url_path="figures"),
    ]
    st.session_state[visit.LABEL_PAGE] = pages[0]
    page = st.navigation(pages, position="top")
    run = visit.chosen_run()
    if run is None:
        visit.nothing_imported()
        return
    person = visit.chosen_person()
    if person is not None:
        sidebar.show(run, person)
    if person is None and page.title != "Figures":
        visit.ask_who()
        return
    visit.remember(run, person)
    page.run()


try:
    main()
except KeyholeError as mistake:
    st.error(str(mistake), icon=":material/error:")
