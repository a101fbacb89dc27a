"""What the charts of the model's figures share: points with intervals over the layers, and lines to
compare with."""

from typing import Any

import altair as alt
import pandas as pd

from exports.chart_axes import layer_axis, span
from exports.chart_style import Look, styled
from exports.palette import SERIES_COLOURS, SERIES_SHAPES

HEIGHT = 260
INTERVALS = "lines: 95% intervals"
KNOWN = "isValid(datum.value)"


def over_layers(
    rows: pd.DataFrame, title: str, y_title: str, scale: Any, look: Look,
    reference: tuple[float, str] | None = None,
) -> Any:  # fmt: skip
    """One series over the layers, and perhaps a line to compare it with."""
    axis = alt.Axis(title=y_title, format="~%", tickCount=5)
    chart = series(rows.assign(series=""), "series", {"": ""}, axis, scale, look)
    told = f"{counted(rows['count'], 'prefixes')} a layer; {INTERVALS}"
    if reference is not None:
        chart = alt.layer(dashed(reference[0], scale, look), chart)
        told += f"; {reference[1]}"
    return finished(chart, rows, title, told, look)


def series(
    rows: pd.DataFrame, column: str, names: dict[str, str], axis: Any, scale: Any, look: Look,
    *, spread: bool = False,
) -> Any:  # fmt: skip
    """Points with intervals, joined, a colour and a shape each; `spread` beside each other."""
    colours = look.neutrals
    order = list(names.values())
    data = rows.assign(**{column: rows[column].map(names)})
    base = alt.Chart(data).transform_filter(KNOWN).encode(x=layer_axis(rows))
    if spread:
        inner = alt.Scale(domain=order, paddingInner=0.2, paddingOuter=1)
        base = base.encode(xOffset=alt.XOffset(f"{column}:N", sort=order, scale=inner))
    colour = alt.Color(
        f"{column}:N", scale=alt.Scale(domain=order, range=list(SERIES_COLOURS[: len(order)])),
        legend=legend("circle", None, "width < 400 ? 1 : 3") if len(order) > 1 else None,
    )  # fmt: skip
    shape = alt.Shape(
        f"{column}:N", scale=alt.Scale(domain=order, range=list(SERIES_SHAPES[: len(order)])),
        legend=alt.Undefined if len(order) > 1 else None,
    )  # fmt: skip
    y = alt.Y("value:Q", scale=scale, axis=axis)
    joined = base.mark_line(strokeWidth=1.5, opacity=0.7).encode(y=y, color=colour)
    lines = base.mark_rule(color=colours.quiet, strokeWidth=1.5).encode(
        y=alt.Y("ci_low:Q", scale=scale), y2="ci_high:Q"
    )
    form = "+.1%" if column == "removed" else ".2~%"
    points = base.mark_point(
        filled=True, size=look.point, opacity=1, stroke=colours.quiet, strokeWidth=1
    ).encode(
        y=y, color=colour, shape=shape,
        tooltip=tips(
            ("layer:O", "layer", ""), *([(f"{column}:N", column, "")] if len(order) > 1 else []),
            ("value:Q", "value", form), ("ci_low:Q", "from", form), ("ci_high:Q", "to", form),
            ("count:Q", "counted", ","),
        ),
    )  # fmt: skip
    return alt.layer(joined, lines, points)


def dashed(value: float, scale: Any, look: Look) -> Any:
    """A dashed line to compare with."""
    return rule(value, scale, look, strokeDash=[4, 3])


def rule(value: float, scale: Any, look: Look, **stroke: Any) -> Any:
    """A line across the chart."""
    at = alt.Chart(alt.InlineData(values=[{"at": value}]))
    return at.mark_rule(color=look.neutrals.quiet, **stroke).encode(y=alt.Y("at:Q", scale=scale))


def finished(chart: Any, rows: pd.DataFrame, title: str, subtitle: str, look: Look) -> Any:
    """The chart in its size, with its title, in the house's style."""
    sized = chart.properties(width=width(rows, look), height=look.height(HEIGHT))
    return styled(sized, look, title=title, subtitle=subtitle)


def width(rows: pd.DataFrame, look: Look, margin: int = 0) -> int:
    """Pixels, as of figure 2's bars; `margin` stays free beside them."""
    return look.width(span(rows), margin)


def legend(symbol: str, labels: str | None, columns: str) -> Any:
    """A legend above the chart; a narrow page has fewer `columns`, a Vega expression."""
    told = {} if labels is None else {"labelExpr": f"{labels}[datum.label]", "symbolType": symbol}
    return alt.Legend(
        orient="top", title=None, direction="horizontal", columns=alt.ExprRef(columns), **told
    )


def tips(*told: tuple[str, str, str]) -> list[Any]:
    """What is told where the pointer is: field, title, format."""
    return [
        alt.Tooltip(field, title=title, format=form) if form else alt.Tooltip(field, title=title)
        for field, title, form in told
    ]


def counted(numbers: "pd.Series[int]", what: str) -> str:
    """`100 keys`, or a range where numbers differ."""
    low, high = int(numbers.min()), int(numbers.max())
    return f"{high:,} {what}" if low == high else f"{low:,}–{high:,} {what}"


def distinct(numbers: "pd.Series[float]") -> list[float]:
    """Different numbers, ascending."""
    return sorted({float(one) for one in numbers.dropna()})
