"""Charts of a dataset, drawn from its CSV files alone: whoever holds a dataset can redraw them.

A chart is an Altair chart: the app shows it as it is, `draw_charts` makes PNG (300 dpi), SVG and
Vega-Lite JSON of it. The JSON holds its data; nothing is fetched. Same input, same bytes.
"""

import json
import math
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from exports.chart_style import PAPER, empty_chart, neutrals, styled
from exports.columns import STATISTICS
from exports.folders import write_files
from exports.model_charts import model_charts
from exports.palette import CATEGORIES, CATEGORY_COLOURS, CATEGORY_INKS, TYPE_LETTERS
from exports.statistics_file import read_statistics

NOTHING_YET = "Nothing has been submitted yet."
_PPI = 300
_VEGALITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])  # the version that wrote the chart draws it
_Y_TITLE = "share of trigger prefixes"
_BAR_HEIGHT, _PANEL_HEIGHT = 320, 170
# Vega expressions: letters as large as their bar is wide, and none where there is no room.
_LETTER_SIZE = "min(12, bandwidth('x') * (length(datum.letter) > 1 ? 0.42 : 0.55))"
_LETTER_FITS = "datum.share >= 0.06 && bandwidth('x') >= 14"
_LETTERS = {
    **TYPE_LETTERS,
    "shallow+semantic": f"{TYPE_LETTERS['shallow']}+{TYPE_LETTERS['semantic']}",
    "not covered": "",
}


def figure2(statistics: pd.DataFrame, *, dark: bool = False) -> Any:
    """The paper's figure 2: a bar a layer, the four categories stacked to 100 %.

    `statistics` has the columns of `layer_statistics.csv`. Each part of a bar has its category's
    colour and letter, so that it reads without colour. Transparent; `dark` is for a dark page.
    Returns an Altair chart; without rows, one that says that there is nothing yet.
    """
    title = "Patterns in the trigger prefixes of each layer"
    if statistics.empty:
        return empty_chart(title, NOTHING_YET, width=_width(1), height=_BAR_HEIGHT, dark=dark)
    bars = alt.Chart(_drawn(statistics)).encode(
        x=_layer_axis(statistics),
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
        stroke=neutrals(dark).gap,
        strokeWidth=1,
        width=alt.ExprRef("min(bandwidth('x'), 64)"),
    ).encode(
        color=_colour(
            alt.Legend(
                orient="top",
                title=None,
                symbolType="square",
                direction="horizontal",
                columns=alt.ExprRef("width < 470 ? 2 : 4"),  # a narrow page
                labelExpr=_legend_labels(),
            )
        )
    )
    lettered = bars.mark_text(fontSize=alt.ExprRef(_LETTER_SIZE)).encode(
        y=alt.Y("share:Q", stack="zero", bandPosition=0.5),
        text="letter:N",
        color=alt.Color("ink:N", scale=None),
        opacity=alt.condition(_LETTER_FITS, alt.value(1), alt.value(0)),
    )
    chart = (filled + lettered).properties(
        width=_width(_span(statistics)),
        height=_BAR_HEIGHT,
        title=alt.Title(title, subtitle=_subtitle(statistics)),
    )
    return styled(chart, dark=dark)


def figure2_intervals(statistics: pd.DataFrame, *, dark: bool = False) -> Any:
    """Figure 2's shares with their 95% intervals: a panel a category, a point a layer.

    Same input as `figure2`. An undefined interval (one key) is left out; its point stays.
    """
    title = "Share of trigger prefixes in each category, with 95% intervals"
    if statistics.empty:
        return empty_chart(title, NOTHING_YET, width=_width(1), height=_BAR_HEIGHT, dark=dark)
    colours = neutrals(dark)
    undefined = statistics["ci_low"].isna()
    notes = [_subtitle(statistics)]
    notes += [] if undefined.all() else ["bars: bootstrap over keys"]
    notes += ["no bar: a single key"] if undefined.any() else []
    base = alt.Chart().encode(x=_layer_axis(statistics), tooltip=_tooltip())
    # A little more than 0 to 1, so that a point at either end lies within its panel.
    scale = alt.Scale(domain=[-0.03, 1.03], nice=False)
    axis = alt.Axis(title=_Y_TITLE, format="%", values=[0, 0.2, 0.4, 0.6, 0.8, 1])
    known = "isValid(datum.ci_low) && isValid(datum.ci_high)"
    intervals = (
        base.transform_filter(known)
        .mark_errorbar(ticks={"color": colours.quiet, "width": 6}, color=colours.quiet)
        .encode(y=alt.Y("ci_low:Q", scale=scale, axis=axis), y2="ci_high:Q")
    )
    points = base.mark_point(
        filled=True,
        size=50 if _span(statistics) <= 24 else 30,
        opacity=1,
        stroke=colours.quiet,
        strokeWidth=1,
    ).encode(y=alt.Y("share:Q", scale=scale, axis=axis), color=_colour(None))
    panel = alt.layer(intervals, points, data=_drawn(statistics)).properties(
        width=max(_width(_span(statistics)) // 2, 200), height=_PANEL_HEIGHT
    )
    chart = panel.facet(
        facet=alt.Facet("category:N", sort=list(CATEGORIES), title=None), columns=2
    ).properties(title=alt.Title(title, subtitle="; ".join(notes)))
    return styled(chart, dark=dark)


CHARTS = {"figure2": figure2, "figure2_intervals": figure2_intervals}


def draw_charts(dataset: Path, out: Path) -> list[Path]:
    """Draw every chart of a dataset folder as PNG, SVG and Vega-Lite JSON into `out`.

    A folder with the model's figures alone will do. Returns the paths written. Raises DatasetError
    where there is no CSV file for any chart, or one is not drawable.
    """
    drawn = model_charts(dataset)
    if not drawn or (dataset / STATISTICS).is_file():
        statistics = read_statistics(dataset)
        drawn = {name: chart(statistics) for name, chart in CHARTS.items()} | drawn
    files: dict[str, bytes] = {}
    for name, chart in drawn.items():
        spec = chart.properties(background=PAPER).to_dict()
        files[f"{name}.png"] = vl_convert.vegalite_to_png(
            spec, _VEGALITE, ppi=_PPI, allowed_base_urls=[]
        )
        drawing = vl_convert.vegalite_to_svg(spec, _VEGALITE, allowed_base_urls=[])
        files[f"{name}.svg"] = drawing.encode("utf-8")
        text = json.dumps(spec, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False)
        files[f"{name}.json"] = (text + "\n").encode("utf-8")
    return write_files(out, files)


def _drawn(statistics: pd.DataFrame) -> pd.DataFrame:
    """The statistics with what the marks need beside the numbers."""
    category = statistics["category"]
    return statistics.assign(
        order=category.map(CATEGORIES.index),
        letter=category.map(_LETTERS),
        ink=category.map(CATEGORY_INKS),
        interval=[
            "undefined (one key)" if math.isnan(low) else f"{low:.1%} – {high:.1%}"
            for low, high in zip(statistics["ci_low"], statistics["ci_high"], strict=True)
        ],
    )


def _span(statistics: pd.DataFrame) -> int:
    return int(statistics["layer"].max() - statistics["layer"].min()) + 1


def _width(layers: int) -> int:
    """Pixels of a chart with so many layers: room for the legend at least, a page at most."""
    return min(max(36 * layers, 480), 960)


def _layer_axis(statistics: pd.DataFrame) -> Any:
    """One place a layer from the first to the last, also for a layer without an answer yet."""
    domain = list(range(int(statistics["layer"].min()), int(statistics["layer"].max()) + 1))
    return alt.X(
        "layer:O",
        scale=alt.Scale(domain=domain, paddingInner=0.15, paddingOuter=0.1),
        axis=alt.Axis(
            title="layer", labelAngle=0, labelOverlap=True, labelSeparation=4, grid=False
        ),
    )


def _colour(legend: Any) -> Any:
    scale = alt.Scale(domain=list(CATEGORIES), range=[CATEGORY_COLOURS[c] for c in CATEGORIES])
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


def _subtitle(statistics: pd.DataFrame) -> str:
    keys = _counted(statistics["keys"], "key", "keys")
    people = _counted(statistics["annotators"], "annotator", "annotators")
    return f"{keys} and {people} a layer"


def _counted(numbers: "pd.Series[int]", one: str, many: str) -> str:
    low, high = int(numbers.min()), int(numbers.max())
    amount = str(high) if low == high else f"{low}–{high}"
    return f"{amount} {one if high == 1 else many}"
