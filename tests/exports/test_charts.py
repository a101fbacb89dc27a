"""Figure 2: the numbers of the CSV file in the palette's colours, and always the same bytes."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from labelled_data import statistics_of, write_statistics
from PIL import Image

from exports.charts import CHARTS, draw_charts
from exports.figure2_charts import figure2, figure2_interval_panels, figure2_intervals
from exports.palette import CATEGORIES, CATEGORY_COLOURS, CATEGORY_INKS
from mining.errors import DatasetError

FIGURE_2 = ("figure2", "figure2_intervals")
# What needs layer_statistics.csv alone.
FILES = {f"{chart}.{kind}" for chart in (*FIGURE_2, "coverage") for kind in ("png", "svg", "json")}


def drawn_json(folder: Path, chart: str) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads((folder / f"{chart}.json").read_text(encoding="utf-8"))
    return spec


def data_of(spec: dict[str, Any]) -> pd.DataFrame:
    (rows,) = spec["datasets"].values()
    return pd.DataFrame(rows)


def values_of(spec: Any, name: str) -> list[Any]:
    """Every value under a key called `name`, anywhere in a chart."""
    if isinstance(spec, dict):
        own = [spec[name]] if name in spec else []
        return own + [found for value in spec.values() for found in values_of(value, name)]
    if isinstance(spec, list):
        return [found for value in spec for found in values_of(value, name)]
    return []


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("layers", [1, 8, 48])
def test_every_chart_is_drawn_in_three_formats(tmp_path: Path, layers: int) -> None:
    dataset = write_statistics(tmp_path / "data", statistics_of(layers))
    paths = draw_charts(dataset, tmp_path / "charts").paths
    assert {path.name for path in paths} == FILES
    assert {path.name for path in (tmp_path / "charts").iterdir()} == FILES
    for chart in FIGURE_2:
        image = Image.open(tmp_path / "charts" / f"{chart}.png")
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.02)
        assert image.width > 1900
        assert image.height > 1400
        colours = {colour for _, colour in image.convert("RGB").getcolors(maxcolors=1 << 24) or []}
        assert {tuple(bytes.fromhex(CATEGORY_COLOURS[c][1:])) for c in CATEGORIES} <= colours


@pytest.mark.parametrize("chart", FIGURE_2)
def test_the_numbers_drawn_are_those_of_the_file(tmp_path: Path, chart: str) -> None:
    statistics = statistics_of(9, keys=7)
    draw_charts(write_statistics(tmp_path, statistics), tmp_path / "charts")
    found = data_of(drawn_json(tmp_path / "charts", chart))
    pd.testing.assert_frame_equal(found[list(statistics.columns)], statistics, check_exact=True)


@pytest.mark.parametrize("chart", FIGURE_2)
def test_categories_have_the_colours_of_the_palette_in_the_papers_order(chart: str) -> None:
    spec = CHARTS[chart].draw(statistics_of(2)).to_dict()
    scales = [scale for scale in values_of(spec, "scale") if scale and "range" in scale]
    assert scales
    for scale in scales:
        assert scale["domain"] == ["shallow", "semantic", "shallow+semantic", "not covered"]
        assert scale["range"] == ["#E69F00", "#0072B2", "#009E73", "#BBBBBB"]


def test_bars_are_stacked_in_the_papers_order_from_the_bottom(tmp_path: Path) -> None:
    draw_charts(write_statistics(tmp_path, statistics_of(1)), tmp_path)
    image = Image.open(tmp_path / "figure2.png").convert("RGB")
    names = {tuple(bytes.fromhex(CATEGORY_COLOURS[c][1:])): c for c in CATEGORIES}
    columns = [
        [image.getpixel((x, y)) for y in range(image.height)] for x in range(0, image.width, 80)
    ]
    bar = max(columns, key=lambda pixels: sum(pixel in names for pixel in pixels))
    seen = [names[pixel] for pixel in reversed(bar) if pixel in names]
    order = [name for place, name in enumerate(seen) if place == 0 or seen[place - 1] != name]
    assert order == ["shallow", "semantic", "not covered"]  # shallow+semantic has a share of 0
    shares = pd.Series(seen).value_counts(normalize=True)
    assert shares["shallow"] == pytest.approx(0.5, abs=0.01)


def test_letters_on_the_colours_are_legible() -> None:
    for category in CATEGORIES:
        pair = [luminance(CATEGORY_COLOURS[category]), luminance(CATEGORY_INKS[category])]
        assert (max(pair) + 0.05) / (min(pair) + 0.05) >= 4.5, category


def test_the_parts_of_a_bar_are_told_apart_by_letters_too() -> None:
    spec = figure2(statistics_of(1)).to_dict()
    assert data_of(spec)["letter"].tolist() == ["N", "T", "N+T", ""]
    (labels,) = values_of(spec, "labelExpr")
    assert "shallow+semantic (N+T)" in labels


@pytest.mark.parametrize("chart", FIGURE_2)
def test_a_tooltip_has_the_share_its_interval_and_what_it_rests_on(chart: str) -> None:
    spec = CHARTS[chart].draw(statistics_of(2)).to_dict()
    for tooltip in values_of(spec, "tooltip"):
        titles = [entry["title"] for entry in tooltip]
        assert titles[1:6] == ["category", "share", "95% interval", "prefixes", "keys"]
    assert data_of(spec)["interval"][0] == "25.0% – 75.0%"


def test_each_categorys_intervals_are_a_chart_of_their_own_that_a_page_can_stretch() -> None:
    statistics = statistics_of(3)
    specs = [panel.to_dict() for panel in figure2_interval_panels(statistics)]
    assert [spec["title"] for spec in specs] == list(CATEGORIES)
    for spec in specs:
        assert set(data_of(spec)["category"]) == {spec["title"]}
        assert len(data_of(spec)) == 3
        assert "width" not in spec
    assert figure2_interval_panels(statistics.iloc[:0]) == []


def test_an_undefined_interval_is_said_to_be_so_and_not_drawn(tmp_path: Path) -> None:
    spec = figure2_intervals(statistics_of(2, keys=1)).to_dict()
    assert set(data_of(spec)["interval"]) == {"undefined (one key)"}
    assert data_of(spec)["ci_low"].isna().all()
    assert "no bar: a single key" in spec["title"]["subtitle"]
    draw_charts(write_statistics(tmp_path, statistics_of(2, keys=1)), tmp_path)
    assert "nan" not in (tmp_path / "figure2_intervals.svg").read_text().lower()


@pytest.mark.parametrize("chart", FIGURE_2)
def test_a_layer_without_answers_keeps_its_place(chart: str) -> None:
    statistics = pd.concat([statistics_of(1, first=3), statistics_of(1, first=6)])
    domains = values_of(CHARTS[chart].draw(statistics).to_dict(), "domain")
    assert [3, 4, 5, 6] in domains


def test_layers_count_from_0_as_in_the_file() -> None:
    domains = values_of(figure2(statistics_of(12)).to_dict(), "domain")
    assert list(range(12)) in domains


def test_the_subtitle_says_what_the_shares_rest_on() -> None:
    even = figure2(statistics_of(3, keys=10)).to_dict()["title"]["subtitle"]
    assert even == "10 keys and 2 annotators a layer"
    mixed = pd.concat([statistics_of(1, keys=1), statistics_of(1, first=1, keys=4)])
    single = mixed.assign(annotators=1)
    assert figure2(single).to_dict()["title"]["subtitle"] == "1–4 keys and 1 annotator a layer"


def test_drawing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    dataset = write_statistics(tmp_path, statistics_of(5))
    first = {path.name: path.read_bytes() for path in draw_charts(dataset, tmp_path / "one").paths}
    again = {path.name: path.read_bytes() for path in draw_charts(dataset, tmp_path / "two").paths}
    over = {path.name: path.read_bytes() for path in draw_charts(dataset, tmp_path / "one").paths}
    assert first == again == over


def test_a_changed_number_changes_every_file(tmp_path: Path) -> None:
    statistics = statistics_of(5)
    first = draw_charts(write_statistics(tmp_path, statistics), tmp_path / "one").paths
    statistics.loc[[0, 3], ["share", "ci_high"]] = [[0.505, 0.8], [0.245, 0.4]]
    second = draw_charts(write_statistics(tmp_path, statistics), tmp_path / "two").paths
    for before, after in zip(first, second, strict=True):
        assert before.read_bytes() != after.read_bytes(), before.name


def test_drawing_fetches_nothing(tmp_path: Path) -> None:
    draw_charts(write_statistics(tmp_path, statistics_of(2)), tmp_path)
    for chart in FIGURE_2:
        spec = drawn_json(tmp_path, chart)
        assert values_of(spec, "url") == []
        assert len(data_of(spec)) == 8


def test_svg_is_well_formed_and_asks_for_no_font_of_ours(tmp_path: Path) -> None:
    draw_charts(write_statistics(tmp_path, statistics_of(2)), tmp_path)
    for chart in FIGURE_2:
        root = ElementTree.fromstring((tmp_path / f"{chart}.svg").read_text(encoding="utf-8"))
        fonts = {node.get("font-family") for node in root.iter() if node.get("font-family")}
        assert fonts == {"sans-serif"}


@pytest.mark.parametrize("chart", FIGURE_2)
def test_without_answers_a_chart_says_that_there_is_nothing_yet(tmp_path: Path, chart: str) -> None:
    draw_charts(write_statistics(tmp_path, statistics_of(0)), tmp_path)
    assert "Nothing has been submitted yet." in (tmp_path / f"{chart}.svg").read_text()
    assert Image.open(tmp_path / f"{chart}.png").width > 1900


@pytest.mark.parametrize("chart", FIGURE_2)
@pytest.mark.parametrize("layers", [0, 3])
def test_on_a_dark_page_the_words_are_light_and_the_background_is_the_pages(
    chart: str, layers: int
) -> None:
    config = CHARTS[chart].draw(statistics_of(layers), dark=True).to_dict()["config"]
    assert config["background"] == "transparent"
    assert luminance(config["title"]["color"]) > 0.8
    light = CHARTS[chart].draw(statistics_of(layers)).to_dict()["config"]
    assert luminance(light["title"]["color"]) < 0.05


def test_statistics_that_cannot_be_drawn_leave_no_folder(tmp_path: Path) -> None:
    write_statistics(tmp_path, statistics_of(2).replace("semantic", "topical"))
    with pytest.raises(DatasetError, match="'topical' is none of"):
        draw_charts(tmp_path, tmp_path / "charts")
    assert not (tmp_path / "charts").exists()
