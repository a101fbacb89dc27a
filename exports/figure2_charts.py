"""Figure 2: the share of trigger prefixes in each category, layer by layer. Needs no more than the
rows of `layer_statistics.csv`.
"""

import json
from typing import Any

import altair as alt
import pandas as pd

from exports.chart_axes import KNOWN, NOTHING_YET, interval_text, layer_axis, span, subtitle
from exports.chart_style import Look, empty_chart, styled
from exports.palette import CATEGORIES, CATEGORY_INKS, TYPE_LETTERS

_Y_TITLE = "share of trigger prefixes"
_BAR_HEIGHT, _PANEL_HEIGHT = 320, 170
_PAGE_HEIGHT = 260  # of a panel with what is around it, which a page fits into its height
# Vega expressions: letters as large as their bar is wide, and none where there is no room.
_LETTER_SIZE = "min(12, bandwidth('x') * (length(datum.letter) > 1 ? 0.42 : 0.55))"
_LETTER_FITS = "datum.share >= 0.06 && bandwidth('x') >= 14"
# In print type has one size, and what is wider than its bar stands on end.
_PRINT_FITS = "datum.share >= (length(datum.letter) > 1 ? 0.11 : 0.08) && bandwidth('x') >= 7"
_PRINT_ANGLE = "length(datum.letter) > 1 && bandwidth('x') < 16 ? 270 : 0"
_LETTERS = {
    **TYPE_LETTERS,
    "shallow+semantic": f"{TYPE_LETTERS['shallow']}+{TYPE_LETTERS['semantic']}",
    "not covered": "",
}


def figure2(statistics: pd.DataFrame, *, dark: bool = False, paper: bool = False) -> Any:
    """The paper's figure 2: a bar a layer, the four categories stacked to 100 %.

    `statistics` has the columns of `layer_statistics.csv`. Each part of a bar has its category's
    colour and letter, so that it reads without colour. Transparent; `dark` is for a dark page.
    Returns an Altair chart; without rows, one that says that there is nothing yet.
    """
    look = Look(dark, paper)
    title = "Patterns in trigger prefixes, by layer"
    if statistics.empty:
        return empty_chart(title, NOTHING_YET, look, height=_BAR_HEIGHT)
    bars = alt.Chart(_drawn(statistics)).encode(
        x=layer_axis(statistics),
        y=alt.Y(
            "share:Q",
            stack="zero",
            scale=alt.Scale(domain=[0, 1], nice=False),
            axis=alt.Axis(title=_Y_TITLE, format="%", tickCount=5),
        ),
        order=alt.Order("order:Q"),
        tooltip=_tooltip(),
    )
    filled = bars.mark_bar(
        stroke=look.neutrals.quiet if paper else look.neutrals.gap,
        strokeWidth=0.4 if paper else 1,
        width=alt.ExprRef("min(bandwidth('x'), 64)"),
    ).encode(
        color=_colour(
            look,
            alt.Legend(
                orient="top",
                title=None,
                symbolType="square",
                symbolStrokeColor=look.neutrals.quiet if paper else alt.Undefined,
                symbolStrokeWidth=0.4 if paper else alt.Undefined,
                direction="horizontal",
                columns=alt.ExprRef("width < 470 ? 2 : 4"),  # a narrow page
                labelExpr=_legend_labels(),
            ),
        )
    )
    lettered = bars.mark_text(
        fontSize=look.type if paper else alt.ExprRef(_LETTER_SIZE),
        angle=alt.ExprRef(_PRINT_ANGLE) if paper else 0,
    ).encode(
        y=alt.Y("share:Q", stack="zero", bandPosition=0.5),
        text="letter:N",
        color=alt.Color("ink:N", scale=None),
        opacity=alt.condition(_PRINT_FITS if paper else _LETTER_FITS, alt.value(1), alt.value(0)),
    )
    chart = (filled + lettered).properties(
        width=look.width(span(statistics)), height=look.height(_BAR_HEIGHT)
    )
    return styled(chart, look, title=title, subtitle=subtitle(statistics))


def figure2_intervals(statistics: pd.DataFrame, *, dark: bool = False, paper: bool = False) -> Any:
    """Figure 2's shares with their 95% intervals: a panel a category, a point a layer.

    Same input as `figure2`. An undefined interval (one key) is left out; its point stays.
    """
    look = Look(dark, paper)
    title = "Share of trigger prefixes in each category, with 95% intervals"
    if statistics.empty:
        return empty_chart(title, NOTHING_YET, look, height=_BAR_HEIGHT)
    undefined = statistics["ci_low"].isna()
    notes = [subtitle(statistics)]
    notes += [] if undefined.all() else ["bars: bootstrap over keys"]
    notes += ["no bar: a single key"] if undefined.any() else []
    width = look.width(span(statistics))
    panel = _interval_panel(statistics, look, _drawn(statistics)).properties(
        width=width if paper else max(width // 2, 200),
        height=62 if paper else _PANEL_HEIGHT,
    )
    chart = panel.facet(
        facet=alt.Facet("category:N", sort=list(CATEGORIES), title=None),
        columns=1 if paper else 2,
        spacing=8 if paper else 20,
    )
    return styled(chart, look, title=title, subtitle="; ".join(notes))


def figure2_interval_panels(statistics: pd.DataFrame, *, dark: bool = False) -> list[Any]:
    """The same panels as charts of their own, which a page can make as wide as it is."""
    look = Look(dark)
    rows = _drawn(statistics)
    return [
        styled(
            _interval_panel(statistics, look, rows[rows["category"] == category]).properties(
                height=_PAGE_HEIGHT
            ),
            look,
            title=category,
        )
        for category in CATEGORIES
        if not rows.empty
    ]


def _interval_panel(statistics: pd.DataFrame, look: Look, rows: pd.DataFrame) -> Any:
    """Points with intervals over the layers of all statistics; `rows` are what is drawn."""
    colours, paper = look.neutrals, look.paper
    base = alt.Chart().encode(x=layer_axis(statistics), tooltip=_tooltip())
    # A little more than 0 to 1, so that a point at either end lies within its panel.
    scale = alt.Scale(domain=[-0.03, 1.03], nice=False)
    axis = alt.Axis(
        title="share of prefixes" if paper else _Y_TITLE, format="%",
        values=[0, 0.5, 1] if paper else [0, 0.2, 0.4, 0.6, 0.8, 1],
    )  # fmt: skip
    intervals = (
        base.transform_filter(KNOWN)
        .mark_errorbar(ticks={"color": colours.quiet, "width": look.type / 2}, color=colours.quiet)
        .encode(y=alt.Y("ci_low:Q", scale=scale, axis=axis), y2="ci_high:Q")
    )
    points = base.mark_point(
        filled=True,
        size=look.point if span(statistics) <= 24 else look.point * 0.6,
        opacity=1,
        stroke=colours.quiet,
        strokeWidth=0.5 if paper else 1,
    ).encode(y=alt.Y("share:Q", scale=scale, axis=axis), color=_colour(look, None))
    return alt.layer(intervals, points, data=rows)


def _drawn(statistics: pd.DataFrame) -> pd.DataFrame:
    """The statistics with what the marks need beside the numbers."""
    category = statistics["category"]
    return statistics.assign(
        order=category.map(CATEGORIES.index),
        letter=category.map(_LETTERS),
        ink=category.map(CATEGORY_INKS),
        interval=interval_text(statistics, ".1%"),
    )


def _colour(look: Look, legend: Any) -> Any:
    scale = alt.Scale(domain=list(CATEGORIES), range=[look.colours[c] for c in CATEGORIES])
    return alt.Color("category:N", scale=scale, legend=legend)


def _legend_labels() -> str:
    labels = {c: f"{c} ({letter})" if (letter := _LETTERS[c]) else c for c in CATEGORIES}
    return f"{json.dumps(labels)}[datum.label]"


def _tooltip() -> list[Any]:
    return [
        alt.Tooltip("layer:O", title="layer"),
        alt.Tooltip("category:N", title="category"),
        alt.Tooltip("share:Q", title="share", format=".1%"),
        alt.Tooltip("interval:N", title="95% interval"),
        alt.Tooltip("prefixes:Q", title="prefixes", format=",.1~f"),
        alt.Tooltip("keys:Q", title="keys"),
        alt.Tooltip("annotators:Q", title="annotators"),
    ]
