"""Charts of patterns, coverage, time and agreement: the files' numbers, on a page and in print."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from chart_data import agreement_of, answers_of, write_chart_data
from labelled_data import statistics_of
from PIL import Image
from test_charts import luminance, values_of

from exports.agreement_charts import agreement
from exports.charts import CHARTS, draw_charts
from exports.label_charts import coverage, patterns_per_key, time_per_key
from exports.palette import CATEGORIES, PRINT_COLOURS
from mining.errors import DatasetError


def rows_of(chart: Any) -> pd.DataFrame:
    """The rows of the largest data set in a chart."""
    return pd.DataFrame(max(chart.to_dict()["datasets"].values(), key=len))


@pytest.mark.parametrize("style", ["screen", "paper"])
def test_every_chart_is_drawn_and_always_with_the_same_bytes(tmp_path: Path, style: Any) -> None:
    dataset = write_chart_data(tmp_path / "data", 3)
    drawn = draw_charts(dataset, tmp_path / "one", style)
    again = draw_charts(dataset, tmp_path / "two", style)
    assert {path.stem for path in drawn.paths} == set(CHARTS)
    assert drawn.notes == []
    for one, two in zip(drawn.paths, again.paths, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name


@pytest.mark.parametrize("layers", [1, 16, 48])
def test_print_is_a_column_wide_without_a_title_and_in_legible_type(
    tmp_path: Path, layers: int
) -> None:
    draw_charts(write_chart_data(tmp_path, layers), tmp_path / "charts", "paper")
    for name in CHARTS:
        image = Image.open(tmp_path / "charts" / f"{name}.png")
        assert 900 <= image.width <= 3.3 * 300, name
        spec = json.loads((tmp_path / "charts" / f"{name}.json").read_text(encoding="utf-8"))
        assert "title" not in spec
        drawing = (tmp_path / "charts" / f"{name}.svg").read_text(encoding="utf-8")
        sizes = {float(size) for size in re.findall(r'font-size="([\d.]+)px"', drawing)}
        assert min(sizes) >= 7, name


def test_what_is_not_covered_is_told_from_the_rest_without_colour() -> None:
    light = [luminance(PRINT_COLOURS[category]) for category in CATEGORIES]
    assert light[3] > 2 * max(light[:3]) - 0.1
    assert len({round(value, 1) for value in light}) == 4


def test_coverage_is_what_is_not_uncovered_with_the_papers_band() -> None:
    chart = coverage(statistics_of(2))
    rows = rows_of(chart)
    assert rows["value"].tolist() == [0.75, 0.75]
    assert rows["ci_low"].tolist() == [0.625, 0.625]  # 1 - 0.25 * 1.5
    assert rows["ci_high"].tolist() == [0.875, 0.875]
    (band,) = [rows[0] for rows in chart.to_dict()["datasets"].values() if "low" in rows[0]]
    assert (band["low"], band["high"]) == (0.65, 0.8)


def test_patterns_per_key_are_those_of_people(tmp_path: Path) -> None:
    read = CHARTS["patterns_per_key"].read(write_chart_data(tmp_path, 2))
    rows = rows_of(patterns_per_key(read)).set_index(["layer", "type"])["value"]
    # Ada's three and Bob's none, the machine's nine left out.
    assert rows.to_dict() == {
        (layer, kind): number
        for layer in (0, 1)
        for kind, number in (("any", 1.5), ("shallow", 1.0), ("semantic", 0.5))
    }


def test_time_is_that_of_people_in_minutes(tmp_path: Path) -> None:
    submissions = CHARTS["time_per_key"].read(write_chart_data(tmp_path, 1))
    gold = pd.DataFrame([(0, 0, "gold", "submitted", 3600.0)], columns=submissions.columns)
    (row,) = rows_of(time_per_key(pd.concat([submissions, gold]))).to_dict("records")
    assert (row["low"], row["middle"], row["high"]) == (1, 1.5, 2)
    assert (row["answers"], row["annotators"]) == (8, 2)


def test_agreement_has_a_place_for_all_and_for_every_layer_and_its_baseline() -> None:
    table = agreement_of(4)
    chart = agreement(table[table["scope"] != "layer 2"])
    rows = rows_of(chart)
    assert ["all", "0", "1", "2", "3"] in values_of(chart.to_dict(), "domain")
    data = pd.concat(pd.DataFrame(rows) for rows in chart.to_dict()["datasets"].values())
    drawn = data.set_index(["scope", "measure"])["value"]
    expected = table.set_index(["scope", "measure"])["value"]
    assert drawn["all", "omega"] == expected["all", "omega"]
    assert data.loc[data["baseline"].notna(), "measure"].unique().tolist() == [
        "pattern_f1", "bcubed_f",
    ]  # fmt: skip
    assert {"all", "layer 0", "layer 1", "layer 3"} == set(rows["scope"])


@pytest.mark.parametrize("paper", [False, True])
def test_an_empty_chart_says_what_is_missing(paper: bool) -> None:
    empty = {
        "coverage": (coverage, statistics_of(0), "Nothing has been submitted yet."),
        "time": (time_per_key, answers_of(0)["submissions"], "There is no timed answer yet."),
        "agreement": (agreement, agreement_of(0).iloc[:0], "No key has two answers"),
    }
    for draw, data, message in empty.values():
        assert message in json.dumps(draw(data, paper=paper).to_dict())


def test_an_older_dataset_skips_what_it_has_no_file_for(tmp_path: Path) -> None:
    write_chart_data(tmp_path, 1)
    (tmp_path / "agreement.csv").unlink()
    (tmp_path / "annotators.csv").unlink()
    drawn = draw_charts(tmp_path, tmp_path / "charts")
    assert drawn.notes == [f"agreement is not drawn: {tmp_path} holds no agreement.csv."]
    assert {path.stem for path in drawn.paths} == set(CHARTS) - {"agreement"}


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("agreement.csv", "omega", "omicron", "line 2, column measure: 'omicron' is none of omega"),
        ("agreement.csv", "layer 0", "layer x", "line 14, column scope: 'layer x' is not underst"),
        ("agreement.csv", "0.2,", "1.2,", "line 2, column value: '1.2' is not a number"),
        ("agreement.csv", "alpha_masi", "omega", "line 3, column measure: all has omega twice"),
        ("agreement.csv", "baseline", "base", "line 1: no column baseline"),
        ("submissions.csv", "60.0", "long", "line 2, column seconds: 'long' is not a number"),
        ("submissions.csv", "no pattern", "none", "line 3, column status: 'none' is none of"),
        ("patterns.csv", "shallow", "deep", "line 2, column type: 'deep' is none of shallow"),
        ("annotators.csv", "machine", "robot", "line 4, column kind: 'robot' is none of human"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(
    tmp_path: Path, file: str, old: str, new: str, complaint: str
) -> None:
    path = write_chart_data(tmp_path, 1) / file
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DatasetError, match=f"{file}, {complaint}"):
        draw_charts(tmp_path, tmp_path / "charts")
    assert not (tmp_path / "charts").exists()
