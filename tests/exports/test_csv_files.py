"""Canonical CSV: nothing is lost, and what cannot be carried is refused by name."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exports.csv_files import render_csv
from mining.errors import DatasetError

# Everything but what is refused; the awkward characters more often than by chance.
AWKWARD = st.sampled_from(['"', '""', ",", "\n", "\r", "\r\n", "=", "+", "-", "@", "\t", " ", "NA"])
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.one_of(AWKWARD, st.lists(st.one_of(AWKWARD, LETTERS), max_size=12).map("".join))


def patterns(*descriptions: str) -> pd.DataFrame:
    numbers = range(1, len(descriptions) + 1)
    return pd.DataFrame(
        {"layer": 0, "key": 5, "annotator": "ada", "pattern": list(numbers), "type": "shallow",
         "description": pd.Series(descriptions, dtype=object)},
    )  # fmt: skip


def prefixes(*coefficients: float) -> pd.DataFrame:
    ranks = list(range(1, len(coefficients) + 1))
    return pd.DataFrame(
        {"layer": 0, "key": 5, "rank": ranks, "coefficient": list(coefficients), "prefix": "a",
         "next_token": "b", "sentence_id": 1, "position": 0, "token_ends": "1"}
    )  # fmt: skip


def submissions(moment: object) -> pd.DataFrame:
    return pd.DataFrame(
        {"layer": [0], "key": [5], "annotator": ["ada"], "status": ["submitted"],
         "submitted_at": [moment], "seconds": [1.5], "guideline_version": ["1"]}
    )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_any_text_reads_back_in_pandas_and_in_the_csv_module(texts: list[str]) -> None:
    content = render_csv("patterns.csv", patterns(*texts))
    by_pandas = pd.read_csv(io.BytesIO(content), keep_default_na=False, dtype={"description": str})
    assert by_pandas["description"].tolist() == texts
    rows = list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    assert [row[-1] for row in rows[1:]] == texts


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(TEXTS, st.floats(allow_nan=False)), min_size=1, max_size=5))
def test_the_bytes_are_those_of_the_csv_module(cells: list[tuple[str, float]]) -> None:
    texts, numbers = zip(*cells, strict=True)
    frame = prefixes(*numbers).assign(prefix=texts, next_token=texts[::-1])
    expected = io.StringIO(newline="")
    csv.writer(expected).writerows([frame.columns.tolist(), *frame.astype(object).to_numpy()])
    assert render_csv("prefixes.csv", frame) == expected.getvalue().encode()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5))
def test_any_float64_reads_back_exactly(numbers: list[float]) -> None:
    content = render_csv("prefixes.csv", prefixes(*numbers))
    read = pd.read_csv(io.BytesIO(content))["coefficient"]
    assert read.astype("float64").tolist() == numbers


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=5))
def test_any_float32_reads_back_exactly(numbers: list[float]) -> None:
    frame = prefixes(*numbers).astype({"coefficient": "float32"})
    content = render_csv("prefixes.csv", frame)
    read = pd.read_csv(io.BytesIO(content), dtype={"coefficient": "float32"})["coefficient"]
    assert read.to_numpy().tobytes() == np.array(numbers, dtype="float32").tobytes()


def test_lines_end_with_crlf_and_only_what_must_be_quoted_is() -> None:
    content = render_csv("patterns.csv", patterns("plain = text", 'a "b", c'))
    assert content == (
        b"layer,key,annotator,pattern,type,description\r\n"
        b"0,5,ada,1,shallow,plain = text\r\n"
        b'0,5,ada,2,shallow,"a ""b"", c"\r\n'
    )


def test_a_frame_without_rows_gives_the_header_alone() -> None:
    assert render_csv("patterns.csv", patterns().astype({"description": str})) == (
        b"layer,key,annotator,pattern,type,description\r\n"
    )


def test_a_frame_that_was_put_together_is_written_as_one() -> None:
    one, other = (patterns(text).astype({"description": str}) for text in ("a", "b"))
    assert render_csv("patterns.csv", pd.concat([one, other])) == (
        b"layer,key,annotator,pattern,type,description\r\n"
        b"0,5,ada,1,shallow,a\r\n0,5,ada,1,shallow,b\r\n"
    )


@pytest.mark.parametrize(
    ("text", "fault"), [("a\0b", "a NUL character"), ("a\ud800b", r"a lone surrogate \(U\+D800\)")]
)
def test_what_csv_cannot_carry_is_refused_by_name(text: str, fault: str) -> None:
    place = r"patterns\.csv, column description, layer 0, key 5, annotator ada, pattern 2"
    with pytest.raises(DatasetError, match=f"{place}: the text holds {fault}"):
        render_csv("patterns.csv", patterns("fine", text, "\0"))


def test_a_pair_of_surrogates_that_python_holds_apart_is_refused_too() -> None:
    with pytest.raises(DatasetError, match="surrogate"):
        render_csv("patterns.csv", patterns("\ud83e\udd89"))


@pytest.mark.parametrize("hours", [0, 2, -7])
def test_times_are_written_in_utc_to_the_microsecond(hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    moment = datetime(2026, 3, 1, 9, 30, 0, 125000, tzinfo=UTC).astimezone(zone)
    content = render_csv("submissions.csv", submissions(moment))
    assert b",2026-03-01T09:30:00.125000Z,1.5," in content


def test_a_missing_time_is_an_empty_cell() -> None:
    assert b",submitted,,1.5,1\r\n" in render_csv("submissions.csv", submissions(pd.NaT))
