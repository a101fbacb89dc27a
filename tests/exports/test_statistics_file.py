"""Reading layer_statistics.csv: what can be drawn is read exactly, the rest refused by place."""

from pathlib import Path

import pandas as pd
import pytest
from labelled_data import statistics_of, write_statistics

from exports.csv_files import render_csv
from exports.statistics_file import read_statistics
from mining.errors import DatasetError

HEADER = "layer,category,prefixes,share,ci_low,ci_high,keys,annotators\n"
LAYER = (
    "0,shallow,10,0.5,0.4,0.6,2,1\n"
    "0,semantic,5,0.25,,,2,1\n"
    "0,shallow+semantic,0,0,0,0,2,1\n"
    "0,not covered,5,0.25,0.2,0.3,2,1\n"
)


def written(folder: Path, content: str | bytes) -> Path:
    raw = content.encode("utf-8") if isinstance(content, str) else content
    (folder / "layer_statistics.csv").write_bytes(raw)
    return folder


@pytest.mark.parametrize("keys", [1, 4])
def test_what_the_export_writes_is_read_back_exactly(tmp_path: Path, keys: int) -> None:
    statistics = statistics_of(3, keys=keys)
    (tmp_path / "layer_statistics.csv").write_bytes(render_csv("layer_statistics.csv", statistics))
    pd.testing.assert_frame_equal(read_statistics(tmp_path), statistics, check_exact=True)


def test_rows_are_put_in_order_and_unknown_columns_passed_over(tmp_path: Path) -> None:
    statistics = statistics_of(12)
    shuffled = statistics.sample(frac=1, random_state=0).assign(remark="mine")
    write_statistics(tmp_path, shuffled[["remark", *reversed(statistics.columns)]])
    pd.testing.assert_frame_equal(read_statistics(tmp_path), statistics, check_exact=True)


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    read = read_statistics(written(tmp_path, "\ufeff" + HEADER + LAYER + "\n\n"))
    assert read["share"].tolist() == [0.5, 0.25, 0.0, 0.25]


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    read = read_statistics(written(tmp_path, HEADER))
    assert read.empty
    assert ",".join(read.columns) == HEADER.strip()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "line 1: no column layer, category, .*the columns found are none"),
        ("layer;category\n0;shallow\n", "line 1: no column .*found are layer;category"),
        ((HEADER + LAYER).replace("share", "part"), "line 1: no column share; .*part"),
        (HEADER + LAYER.replace("0.5,", "half,"), "line 2, column share: 'half' is not a number"),
        (HEADER + LAYER.replace("0.5,", ","), "line 2, column share: '' is not a number"),
        (HEADER + LAYER.replace("0.5,", "nan,"), "line 2, column share: 'nan' is not"),
        (HEADER + LAYER.replace("0.5,", "1.5,"), "column share: '1.5' is not .* from 0 to 1"),
        (HEADER + LAYER.replace("0.5,", "-0.5,"), "column share: '-0.5' is not"),
        (HEADER + LAYER.replace(",0.6,", ",inf,"), "line 2, column ci_high: 'inf' is not"),
        (HEADER + LAYER.replace(",2,1", ",2.5,1"), "line 2, column keys: '2.5' is not a whole"),
        (HEADER + LAYER.replace("0,not", "1e3,not"), "line 5, column layer: '1e3' is not a whole"),
        (HEADER + LAYER.replace("0,not", "10000000,not"), "line 5, column layer: '10000000'"),
        (HEADER + LAYER.replace("shallow,10", "Shallow,10"), "line 2, column category: 'Shallow'"),
        (
            HEADER + LAYER.replace(",0.6,", ",0.3,"),
            "line 2, column ci_low: .* above ci_high 0.3",
        ),
        (HEADER + LAYER.replace("0.4,", ","), "line 2, column ci_low: .* to be empty togeth"),
        (HEADER + LAYER.replace("2,1\n", "2\n"), "line 2: 7 cells under 8 column names"),
        (HEADER + LAYER + LAYER, "line 6, column category: layer 0 has shallow twice"),
        (HEADER + LAYER[: LAYER.index("0,not")], "layer 0 has no row for not covered"),
        (HEADER + LAYER.replace("0.25,", "0.5,"), "shares of layer 0 add up to 1.5, not 1"),
        (HEADER + LAYER + '"0,shal', "line 6 is not CSV"),
        (HEADER.encode() + b"0,\xff", "line 2 is not UTF-8"),
        (b"\xef\xbb\xbf\xff", "line 1 is not UTF-8"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_its_place(
    tmp_path: Path, content: str | bytes, complaint: str
) -> None:
    with pytest.raises(DatasetError, match=complaint) as caught:
        read_statistics(written(tmp_path, content))
    assert "layer_statistics.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_line_break_within_a_cell_is_counted_as_a_line(tmp_path: Path) -> None:
    noted = HEADER.replace("layer,", "remark,layer,") + '"two\nlines",9,odd,1,1,1,1,1,1\n'
    with pytest.raises(DatasetError, match="line 3, column category: 'odd'"):
        read_statistics(written(tmp_path, noted))
