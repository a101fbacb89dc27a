"""Charts of a dataset, drawn from its CSV files alone: whoever holds a dataset can redraw them.

A chart is an Altair chart: the app shows it as it is, `draw_charts` makes PNG (300 dpi), SVG and
Vega-Lite JSON of it. The JSON holds its data; nothing is fetched. Same input, same bytes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import altair as alt
import pandas as pd
import vl_convert

from exports.agreement_charts import agreement
from exports.agreement_file import AGREEMENT, read_agreement
from exports.answers_file import (
    PATTERNS,
    SUBMISSIONS,
    read_patterns_per_key,
    read_people_submissions,
)
from exports.chart_style import PAPER
from exports.columns import STATISTICS
from exports.figure2_charts import figure2, figure2_intervals
from exports.folders import write_files
from exports.label_charts import coverage, patterns_per_key, time_per_key
from exports.model_charts import model_charts
from exports.statistics_file import read_statistics
from mining.errors import DatasetError

Style = Literal["screen", "paper"]
_PPI = 300
_VEGALITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])  # the version that wrote the chart draws it


@dataclass(frozen=True)
class Chart:
    """Which files of a dataset a chart needs, how they are read, and how that is drawn."""

    files: tuple[str, ...]
    read: Callable[[Path], pd.DataFrame]
    draw: Callable[..., Any]  # what was read, dark=, paper= → Altair chart


CHARTS = {
    "figure2": Chart((STATISTICS,), read_statistics, figure2),
    "figure2_intervals": Chart((STATISTICS,), read_statistics, figure2_intervals),
    "coverage": Chart((STATISTICS,), read_statistics, coverage),
    "patterns_per_key": Chart((SUBMISSIONS, PATTERNS), read_patterns_per_key, patterns_per_key),
    "time_per_key": Chart((SUBMISSIONS,), read_people_submissions, time_per_key),
    "agreement": Chart((AGREEMENT,), read_agreement, agreement),
}


@dataclass(frozen=True)
class DrawnCharts:
    """What was written, and a line on each chart that was not."""

    paths: list[Path]
    notes: list[str]


def draw_charts(dataset: Path, out: Path, style: Style = "screen") -> DrawnCharts:
    """Draw every chart of a dataset folder as PNG, SVG and Vega-Lite JSON into `out`.

    A chart whose file the dataset lacks, as older ones may, is passed over with a note; the model's
    figures alone will do. Raises DatasetError where a file is not drawable, or where the folder has
    none of the files.
    """
    notes = []
    paper = style == "paper"
    of_model = model_charts(dataset, paper=paper)
    files: dict[str, bytes] = {}
    for name, drawn in of_model.items():
        files |= _rendered(name, drawn)
    known: dict[Callable[[Path], pd.DataFrame], pd.DataFrame] = {}
    needed = dict.fromkeys(file for chart in CHARTS.values() for file in chart.files)
    figures_alone = bool(of_model) and not any((dataset / file).is_file() for file in needed)
    for name, chart in CHARTS.items() if not figures_alone else ():
        lacking = [file for file in chart.files if not (dataset / file).is_file()]
        if lacking:
            notes.append(f"{name} is not drawn: {dataset} holds no {', '.join(lacking)}.")
            continue
        if chart.read not in known:
            known[chart.read] = chart.read(dataset)
        drawn = chart.draw(known[chart.read], paper=paper)
        files |= _rendered(name, drawn)
    if not files:
        raise DatasetError(
            f"{dataset} holds no {', no '.join(needed)}; give the folder of a dataset."
        )
    return DrawnCharts(write_files(out, files), notes)


def _rendered(name: str, chart: Any) -> dict[str, bytes]:
    spec = chart.properties(background=PAPER).to_dict()
    drawing = vl_convert.vegalite_to_svg(spec, _VEGALITE, allowed_base_urls=[])
    text = json.dumps(spec, indent=2, ensure_ascii=False, sort_keys=True, allow_nan=False)
    return {
        f"{name}.png": vl_convert.vegalite_to_png(spec, _VEGALITE, ppi=_PPI, allowed_base_urls=[]),
        f"{name}.svg": drawing.encode("utf-8"),
        f"{name}.json": (text + "\n").encode("utf-8"),
    }
