"""Figures: what the submitted answers add up to, figure 2, and the dataset to take away.

Everybody sees the answers to the keys that they have answered, a lead who has said so all of them.
"""

import pandas as pd
import streamlit as st

from annotations import blind
from annotations.database import session
from annotations.frames import dataset_frames
from annotations.label_statistics import label_statistics
from annotations.statistics import layer_statistics
from annotations.statistics_report import written
from annotations.tables import Annotator, Run
from app import visit
from exports.dataset import dataset_zip
from exports.figure2_charts import figure2, figure2_intervals

_SHARE = st.column_config.NumberColumn(format="percent")


def page() -> None:
    """Headline numbers, figure 2 with its intervals, its table, and the download."""
    run, person = visit.here()
    title, download = st.columns([4, 1.4], vertical_alignment="center")
    title.title("Figures")
    with download:
        _download(run, person)
    assert run.id is not None and person.id is not None
    with session(visit.engine(), read_only=True) as opened:
        sees_all = blind.is_disclosed(session=opened, annotator_id=person.id, run_id=run.id)
    st.caption(
        "Of all keys, with everybody's answers to them."
        if sees_all
        else "Of the keys that you have submitted, with everybody's answers to them; others stay"
        " hidden until you have answered."
    )
    with session(visit.engine(), read_only=True) as opened:
        frames = dataset_frames(
            session=opened, run_id=run.id, viewer_id=person.id, answered_only=True
        )
    _metrics(label_statistics(frames))
    statistics = layer_statistics(frames)
    dark = st.context.theme.type == "dark"
    st.altair_chart(figure2(statistics, dark=dark), theme=None, width="stretch")
    if statistics.empty:
        return
    with st.expander("95% intervals, by category"):
        st.altair_chart(figure2_intervals(statistics, dark=dark), theme=None, width="content")
    with st.expander("The numbers"):
        _table(statistics)


def _download(run: Run, person: Annotator) -> None:
    def packed() -> bytes:
        assert run.id is not None
        with session(visit.engine(), read_only=True) as opened:
            return dataset_zip(session=opened, run_id=run.id, viewer_id=person.id)

    st.download_button(
        "Dataset (CSV)", packed, file_name=f"keyhole-{run.name}.zip", mime="application/zip",
        icon=":material/download:", width="stretch", on_click="ignore",
        help="The answers below as CSV files, annotators under pseudonyms, with a data"
        " dictionary. Redraw the figures with python -m exports charts FOLDER.",
    )  # fmt: skip


def _metrics(found: pd.DataFrame) -> None:
    rows = found[(found["scope"] == "all") & (found["type"] == "any")].set_index("measure")
    columns = st.columns(4)
    shown = {measure: written(measure, rows.at[measure, "value"]) for measure in rows.index}
    people = int(rows.at["keys", "annotators"])
    annotators = "annotator" if people == 1 else "annotators"
    columns[0].metric(f"Keys labelled, {people} {annotators}", shown["keys"])
    columns[1].metric("Keys with a pattern", shown["keys_with_pattern"], help="The paper: all.")
    columns[2].metric("Patterns per key", shown["patterns_per_key"], help="The paper: 3.6.")
    columns[3].metric("Prefixes covered", shown["coverage"], help="The paper: 65 to 80 %.")


def _table(statistics: pd.DataFrame) -> None:
    st.dataframe(
        statistics, hide_index=True,
        column_config={"share": _SHARE, "ci_low": _SHARE, "ci_high": _SHARE},
    )  # fmt: skip
