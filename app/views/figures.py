"""Figures: what the submitted answers add up to, beside the paper, and the dataset to take away.

Everybody sees the answers to the keys that they have answered, a lead who has said so all of them.
"""

import pandas as pd
import streamlit as st

from annotations import blind
from annotations.answer_weights import POLICIES, Policy
from annotations.database import session
from annotations.frames import dataset_frames
from annotations.label_statistics import (
    ALL,
    COVERAGE,
    KEYS,
    KEYS_WITH_PATTERN,
    PATTERNS_PER_KEY,
    SECONDS_MEDIAN,
)
from annotations.paper_numbers import PAPER, paper_number
from annotations.statistics_report import (
    POLICY_WORDS,
    interval_written,
    trend_sentence,
    written,
)
from annotations.tables import Annotator, Run
from app import figure_sections, visit
from app.figure_sections import Answers
from exports.dataset import dataset_zip
from exports.figure2_charts import figure2

_POLICY_LABELS: dict[Policy, str] = {
    "gold": "Gold, else everybody",
    "annotators": "Everybody, without gold",
    "gold-only": "Gold only",
}
# The primary colour carries white text; as text on a dark page it could not be read.
_STYLE = (
    "<style>[data-testid=stButtonGroup] button[aria-checked=true]"
    " {color: inherit !important; font-weight: 600;}</style>"
)
_METRIC_WIDTH = 172  # pixels: two beside each other on a telephone
_METRICS = {
    KEYS_WITH_PATTERN: "Keys with a pattern",
    PATTERNS_PER_KEY: "Patterns per key",
    COVERAGE: "Prefixes covered",
    SECONDS_MEDIAN: "Median seconds a key",
}


def page() -> None:
    """Headline numbers with their intervals, figure 2, and further figures one at a time."""
    run, person = visit.here()
    st.html(_STYLE)
    title, download = st.columns([4, 1.4], vertical_alignment="center")
    title.title("Figures")
    with download:
        _download(run, person)
    assert run.id is not None and person.id is not None
    with session(visit.engine(), read_only=True) as opened:
        sees_all = blind.sees_all(session=opened, viewer_id=person.id, run_id=run.id)
        frames = dataset_frames(
            session=opened, run_id=run.id, viewer_id=person.id, answered_only=True
        )
    st.caption(
        "Of all keys, with everybody's answers to them."
        if sees_all
        else "Of the keys that you have submitted, with everybody's answers to them; others stay"
        " hidden until you have answered."
    )
    answers = Answers(frames, _policy(), st.context.theme.type == "dark")
    headline = st.container()  # whose numbers take longer than figure 2, which is shown first
    st.altair_chart(
        figure2(figure_sections.layers(answers), dark=answers.dark), theme=None, width="stretch"
    )
    with headline, st.spinner("Computing …"):
        found = figure_sections.numbers(answers, (ALL,))
    with headline:
        _metrics(found)
    if frames["submissions"].empty:
        return
    st.write(trend_sentence(found))
    figure_sections.show(answers)


def _policy() -> Policy:
    chosen: Policy = st.segmented_control(
        "Which answers count where several people answered a key", POLICIES, default="gold",
        required=True, format_func=_POLICY_LABELS.__getitem__, key="figure policy",
        help="; ".join(f"{_POLICY_LABELS[name]}: {POLICY_WORDS[name]}" for name in POLICIES) + ".",
    )  # fmt: skip
    return chosen


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
    overall = found[(found["scope"] == ALL) & (found["type"] == "any")].set_index("measure")
    people = int(overall.at[KEYS, "annotators"])
    with st.container(horizontal=True):
        annotators = f"{people} annotator{'' if people == 1 else 's'}"
        _metric("Keys labelled", written(KEYS, overall.at[KEYS, "value"]), annotators, _paper(KEYS))
        for measure, label in _METRICS.items():
            row = overall.loc[measure]
            interval = interval_written(measure, row["ci_low"], row["ci_high"])
            doubt = f"95%: {interval}" if interval else row["note"]
            _metric(label, written(measure, row["value"]), doubt if people else "", _paper(measure))


def _metric(label: str, value: str, doubt: str, paper: str) -> None:
    with st.container(width=_METRIC_WIDTH, gap=None):
        st.metric(label, value)
        st.caption("  \n".join(filter(None, [doubt, paper])))


def _paper(measure: str) -> str:
    """What the paper reports; empty where it reports nothing."""
    number = paper_number(measure)
    if number is None:
        return ""
    if number.low == number.high:
        return f"{PAPER}: {written(measure, number.low)}"
    return f"{PAPER}: {interval_written(measure, number.low, number.high)}"
