"""What charts over layers share: the axis, numbers with their intervals, the paper's reference."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from exports.chart_style import Look

NOTHING_YET = "Nothing has been submitted yet."
KNOWN = "isValid(datum.ci_low) && isValid(datum.ci_high)"
REFERENCE_MARGIN = 22  # points right of a printed plot, for the word `paper`


def span(rows: pd.DataFrame) -> int:
    """How many layers there are from the first to the last."""
    return int(rows["layer"].max() - rows["layer"].min()) + 1


def layer_axis(rows: pd.DataFrame) -> Any:
    """One place a layer from the first to the last, also for a layer without an answer yet."""
    first, last = int(rows["layer"].min()), int(rows["layer"].max())
    return places_axis("layer:O", list(range(first, last + 1)))


def places_axis(field: str, domain: Sequence[int | str], *, told: bool = True) -> Any:
    """An x axis with these places, called layers; not `told` where a panel below tells them."""
    return alt.X(
        field,
        scale=alt.Scale(domain=list(domain), paddingInner=0.15, paddingOuter=0.1),
        axis=alt.Axis(
            title="layer" if told else None,
            labels=told,
            labelAngle=0,
            labelOverlap=True,
            labelSeparation=4,
            grid=False,
        ),
    )


def interval_text(rows: pd.DataFrame, form: str) -> list[str]:
    """Each row's 95 % interval for a tooltip, its ends in this format."""
    return [
        "undefined (one key)" if math.isnan(low) else f"{low:{form}} – {high:{form}}"
        for low, high in zip(rows["ci_low"], rows["ci_high"], strict=True)
    ]


def subtitle(rows: pd.DataFrame) -> str:
    """On how many keys and annotators a layer rests."""
    keys = counted(rows["keys"], "key", "keys")
    people = counted(rows["annotators"], "annotator", "annotators")
    return f"{keys} and {people} a layer"


def counted(numbers: "pd.Series[int]", one: str, many: str) -> str:
    """`3 keys`, or a range where numbers differ."""
    low, high = int(numbers.min()), int(numbers.max())
    amount = str(high) if low == high else f"{low}–{high}"
    return f"{amount} {one if high == 1 else many}"


def told(rows: pd.DataFrame, what: str) -> list[str]:
    """The subtitle of a chart with intervals, and what is drawn for reference: short lines."""
    undefined = rows["ci_low"].isna()
    notes = [] if undefined.all() else ["lines: 95% bootstrap over keys"]
    notes += ["no line: a single key"] if undefined.any() else []
    return [subtitle(rows), *notes, what]


def reference(low: float, high: float, scale: Any, look: Look) -> tuple[Any, Any]:
    """The paper's number as a dashed line, or its range as a band; and the word beside the plot."""
    at = alt.Chart(alt.InlineData(values=[{"low": low, "high": high, "word": "paper"}]))
    if low == high:
        mark = at.mark_rule(color=look.neutrals.quiet, strokeDash=[4, 3]).encode(
            y=alt.Y("low:Q", scale=scale)
        )
    else:
        mark = at.mark_rect(color=look.neutrals.band).encode(
            y=alt.Y("low:Q", scale=scale), y2="high:Q"
        )
    word = at.transform_calculate(middle="(datum.low + datum.high) / 2").mark_text(
        align="left", dx=3, fontSize=look.type, color=look.neutrals.quiet
    )
    return mark, word.encode(x=alt.value("width"), y=alt.Y("middle:Q", scale=scale), text="word:N")
