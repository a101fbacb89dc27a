"""How charts look: sizes, type, neutral colours on light and on dark, and the empty chart.

Backgrounds are transparent here; whoever needs a sheet of paper below a chart sets it. Only
`sans-serif` is asked for, which every machine, browser and SVG viewer has.
"""

from dataclasses import dataclass
from typing import Any

import altair as alt

PAPER = "#FFFFFF"
_FONT = "sans-serif"


@dataclass(frozen=True)
class Neutrals:
    """The colours of everything that is not a category."""

    text: str
    quiet: str  # subtitles, axis labels
    grid: str
    gap: str  # between the parts of a bar: the colour of what lies below


LIGHT = Neutrals(text="#222222", quiet="#555555", grid="#E4E4E4", gap=PAPER)
DARK = Neutrals(text="#F0F0F0", quiet="#B8BCC4", grid="#383D47", gap="#0E1117")


def neutrals(dark: bool) -> Neutrals:
    """The neutral colours for a dark or a light background."""
    return DARK if dark else LIGHT


def styled(chart: Any, *, dark: bool) -> Any:
    """The chart in the house's style: one sans-serif, a faint horizontal grid, no frame."""
    colours = neutrals(dark)
    return (
        chart.configure(font=_FONT, background="transparent", padding=12)
        .configure_view(stroke=None)
        .configure_title(
            anchor="start",
            color=colours.text,
            subtitleColor=colours.quiet,
            fontSize=15,
            subtitleFontSize=12,
            fontWeight=600,
            subtitlePadding=4,
            offset=10,
        )
        .configure_axis(
            labelColor=colours.quiet,
            titleColor=colours.text,
            gridColor=colours.grid,
            labelFontSize=11,
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=8,
            domain=False,
            tickColor=colours.grid,
            ticks=False,
            labelPadding=6,
        )
        .configure_legend(
            labelColor=colours.text,
            labelFontSize=12,
            symbolSize=140,
            columnPadding=16,
            labelLimit=0,
        )
        .configure_header(
            labelColor=colours.text,
            labelFontSize=12,
            labelFontWeight=600,
            labelAnchor="start",
            labelPadding=6,
        )
    )


def empty_chart(title: str, message: str, *, width: int, height: int, dark: bool) -> Any:
    """A chart without data that says why there is none."""
    written = (
        alt.Chart(alt.InlineData(values=[{"message": message}]))
        .mark_text(fontSize=14, color=neutrals(dark).quiet)
        .encode(text="message:N")
        .properties(width=width, height=height, title=title)
    )
    return styled(written, dark=dark)
