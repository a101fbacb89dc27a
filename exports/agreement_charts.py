"""How far annotators agree, layer by layer: omega, Krippendorff's alphas, F of patterns and what
chance would make of it. Needs no more than the rows of `agreement.csv`.
"""

from typing import Any

import altair as alt
import pandas as pd

from annotations.label_statistics import ALL
from exports.chart_axes import KNOWN, counted, interval_text, places_axis
from exports.chart_style import Look, empty_chart, styled

NOTHING_TO_COMPARE = "No key has two answers to compare yet."
_TITLE = "Agreement of annotators"
_HEIGHT, _PRINTED_HEIGHT = 130, 52
_PAGE_HEIGHT = 230  # of a panel with what is around it, which a page fits into its height
# Panel → measure → its name, shape and colour (Okabe and Ito's, but no category's).
_PANELS: dict[str, dict[str, tuple[str, str, str | None]]] = {
    "omega": {"omega": ("omega", "circle", None)},
    "alpha": {
        "alpha_masi": ("alpha, MASI", "circle", "#D55E00"),
        "alpha_jaccard": ("alpha, Jaccard", "triangle-up", "#56B4E9"),
        "alpha_nominal": ("alpha, nominal", "square", "#CC79A7"),
    },
    "F measure": {
        "pattern_f1": ("patterns, F1", "circle", "#D55E00"),
        "bcubed_f": ("B-cubed F", "triangle-up", "#56B4E9"),
    },
}
_CHANCE = "by chance"


def agreement(table: pd.DataFrame, *, dark: bool = False, paper: bool = False) -> Any:
    """Three panels over `all` and each layer, with 95 % intervals; higher is more agreement.

    `table` has the columns of `agreement.csv`. What is undefined has no point.
    """
    look = Look(dark, paper)
    rows = _drawn(table)
    if rows.empty:
        return empty_chart(_TITLE, NOTHING_TO_COMPARE, look, height=2 * _HEIGHT)
    height = _PRINTED_HEIGHT if paper else _HEIGHT
    chart = alt.vconcat(
        *_panels(rows, table, look, height), spacing=6 if paper else 14
    ).resolve_scale(color="independent", shape="independent", xOffset="independent")
    return styled(chart, look, title=_TITLE, subtitle=_about(rows))


def agreement_panels(table: pd.DataFrame, *, dark: bool = False) -> list[Any]:
    """The same panels as charts of their own, which a page can make as wide as it is."""
    look = Look(dark)
    rows = _drawn(table)
    if rows.empty:
        return [empty_chart(_TITLE, NOTHING_TO_COMPARE, look, height=_HEIGHT)]
    first, *others = _panels(rows, table, look, _PAGE_HEIGHT)
    about = _about(rows)
    return [
        styled(first, look, title=_TITLE, subtitle=about),
        *(styled(panel, look) for panel in others),
    ]


def _drawn(table: pd.DataFrame) -> pd.DataFrame:
    names = {name: told[0] for panel in _PANELS.values() for name, told in panel.items()}
    rows = table[table["measure"].isin(names) & table["value"].notna()]
    return rows.assign(
        place=rows["scope"].str.removeprefix("layer "),
        series=rows["measure"].map(names),
        interval=interval_text(rows, ".2f"),
    ).drop(columns=["note"])


def _about(rows: pd.DataFrame) -> list[str]:
    keys = counted(rows["keys"], "key", "keys")
    return [
        f"{keys} with two answers or more",
        "lines: 95% bootstrap over keys; dashes: ticks shuffled",
    ]


def _panels(rows: pd.DataFrame, table: pd.DataFrame, look: Look, height: int) -> list[Any]:
    places = _places(table["scope"])
    last = list(_PANELS)[-1]
    return [
        _panel(rows, name, places, look, last=name == last).properties(
            width=look.width(len(places)), height=height
        )
        for name in _PANELS
    ]


def _places(scopes: "pd.Series[str]") -> list[str]:
    layers = scopes[scopes != ALL].str.removeprefix("layer ").astype("int64")
    every = range(int(layers.min()), int(layers.max()) + 1) if len(layers) else range(0)
    return [ALL, *map(str, every)]


def _panel(rows: pd.DataFrame, name: str, places: list[str], look: Look, *, last: bool) -> Any:
    measures = _PANELS[name]
    own = rows[rows["measure"].isin(measures)]
    offset = alt.XOffset("measure:N", scale=alt.Scale(domain=list(measures), padding=0.6))
    least = min(0.0, float(own[["value", "ci_low", "baseline"]].min().min()) if len(own) else 0.0)
    scale = alt.Scale(domain=[least - 0.04, 1.04], nice=False)
    axis = alt.Axis(title=name, values=[-1, -0.5, 0, 0.5, 1])
    x = places_axis("place:N", places, told=last)
    base = alt.Chart(own).encode(x=x, xOffset=offset, tooltip=_tooltip())
    lines = (
        base.transform_filter(KNOWN)
        .mark_rule(color=look.neutrals.quiet, strokeWidth=0.7 if look.paper else 1.3)
        .encode(y=alt.Y("ci_low:Q", scale=scale, axis=axis), y2="ci_high:Q")
    )
    names = [told[0] for told in measures.values()]
    shapes = [told[1] for told in measures.values()]
    colours = [told[2] or look.neutrals.text for told in measures.values()]
    chance = bool(own["baseline"].notna().any())
    legend = alt.Legend(
        orient="top", title=None, direction="horizontal", symbolStrokeWidth=0.5,
        offset=2 if look.paper else 6,
    ) if len(names) > 1 else None  # fmt: skip
    points = base.mark_point(
        filled=True, opacity=1, size=look.point * 0.9, stroke=look.neutrals.text,
        strokeWidth=0.3 if look.paper else 0.6,
    ).encode(
        y=alt.Y("value:Q", scale=scale, axis=axis),
        shape=alt.Shape(
            "series:N", legend=legend, scale=alt.Scale(
                domain=[*names, *[_CHANCE] * chance], range=[*shapes, *["stroke"] * chance]
            ),
        ),
        color=alt.Color(
            "series:N", legend=legend, scale=alt.Scale(
                domain=[*names, *[_CHANCE] * chance],
                range=[*colours, *[look.neutrals.text] * chance],
            ),
        ),
    )  # fmt: skip
    by_chance = (
        base.transform_filter("isValid(datum.baseline)")
        .mark_tick(color=look.neutrals.text, thickness=1 if look.paper else 1.5,
                   width=4 if look.paper else 9)
        .encode(y=alt.Y("baseline:Q", scale=scale, axis=axis))
    )  # fmt: skip
    return alt.layer(lines, by_chance, points)


def _tooltip() -> list[Any]:
    return [
        alt.Tooltip("scope:N", title="scope"),
        alt.Tooltip("series:N", title="measure"),
        alt.Tooltip("value:Q", title="value", format=".2f"),
        alt.Tooltip("interval:N", title="95% interval"),
        alt.Tooltip("baseline:Q", title=_CHANCE, format=".2f"),
        alt.Tooltip("keys:Q", title="keys"),
        alt.Tooltip("annotators:Q", title="annotators"),
    ]
