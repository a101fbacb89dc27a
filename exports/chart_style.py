"""How charts look: for a page (light or dark) and for print, and the empty chart.

Backgrounds are transparent here; whoever needs a sheet of paper below a chart sets it. Only
`sans-serif` is asked for, which every machine, browser and SVG viewer has. Print means the width of
a journal's column, 3.3 inches (a pixel is a point, 1/72 inch), no type under 7 points, and no
title: the caption says it.
"""

from dataclasses import dataclass
from typing import Any

import altair as alt

from exports.palette import CATEGORY_COLOURS, PRINT_COLOURS

PAPER = "#FFFFFF"
COLUMN = 237  # points: 3.3 inches
_FONT = "sans-serif"
_Y_AXIS = 22  # points that a printed chart leaves for the labels of its y axis


@dataclass(frozen=True)
class Neutrals:
    """The colours of everything that is not a category."""

    text: str
    quiet: str  # subtitles, axis labels
    grid: str
    gap: str  # between the parts of a bar: the colour of what lies below
    band: str  # a range drawn for reference


LIGHT = Neutrals(text="#222222", quiet="#555555", grid="#E4E4E4", gap=PAPER, band="#DCDCDC")
DARK = Neutrals(text="#F0F0F0", quiet="#B8BCC4", grid="#383D47", gap="#0E1117", band="#3A404A")


@dataclass(frozen=True)
class Look:
    """On a dark page, on a light one, or (`paper`) in print, which is always light."""

    dark: bool = False
    paper: bool = False

    @property
    def neutrals(self) -> Neutrals:
        """The neutral colours for this background."""
        return DARK if self.dark else LIGHT

    @property
    def colours(self) -> dict[str, str]:
        """The colour of each category."""
        return PRINT_COLOURS if self.paper else CATEGORY_COLOURS

    def width(self, places: int, margin: int = 0) -> int:
        """Pixels of a plot with so many places along x; `margin` stays free on its right."""
        if self.paper:
            return COLUMN - _Y_AXIS - 20 - margin
        return min(max(36 * places, 480), 960)

    def height(self, screen: int) -> int:
        """Pixels of a plot that is so high on a page."""
        return round(screen * 0.42) if self.paper else screen

    @property
    def type(self) -> int:
        """The size of words within a plot."""
        return 7 if self.paper else 11

    @property
    def point(self) -> int:
        """The area of a point."""
        return 12 if self.paper else 50


def styled(chart: Any, look: Look, *, title: str = "", subtitle: str | list[str] = "") -> Any:
    """The chart in the house's style: one sans-serif, a faint horizontal grid, no frame."""
    colours = look.neutrals
    paper = look.paper
    if not paper:
        chart = chart.properties(title=alt.Title(title, subtitle=subtitle) if subtitle else title)
    y_axis = {"minExtent": _Y_AXIS, "maxExtent": _Y_AXIS} if paper else {}
    return (
        chart.configure(font=_FONT, background="transparent", padding=2 if paper else 12)
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
            gridWidth=0.5 if paper else 1,
            labelFontSize=7 if paper else 11,
            titleFontSize=7.5 if paper else 12,
            titleFontWeight="normal",
            titlePadding=3 if paper else 8,
            domain=False,
            tickColor=colours.grid,
            ticks=False,
            labelPadding=3 if paper else 6,
        )
        .configure_axisY(**y_axis)
        .configure_legend(
            labelColor=colours.text,
            labelFontSize=7 if paper else 12,
            symbolSize=40 if paper else 140,
            columnPadding=8 if paper else 16,
            rowPadding=1 if paper else 2,
            offset=6 if paper else 18,
            labelLimit=0,
        )
        .configure_header(
            labelColor=colours.text,
            labelFontSize=7.5 if paper else 12,
            labelFontWeight=600,
            labelAnchor="start",
            labelPadding=3 if paper else 6,
        )
    )


def empty_chart(title: str, message: str, look: Look, *, height: int) -> Any:
    """A chart without data that says why there is none."""
    written = (
        alt.Chart(alt.InlineData(values=[{"message": message}]))
        .mark_text(fontSize=8 if look.paper else 14, color=look.neutrals.quiet)
        .encode(text="message:N")
        .properties(width=look.width(1), height=look.height(height))
    )
    return styled(written, look, title=title)
