"""The parts of the page Figures below figure 2: one of them is shown, and only that is computed.

What bootstraps is cached by the answers that it is computed from, so that another person's page
gives the same numbers for the same answers and never any for others.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import streamlit as st

from annotations.agreement_table import agreement_table
from annotations.answer_weights import Policy
from annotations.frames import of_people
from annotations.label_statistics import LAYER, MEASURES, PATTERNS_PER_KEY, SCOPES, label_statistics
from annotations.statistics import layer_statistics
from exports.agreement_charts import agreement_panels
from exports.figure2_charts import figure2_interval_panels
from exports.label_charts import coverage, patterns_per_key, time_per_key

_KEPT = 64  # tables of statistics; each is small
_SHARE = st.column_config.NumberColumn(format="percent")
_NUMBER = st.column_config.NumberColumn(format="%.3f")


@dataclass(frozen=True)
class Answers:
    """The answers that a person may see, and which of them count."""

    frames: Mapping[str, pd.DataFrame]
    policy: Policy
    dark: bool

    @cached_property
    def fingerprint(self) -> str:
        """Differs wherever the answers do; what they are about never changes."""
        found = hashlib.sha256()
        for name in ("annotators", "submissions", "patterns", "labels"):
            frame = self.frames[name]
            found.update(f"{name} {len(frame)}".encode())
            found.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
        places = self.frames["prefixes"][["layer", "key", "rank"]]
        found.update(pd.util.hash_pandas_object(places, index=False).to_numpy().tobytes())
        return found.hexdigest()


def _counted(answers: Answers) -> tuple[str, Policy]:
    return answers.fingerprint, answers.policy


def _all_answers(answers: Answers) -> str:
    return answers.fingerprint


@st.cache_data(max_entries=_KEPT, show_spinner=False, hash_funcs={Answers: _counted})
def numbers(
    answers: Answers, scopes: tuple[str, ...] = SCOPES, measures: tuple[str, ...] = MEASURES
) -> pd.DataFrame:
    """`label_statistics` of these answers."""
    return label_statistics(answers.frames, policy=answers.policy, scopes=scopes, measures=measures)


@st.cache_data(max_entries=_KEPT, show_spinner=False, hash_funcs={Answers: _counted})
def layers(answers: Answers) -> pd.DataFrame:
    """`layer_statistics` of these answers."""
    return layer_statistics(answers.frames, policy=answers.policy)


@st.cache_data(
    max_entries=_KEPT, show_spinner="Comparing answers …", hash_funcs={Answers: _all_answers}
)
def _agreement(answers: Answers) -> pd.DataFrame:
    return agreement_table(answers.frames)


def show(answers: Answers) -> None:
    """Let a person choose a part, and show that one."""
    chosen = st.segmented_control(
        "More figures", list(_SECTIONS), default=next(iter(_SECTIONS)), required=True,
        label_visibility="collapsed", key="figure section",
    )  # fmt: skip
    with st.spinner("Drawing …"):
        _SECTIONS[chosen](answers)


def _patterns(answers: Answers) -> None:
    found = numbers(answers, (LAYER,), (PATTERNS_PER_KEY,))
    st.altair_chart(patterns_per_key(found, dark=answers.dark), theme=None, width="stretch")


def _coverage(answers: Answers) -> None:
    st.altair_chart(coverage(layers(answers), dark=answers.dark), theme=None, width="stretch")


def _intervals(answers: Answers) -> None:
    st.caption(
        "Share of trigger prefixes in each category, with 95% intervals (bootstrap over keys; none"
        " where a layer has a single key)."
    )
    panels = figure2_interval_panels(layers(answers), dark=answers.dark)
    for row in (panels[:2], panels[2:]):  # a narrow page shows them one below the other
        for column, panel in zip(st.columns(2), row, strict=True):
            column.altair_chart(panel, theme=None, width="stretch")


def _time(answers: Answers) -> None:
    submissions = of_people(answers.frames)["submissions"]
    st.altair_chart(time_per_key(submissions, dark=answers.dark), theme=None, width="stretch")


def _agreement_section(answers: Answers) -> None:
    table = _agreement(answers)
    st.caption(
        "How far annotators agree on keys that two or more have answered; gold is not one of them."
        " Omega (Collins and Dent 1988) compares which prefixes are grouped together, whatever the"
        " patterns are called; 1 is full agreement, 0 what chance would reach."
    )
    for panel in agreement_panels(table, dark=answers.dark):
        st.altair_chart(panel, theme=None, width="stretch")
    if table.empty:
        return
    ends = zip(table["ci_low"], table["ci_high"], strict=True)
    shown = table.assign(
        interval=["" if pd.isna(low) else f"{low:.3f} to {high:.3f}" for low, high in ends]
    )
    st.dataframe(
        shown[["scope", "measure", "value", "interval", "keys", "annotators", "baseline", "note"]],
        hide_index=True,
        column_config={
            "value": _NUMBER,
            "interval": "95% interval",
            "baseline": st.column_config.NumberColumn("by chance", format="%.3f"),
            "note": st.column_config.TextColumn(width="large"),
        },
    )


def _tables(answers: Answers) -> None:
    st.caption("Figure 2: layers and categories.")
    st.dataframe(
        layers(answers), hide_index=True,
        column_config={"share": _SHARE, "ci_low": _SHARE, "ci_high": _SHARE},
    )  # fmt: skip
    st.caption("The other numbers, overall, by layer and by annotator; shares lie between 0 and 1.")
    st.dataframe(
        numbers(answers), hide_index=True,
        column_config={"value": _NUMBER, "ci_low": _NUMBER, "ci_high": _NUMBER},
    )  # fmt: skip


_SECTIONS: dict[str, Callable[[Answers], None]] = {
    "Patterns per key": _patterns,
    "Coverage": _coverage,
    "Agreement": _agreement_section,
    "Time": _time,
    "Intervals": _intervals,
    "The numbers": _tables,
}
