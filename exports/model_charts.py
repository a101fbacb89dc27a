"""Charts of the paper's figures 3 to 10 and table 3, drawn from their CSV files alone.

A family with figure 2: layers along x, every number with its 95 % interval, chance dashed. What is
told apart has a shape or a letter beside its colour. Transparent; a `look` is a dark or a light
page, or print.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from exports.chart_axes import layer_axis
from exports.chart_style import PAGE, Look, empty_chart, styled
from exports.model_chart_parts import (
    HEIGHT,
    INTERVALS,
    KNOWN,
    counted,
    dashed,
    distinct,
    finished,
    legend,
    over_layers,
    rule,
    series,
    tips,
    width,
)  # fmt: skip
from exports.model_figures import read_figures
from exports.palette import MODEL_COLOURS, MODEL_INK, SERIES_COLOURS

NO_ROWS = "Nothing was counted for these layers."
_SHOWN = 25  # of table 3's values
_NAMES = 70  # points that their names take in print
_PAPER_ZERO_AGREEMENT = 0.68  # in at least so many inputs, whatever the layer
_CHANGES = alt.Axis(
    title="change of coefficient", labelExpr="format(datum.value, datum.value > 0 ? '+.0%' : '.0%')"
)
_LETTERS = {"agreement": "A", "residual": "R", "ffn": "F", "composition": "C"}
_LETTER_SIZE = "min(12, bandwidth('x') * 0.55)"
_LETTER_FITS = "datum.value >= 0.06 && bandwidth('x') >= 14"
# In the order of the palette's series.
_REMOVED = {"last": "the last token", "first": "the first token", "random": "a random token"}
_TRIGGER = {"top_1": "next token of the best trigger", "any": "of any of its triggers"}


def figure3(rows: pd.DataFrame, look: Look = PAGE) -> Any:
    """The change of coefficients when the first, the last or a random token is removed."""
    scale = alt.Scale(domainMax=max(0.05, float(rows["ci_high"].max())), nice=True)
    chart = series(
        rows, "removed", _REMOVED, _CHANGES, scale,
        look, spread=True,
    )  # fmt: skip
    chart = alt.layer(rule(0, scale, look), chart)
    keys = counted(rows["keys"], "keys")
    return finished(
        chart, rows, "Coefficients of triggers when a token is removed",
        f"Triggers of {keys} a layer; {INTERVALS}", look,
    )  # fmt: skip


def figure4(rows: pd.DataFrame, look: Look = PAGE) -> Any:
    """The agreement rate of values with the next token, and what chance would give."""
    scale = alt.Scale(domainMin=0, nice=True)
    chances = [
        dashed(float(own["chance"].iloc[0]), scale, look)
        for _, own in rows[rows["chance"].notna()].groupby("trigger")
    ]
    chart = series(
        rows,
        "trigger",
        _TRIGGER,
        alt.Axis(title="share of keys", format=".1~%", tickCount=5),
        scale,
        look,
    )
    level = " and ".join(f"{one:.2%}" for one in distinct(rows["chance"]))
    return finished(
        alt.layer(*chances, chart), rows, "Values whose top token is the next token",
        f"{counted(rows['count'], 'keys')} a layer; {INTERVALS}; dashed: chance, {level}", look,
    )  # fmt: skip


def figure5(rows: pd.DataFrame, look: Look = PAGE) -> Any:
    """The distribution of the next token's rank: box of the middle half, line of nine tenths."""
    colours = look.neutrals
    wide = rows.pivot_table(index="layer", columns="quantile", values="value").add_prefix("q")
    median = rows[rows["quantile"] == 0.5].set_index("layer")
    data = wide.join(median[["ci_low", "ci_high", "count", "chance"]]).reset_index()
    data.columns = [str(name).replace(".", "_") for name in data.columns]
    scale = alt.Scale(type="log", domainMin=1, nice=False)
    tens = [10**power for power in range(1 + len(str(int(rows["ci_high"].max()))))]
    axis = alt.Axis(title="rank (1 = top token)", format=",", values=tens)
    base = alt.Chart(data).encode(x=layer_axis(rows), tooltip=tips(
        ("layer:O", "layer", ""), ("q0_5:Q", "median", ",.0f"), ("ci_low:Q", "from", ",.0f"),
        ("ci_high:Q", "to", ",.0f"), ("q0_25:Q", "25%", ",.0f"), ("q0_75:Q", "75%", ",.0f"),
        ("count:Q", "keys", ","),
    ))  # fmt: skip
    wide_as = alt.ExprRef("min(bandwidth('x') * 0.62, 40)")
    low = alt.Y("q0_05:Q", scale=scale, axis=axis)
    whisker = base.mark_rule(color=colours.quiet).encode(y=low, y2="q0_95:Q")
    box = base.mark_bar(
        width=wide_as, color=SERIES_COLOURS[1], stroke=colours.quiet, strokeWidth=1
    ).encode(y=alt.Y("q0_25:Q", scale=scale), y2="q0_75:Q")
    interval = base.mark_rule(color=MODEL_INK, strokeWidth=4).encode(
        y=alt.Y("ci_low:Q", scale=scale), y2="ci_high:Q"
    )
    tick = base.mark_tick(
        color=MODEL_INK, thickness=2, width=wide_as, orient="horizontal"
    ).encode(y=alt.Y("q0_5:Q", scale=scale))  # fmt: skip
    chance = [] if data["chance"].isna().all() else [
        dashed(float(data["chance"].dropna().iloc[0]), scale, look)
    ]  # fmt: skip
    return finished(
        alt.layer(*chance, whisker, box, interval, tick), rows,
        "Rank of the next token in the value's distribution",
        "Box: middle half; line: 5% to 95%; bar: median, 95% interval; dashed: its chance level",
        look,
    )  # fmt: skip


def table3(rows: pd.DataFrame, look: Look = PAGE) -> Any:
    """The surest values: how probable their token is, and how often it follows the triggers."""
    colours = look.neutrals
    first = rows.sort_values("place").head(_SHOWN)
    data = first.assign(
        name=[
            f"{shown_token(one.top_token)}   {one.layer}·{one.key}"
            for one in first.itertuples()
        ]
    )  # fmt: skip
    scale = alt.Scale(domain=[-0.02, 1.02], nice=False)
    x = alt.X(
        "value:Q", scale=scale,
        axis=alt.Axis(title="share of trigger prefixes", format="%", tickCount=5, grid=True),
    )  # fmt: skip
    # Places differ, names may not.
    names = json.dumps(dict(zip(map(str, data["place"]), data["name"], strict=True)))
    base = alt.Chart(data).encode(
        y=alt.Y(
            "place:O",
            axis=alt.Axis(
                title=None, grid=False, labelExpr=f"{names}[datum.label]", labelLimit=160
            ),
        ),
        tooltip=tips(
            ("top_token:N", "token", ""), ("layer:O", "layer", ""), ("key:O", "key", ""),
            ("max_probability:Q", "probability", ".2%"), ("value:Q", "matching triggers", ".0%"),
            ("count:Q", "triggers", ","),
        ),
    )  # fmt: skip
    known = base.transform_filter(KNOWN)
    lines = known.mark_rule(color=colours.quiet).encode(
        x=alt.X("ci_low:Q", scale=scale), x2="ci_high:Q"
    )
    matching = known.mark_point(
        filled=True, size=look.point, opacity=1, color=SERIES_COLOURS[0], stroke=colours.quiet,
        strokeWidth=1,
    ).encode(x=x)  # fmt: skip
    matched = int((rows["value"] > 0).sum())
    return styled(
        alt.layer(lines, matching).properties(
            width=width(rows, look, _NAMES if look.paper else 0),
            height=(9 if look.paper else 18) * max(len(data), 2),
        ),
        look,
        title="Surest values: triggers that their top token follows",
        subtitle=f"Token, layer·key; {len(data)} of {len(rows)} shown, {matched} of {len(rows)}"
        f" follow a trigger; {INTERVALS}",
    )  # fmt: skip


def figure6(rows: pd.DataFrame, look: Look = PAGE) -> Any:
    """The share of memories that are active."""
    return over_layers(
        rows, "Active memories", "share of memories", alt.Scale(domainMin=0, nice=True), look,
    )  # fmt: skip


def figure7(rows: pd.DataFrame, look: Look = PAGE) -> Any:
    """The zero-agreement rate, and the lowest that the paper finds in its model."""
    scale = alt.Scale(domain=[0, 1])
    return over_layers(
        rows, "Outputs that are no active memory's own top word", "share of prefixes", scale, look,
        reference=(_PAPER_ZERO_AGREEMENT, "dashed: the paper's model in its lowest layer, 68%"),
    )  # fmt: skip


def figure8(rows: pd.DataFrame, look: Look = PAGE) -> Any:
    """How often the residual stream's top word is already the prediction."""
    scale = alt.Scale(domain=[0, 1])
    return over_layers(
        rows, "Residual stream says the final prediction already", "share of prefixes", scale, look
    )


def figure9(rows: pd.DataFrame, look: Look = PAGE) -> Any:
    """The probability that the residual stream gives to the prediction."""
    scale = alt.Scale(domain=[0, 1])
    return over_layers(
        rows, "Probability of the final prediction in the residual stream", "mean probability",
        scale, look,
    )  # fmt: skip


def figure10(rows: pd.DataFrame, look: Look = PAGE) -> Any:
    """Where the top word after the layer comes from: four parts, stacked to 100 %."""
    order = list(MODEL_COLOURS)
    data = rows.assign(
        order=rows["category"].map(order.index), letter=rows["category"].map(_LETTERS)
    )
    labels = json.dumps({name: f"{name} ({letter})" for name, letter in _LETTERS.items()})
    axis = alt.Axis(title="share of prefixes", format="%", tickCount=5)
    bars = alt.Chart(data).encode(
        x=layer_axis(rows),
        y=alt.Y("value:Q", stack="zero", scale=alt.Scale(domain=[0, 1]), axis=axis),
        order=alt.Order("order:Q"),
        tooltip=tips(
            ("layer:O", "layer", ""), ("category:N", "category", ""), ("value:Q", "share", ".1%"),
            ("ci_low:Q", "from", ".1%"), ("ci_high:Q", "to", ".1%"), ("count:Q", "prefixes", ","),
        ),
    )  # fmt: skip
    filled = bars.mark_bar(
        stroke=look.neutrals.gap, strokeWidth=1, width=alt.ExprRef("min(bandwidth('x'), 64)")
    ).encode(
        color=alt.Color(
            "category:N", scale=alt.Scale(domain=order, range=list(MODEL_COLOURS.values())),
            legend=legend("square", labels, "width < 470 ? 2 : 4"),
        )
    )  # fmt: skip
    letters = bars.mark_text(fontSize=alt.ExprRef(_LETTER_SIZE), color=MODEL_INK).encode(
        y=alt.Y("value:Q", stack="zero", bandPosition=0.5), text="letter:N",
        opacity=alt.condition(_LETTER_FITS, alt.value(1), alt.value(0)),
    )  # fmt: skip
    half = float((rows["ci_high"] - rows["ci_low"]).max() / 2)
    return finished(
        filled + letters, rows, "Where the top word after a layer comes from",
        f"{counted(rows['count'], 'prefixes')} a layer; 95% intervals within ±{half:.1%}", look,
    )  # fmt: skip


MODEL_CHARTS: Mapping[str, Callable[..., Any]] = {
    figure.__name__: figure
    for figure in (
        figure3, figure4, figure5, table3, figure6, figure7, figure8, figure9, figure10
    )
}  # fmt: skip


def drawn(name: str, rows: pd.DataFrame, *, dark: bool = False, paper: bool = False) -> Any:
    """The chart of a figure; one that says so where it has no rows."""
    look = Look(dark, paper)
    if rows.empty:
        title = name.replace("figure", "Figure ").replace("table", "Table ")
        return empty_chart(title, NO_ROWS, look, height=HEIGHT)
    return MODEL_CHARTS[name](rows, look)


def for_a_page(name: str, rows: pd.DataFrame, *, dark: bool) -> tuple[Any, str]:
    """A figure's chart without the title that a page has already, and its subtitle as text."""
    chart = drawn(name, rows, dark=dark)
    about = chart.to_dict().get("title", "")
    return chart.properties(title=""), about["subtitle"] if isinstance(about, dict) else ""


def model_charts(folder: Path, *, paper: bool = False) -> dict[str, Any]:
    """A chart for each figure of a model that a folder holds as CSV; see `read_figures`."""
    return {name: drawn(name, rows, paper=paper) for name, rows in read_figures(folder).items()}


def shown_token(token: str) -> str:
    """A token such that white space in it can be seen."""
    visible = token.replace("\n", "␊").replace("\t", "␉").replace("\r", "␍")
    return f"“{visible}”"
