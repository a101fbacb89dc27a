"""Charts of the model's figures: from the CSV files alone, told apart without colour, in words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from finished_analyses import analysed_run
from PIL import Image
from test_charts import luminance, values_of

from exports.charts import draw_charts
from exports.model_charts import MODEL_CHARTS, drawn, for_a_page, model_charts
from exports.model_figures import NAMES, figures_of, read_figures, write_figures
from exports.model_words import TITLES, in_words
from exports.palette import CATEGORY_COLOURS, MODEL_COLOURS, MODEL_INK, SERIES_COLOURS
from mining.errors import DatasetError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CSV files of an analysed run of 16 layers."""
    base = tmp_path_factory.mktemp("figures")
    write_figures(analysed_run(base / "run", 16), base / "csv")
    return base / "csv"


@pytest.fixture(scope="module")
def rows(folder: Path) -> dict[str, pd.DataFrame]:
    return read_figures(folder)


def data_of(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for found in spec["datasets"].values():
        yield from found


def test_every_figure_is_drawn_in_three_formats(folder: Path, tmp_path: Path) -> None:
    paths = draw_charts(folder, tmp_path / "once").paths
    assert [path.name for path in paths] == [
        f"{name}.{kind}" for name in NAMES for kind in ("png", "svg", "json")
    ]
    for name in NAMES:
        assert Image.open(tmp_path / "once" / f"{name}.png").width > 1900


def test_the_same_figures_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    for name in ("figure3", "figure10"):
        (tmp_path / f"{name}.csv").write_bytes((folder / f"{name}.csv").read_bytes())
    once, again = (
        {path.name: path.read_bytes() for path in draw_charts(tmp_path, tmp_path / out).paths}
        for out in ("once", "again")
    )
    assert once == again
    assert len(once) == 6


def test_a_folder_of_a_dataset_will_do_and_only_what_is_there_is_drawn(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "figure7.csv").write_bytes((folder / "figure7.csv").read_bytes())
    assert list(model_charts(tmp_path)) == ["figure7"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"holds no layer_statistics\.csv"):
        draw_charts(tmp_path / "empty", tmp_path / "charts")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "figure5"])
def test_the_numbers_drawn_are_those_of_the_file(rows: dict[str, pd.DataFrame], name: str) -> None:
    spec = drawn(name, rows[name]).to_dict()
    shown = [
        (row["value"], row["ci_low"], row["ci_high"]) for row in data_of(spec) if "value" in row
    ]
    stored = rows[name][["value", "ci_low", "ci_high"]].itertuples(index=False, name=None)
    assert set(shown) == set(stored)


def test_ranks_are_drawn_on_a_logarithmic_axis_as_their_quantiles(
    rows: dict[str, pd.DataFrame],
) -> None:
    spec = drawn("figure5", rows["figure5"]).to_dict()
    assert {scale.get("type") for scale in values_of(spec, "scale") if "domainMin" in scale} == {
        "log"
    }
    layer = next(row for row in data_of(spec) if row.get("layer") == 0)
    own = rows["figure5"].query("layer == 0").set_index("quantile")
    assert layer["q0_5"] == own.loc[0.5, "value"]
    assert (layer["q0_05"], layer["q0_95"]) == (own.loc[0.05, "value"], own.loc[0.95, "value"])
    assert (layer["ci_low"], layer["ci_high"]) == (own.loc[0.5, "ci_low"], own.loc[0.5, "ci_high"])


@pytest.mark.parametrize(
    ("name", "levels"),
    [("figure3", {0}), ("figure4", {0.01, 0.05}), ("figure5", {50}), ("figure7", {0.68}),
     ("figure6", set()), ("figure8", set()), ("figure9", set())],
)  # fmt: skip
def test_what_a_number_is_compared_with_is_a_line(
    rows: dict[str, pd.DataFrame], name: str, levels: set[float]
) -> None:
    spec = drawn(name, rows[name]).to_dict()
    assert {row["at"] for row in data_of(spec) if "at" in row} == levels


@pytest.mark.parametrize("name", ["figure3", "figure4"])
def test_series_differ_in_shape_and_colour(rows: dict[str, pd.DataFrame], name: str) -> None:
    spec = drawn(name, rows[name]).to_dict()
    shapes = [one["scale"]["range"] for one in values_of(spec, "shape") if "scale" in one]
    colours = [
        one["scale"]["range"] for one in values_of(spec, "color")
        if isinstance(one, dict) and "scale" in one
    ]  # fmt: skip
    series = len(rows[name].groupby(rows[name].columns[1]))
    assert shapes and colours
    assert {len(set(one)) for one in shapes + colours} == {series}


def test_categories_have_letters_that_can_be_read_and_colours_of_their_own(
    rows: dict[str, pd.DataFrame],
) -> None:
    spec = drawn("figure10", rows["figure10"]).to_dict()
    letters = {(row["category"], row["letter"]) for row in data_of(spec)}
    assert letters == {
        ("agreement", "A"), ("residual", "R"), ("ffn", "F"), ("composition", "C"),
    }  # fmt: skip
    for colour in MODEL_COLOURS.values():
        assert (luminance(colour) + 0.05) / (luminance(MODEL_INK) + 0.05) >= 4.5
    assert not {*MODEL_COLOURS.values(), *SERIES_COLOURS} & {*CATEGORY_COLOURS.values()}


@pytest.mark.parametrize("name", MODEL_CHARTS)
def test_a_chart_has_a_place_for_each_layer_and_says_when_there_is_none(
    rows: dict[str, pd.DataFrame], name: str
) -> None:
    if name != "table3":
        domains = [one["domain"] for one in values_of(drawn(name, rows[name]).to_dict(), "scale")
                   if len(one.get("domain", [])) == 16]  # fmt: skip
        assert domains and all(domain == list(range(16)) for domain in domains)
    empty = drawn(name, rows[name].head(0), dark=True).to_dict()
    assert "Nothing was counted for these layers." in str(empty)
    assert in_words(name, rows[name].head(0)) == "Nothing was counted for these layers."


@pytest.mark.parametrize("name", MODEL_CHARTS)
def test_on_a_page_the_title_is_the_pages_and_the_rest_is_text(
    rows: dict[str, pd.DataFrame], name: str
) -> None:
    chart, about = for_a_page(name, rows[name], dark=True)
    assert chart.to_dict()["title"] == ""
    assert "95%" in about


def test_an_undefined_share_has_no_point(rows: dict[str, pd.DataFrame]) -> None:
    table = rows["table3"].copy()
    table.loc[0, ["value", "ci_low", "ci_high"]] = float("nan")
    table.loc[0, "count"] = 0
    spec = drawn("table3", table).to_dict()
    assert "isValid(datum.value)" in str(spec)
    assert "5 have a trigger" not in in_words("table3", table.iloc[:1])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("figure3", "the last −100%, the first −25%, a random −50%."),
        ("figure4", "12.5% to 25.0% of a layer's keys (chance: 1.00%), most in layer 1."),
        ("figure5", "median rank of 4, lowest in layer 0; chance would give 50."),
        ("table3", "Of the 6 values with the most probable top token, 5 have a trigger"),
        ("figure6", "At a token 25.0% of a layer's memories are active"),
        ("figure7", "At 75% of prefixes a layer's output"),
        ("figure8", "Before layer 1, the last here, the residual stream's top word is already the"
                    " final prediction at 12% of prefixes."),
        ("figure9", "a probability of 50% on average"),
        ("figure10", "the one from before the layer at 50%; a third one"),
    ],
)  # fmt: skip
def test_the_sentence_says_the_number(tmp_path: Path, name: str, words: str) -> None:
    found = figures_of(analysed_run(tmp_path / "run"))
    assert words in in_words(name, found[name])
    assert name in TITLES
