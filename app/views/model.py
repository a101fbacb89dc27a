"""Model: what the paper's other figures say of this run's model. Nobody's labels are in them."""

from pathlib import Path

import pandas as pd
import streamlit as st

from annotations.tables import Run
from app import visit
from app.plain import plain
from exports.model_charts import for_a_page, shown_token
from exports.model_figures import figures_of
from exports.model_words import TITLES, in_words
from mining.errors import KeyholeError
from mining.run_folder import MANIFEST

_HEIGHT = 320  # pixels of a chart with its axes and legend


def page() -> None:
    """A chart and a sentence for each figure that the run was analysed for."""
    run, _ = visit.here()
    st.title("Model")
    try:
        found = _found(run)
    except KeyholeError as mistake:
        st.warning(plain(str(mistake)), icon=":material/error:")
        return
    if not found:
        _nothing_yet(run)
        return
    st.caption(
        "The paper's figures of the model itself, each with 95% intervals. Layers count from 0."
    )
    for place, name in enumerate(found):
        if place % 2 == 0:
            columns = st.columns(2, gap="medium")
        with columns[place % 2]:
            _figure(name, found[name])
    missing = [TITLES[name] for name in TITLES if name not in found]
    if missing:
        st.caption(f"Not analysed: {', '.join(missing)}. Type:")
        st.code(f"python -m mining analyse {run.folder}", language="shell")


def _figure(name: str, rows: pd.DataFrame) -> None:
    st.subheader(TITLES[name], anchor=False)
    st.markdown(in_words(name, rows))
    if name == "table3":
        _table(rows)
        return
    chart, about = for_a_page(name, rows, dark=st.context.theme.type == "dark")
    st.altair_chart(chart, theme=None, width="stretch", height=_HEIGHT)
    st.caption(about)


def _table(rows: pd.DataFrame) -> None:
    shown = rows[["place", "layer", "key", "top_token", "max_probability", "value", "count"]]
    st.dataframe(
        shown.assign(top_token=rows["top_token"].map(shown_token)), hide_index=True, height=_HEIGHT,
        column_config={
            "place": "#", "top_token": "Top token", "layer": "Layer", "key": "Key",
            "max_probability": st.column_config.NumberColumn("Probability", format="%.3g"),
            "value": st.column_config.NumberColumn("Triggers it follows", format="percent"),
            "count": "Triggers",
        },
    )  # fmt: skip


def _found(run: Run) -> dict[str, pd.DataFrame]:
    """The figures, computed again only when the run's manifest is another; none without it."""
    manifest = Path(run.folder) / MANIFEST
    if not manifest.is_file():
        return {}
    return _figures(run.folder, manifest.stat().st_mtime_ns)


@st.cache_resource(max_entries=8, show_spinner="Reading the analyses…")
def _figures(folder: str, changed: int) -> dict[str, pd.DataFrame]:  # noqa: ARG001 (tells apart)
    return figures_of(Path(folder))


def _nothing_yet(run: Run) -> None:
    if not (Path(run.folder) / MANIFEST).is_file():
        st.info(
            f"The run's folder {plain(run.folder)} is not there. Import the run again from where"
            " it is now, then reload this page.",
            icon=":material/folder_off:",
        )
        return
    st.write("This run has not been analysed yet. Type this, then reload the page:")
    st.code(f"python -m mining analyse {run.folder}", language="shell")
