"""Patterns per key, coverage and time per key, layer by layer."""

from typing import Any

import altair as alt
import pandas as pd

from annotations.categories import NOT_COVERED, submitted
from annotations.label_statistics import COVERAGE, PATTERNS_PER_KEY
from annotations.paper_numbers import paper_number
from annotations.tables import GOLD, SEMANTIC, SHALLOW
from exports.chart_axes import (
    KNOWN,
    NOTHING_YET,
    REFERENCE_MARGIN,
    counted,
    interval_text,
    layer_axis,
    reference,
    span,
    told,
)
from exports.chart_style import Look, empty_chart, styled
from exports.palette import CATEGORY_INKS, TYPE_LETTERS

_HEIGHT = 320
_ASIDE = "min(bandwidth('x'), 48) * 0.22"  # of a bar's middle
_QUANTILES = {"low": 0.05, "lower": 0.25, "middle": 0.5, "upper": 0.75, "high": 0.95}
NOT_TIMED = "There is no timed answer yet."


def patterns_per_key(statistics: pd.DataFrame, *, dark: bool = False, paper: bool = False) -> Any:
    """How many patterns a key has: shallow and semantic ones stacked, the interval of their sum.

    `statistics` are rows of `label_statistics`; the dashed line is the paper's number.
    """
    look = Look(dark, paper)
    title = "Patterns per key"
    rows = statistics[statistics["measure"] == PATTERNS_PER_KEY]
    rows = rows[rows["scope"].str.startswith("layer ")]
    if rows.empty:
        return empty_chart(title, NOTHING_YET, look, height=_HEIGHT)
    rows = rows.assign(
        layer=rows["scope"].str.removeprefix("layer ").astype("int64"),
        interval=interval_text(rows, ".1f"),
        letter=rows["type"].map(TYPE_LETTERS).fillna(""),
        ink=rows["type"].map(CATEGORY_INKS).fillna(""),
    ).drop(columns=["scope", "measure", "note"])
    number = paper_number(PATTERNS_PER_KEY)
    assert number is not None
    top = max(rows["value"].max(), rows["ci_high"].fillna(0).max(), number.high) * 1.08
    scale = alt.Scale(domain=[0, float(top)], nice=False)
    base = alt.Chart(rows).encode(x=layer_axis(rows), tooltip=_tooltip("type", "patterns", ".2f"))
    sums = base.transform_filter("datum.type == 'any'")
    lines = _lines(sums, scale, look, xOffset=alt.ExprRef(_ASIDE))
    halo = _lines(
        sums, scale, look, xOffset=alt.ExprRef(_ASIDE), color=look.neutrals.gap,
        strokeWidth=2 if paper else 4,
    )  # fmt: skip
    mark, word = reference(number.low, number.high, scale, look)
    bars = _stacked(base, scale, float(top), look)
    chart = _sized(alt.layer(*bars, mark, halo, lines, word), rows, look)
    about = told(rows[rows["type"] == "any"], f"dashed: the paper's {number.low}")
    return styled(chart, look, title=title, subtitle=about)


def _stacked(base: Any, scale: Any, top: float, look: Look) -> tuple[Any, Any]:
    """Bars of shallow patterns and of semantic ones above them, and their letters."""
    paper = look.paper
    axis = alt.Axis(title="patterns per key", tickCount=5)
    bars = base.transform_filter("datum.type != 'any'").encode(
        y=alt.Y("value:Q", stack="zero", scale=scale, axis=axis),
        order=alt.Order("order:Q"),
    ).transform_calculate(order=f"datum.type == '{SHALLOW}' ? 0 : 1")  # fmt: skip
    filled = bars.mark_bar(
        stroke=look.neutrals.quiet if paper else look.neutrals.gap,
        strokeWidth=0.4 if paper else 1,
        width=alt.ExprRef("min(bandwidth('x'), 48)"),
    ).encode(color=_type_colours(look))
    # At the left foot of each part; the interval's line is on the right.
    letters = bars.mark_text(
        fontSize=look.type if paper else alt.ExprRef("min(12, bandwidth('x') * 0.55)"),
        baseline="bottom",
        dy=-2,
        xOffset=alt.ExprRef(f"-{_ASIDE}"),
    ).encode(
        y=alt.Y("value:Q", stack="zero", bandPosition=0),
        text="letter:N",
        color=alt.Color("ink:N", scale=None),
        opacity=alt.condition(
            f"datum.value >= {top * 0.08} && bandwidth('x') >= 7", alt.value(1), alt.value(0)
        ),
    )
    return filled, letters


def _type_colours(look: Look) -> Any:
    types = [SHALLOW, SEMANTIC]
    return alt.Color(
        "type:N",
        scale=alt.Scale(domain=types, range=[look.colours[kind] for kind in types]),
        legend=alt.Legend(
            orient="top",
            title=None,
            symbolType="square",
            symbolStrokeWidth=0.4 if look.paper else 1,
            direction="horizontal",
            labelExpr=f"datum.label == '{SHALLOW}' ? '{SHALLOW} ({TYPE_LETTERS[SHALLOW]})'"
            f" : '{SEMANTIC} ({TYPE_LETTERS[SEMANTIC]})'",
        ),
    )


def coverage(statistics: pd.DataFrame, *, dark: bool = False, paper: bool = False) -> Any:
    """The share of trigger prefixes in at least one pattern; the band is the paper's range.

    `statistics` has the columns of `layer_statistics.csv`.
    """
    look = Look(dark, paper)
    title = "Trigger prefixes covered by a pattern"
    bare = statistics[statistics["category"] == NOT_COVERED]
    if bare.empty:
        return empty_chart(title, NOTHING_YET, look, height=_HEIGHT)
    rows = pd.DataFrame(
        {
            "layer": bare["layer"],
            "value": 1 - bare["share"],
            "ci_low": 1 - bare["ci_high"],
            "ci_high": 1 - bare["ci_low"],
            "keys": bare["keys"],
            "annotators": bare["annotators"],
        }
    ).reset_index(drop=True)
    rows["interval"] = interval_text(rows, ".1%")
    number = paper_number(COVERAGE)
    assert number is not None
    scale = alt.Scale(domain=[-0.03, 1.03], nice=False)
    axis = alt.Axis(title="share of trigger prefixes", format="%", values=[0, 0.25, 0.5, 0.75, 1])
    base = alt.Chart(rows).encode(x=layer_axis(rows), tooltip=_tooltip("", "covered", ".1%"))
    points = base.mark_point(
        filled=True, size=look.point, opacity=1, color=look.neutrals.text
    ).encode(y=alt.Y("value:Q", scale=scale, axis=axis))
    mark, word = reference(number.low, number.high, scale, look)
    chart = _sized(alt.layer(mark, _lines(base, scale, look), points, word), rows, look)
    about = told(rows, "band: the paper's 65 to 80%")
    return styled(chart, look, title=title, subtitle=about)


def time_per_key(submissions: pd.DataFrame, *, dark: bool = False, paper: bool = False) -> Any:
    """How long people took for an answer. `submissions` has the columns of `submissions.csv`.

    Gold answers are decided, not found, and are left out; machines are the caller's to leave out.
    """
    look = Look(dark, paper)
    title = "Time spent on an answer"
    answers = submitted(submissions)
    answers = answers[answers["annotator"] != GOLD]
    if answers.empty:
        return empty_chart(title, NOT_TIMED, look, height=_HEIGHT)
    layers = answers.groupby("layer")
    rows = pd.DataFrame(
        {name: layers["seconds"].quantile(at) / 60 for name, at in _QUANTILES.items()}
    )
    rows["answers"] = layers.size()
    rows["annotators"] = layers["annotator"].nunique()
    rows = rows.reset_index()
    ends = [
        alt.Tooltip(f"{name}:Q", title=f"{at:.0%}", format=".1f") for name, at in _QUANTILES.items()
    ]
    base = alt.Chart(rows).encode(
        x=layer_axis(rows),
        tooltip=[alt.Tooltip("layer:O"), *ends, alt.Tooltip("answers:Q")],
    )
    top = max(float(rows["high"].max()), 0.1) * 1.05
    scale = alt.Scale(domain=[0, top], nice=False)
    y = alt.Y("low:Q", scale=scale, axis=alt.Axis(title="minutes", tickCount=5))
    colours = look.neutrals
    lines = base.mark_rule(color=colours.quiet, strokeWidth=look.type / 8).encode(y=y, y2="high:Q")
    width = alt.ExprRef("min(bandwidth('x') * 0.7, 28)")
    boxes = base.mark_bar(
        color=colours.band, stroke=colours.quiet, strokeWidth=look.type / 16, width=width
    ).encode(y=alt.Y("lower:Q"), y2="upper:Q")
    middles = base.mark_tick(
        color=colours.text, thickness=1.2 if paper else 2.5, width=width
    ).encode(y="middle:Q")
    answered = counted(rows["answers"], "answer", "answers")
    people = counted(rows["annotators"], "annotator", "annotators")
    about = [f"{answered} and {people} a layer", "bold: median, box: middle half, line: 5 to 95%"]
    chart = _sized(alt.layer(lines, boxes, middles), rows, look, margin=0)
    return styled(chart, look, title=title, subtitle=about)


def _lines(base: Any, scale: Any, look: Look, **marked: Any) -> Any:
    plain = {"color": look.neutrals.text, "strokeWidth": 0.8 if look.paper else 1.5}
    known = base.transform_filter(KNOWN).mark_rule(**(plain | marked))
    return known.encode(y=alt.Y("ci_low:Q", scale=scale), y2="ci_high:Q")


def _sized(chart: Any, rows: pd.DataFrame, look: Look, margin: int = REFERENCE_MARGIN) -> Any:
    return chart.properties(
        width=look.width(span(rows), margin=margin), height=look.height(_HEIGHT)
    )


def _tooltip(kind: str, what: str, form: str) -> list[Any]:
    return [
        alt.Tooltip("layer:O", title="layer"),
        *([alt.Tooltip(f"{kind}:N", title=kind)] if kind else []),
        alt.Tooltip("value:Q", title=what, format=form),
        alt.Tooltip("interval:N", title="95% interval"),
        alt.Tooltip("keys:Q", title="keys"),
        alt.Tooltip("annotators:Q", title="annotators"),
    ]
