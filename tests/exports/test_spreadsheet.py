"""Copies for spreadsheet programs: no cell is a formula, and the canonical files stay lossless."""

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled_data import contents, table
from sqlmodel import Session

from annotations.dataset_import import import_dataset
from exports.columns import FILES
from exports.dataset import write_dataset
from exports.spreadsheet import guarded
from mining.errors import DatasetError

COPIES = {
    "keys_spreadsheet.csv", "prefixes_spreadsheet.csv", "annotators_spreadsheet.csv",
    "submissions_spreadsheet.csv", "patterns_spreadsheet.csv", "labels_spreadsheet.csv",
    "label_statistics_spreadsheet.csv", "agreement_pairs_spreadsheet.csv",
}  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\ta", "\ra", "\na", "  =1", "\u00a0=1", "\u3000-1",
     "＝1", "＋1", "－1", "＠a", "﹣1", "\ufeff=1", "\u200b=1", '"=1', "'=1", " \t ＝1"],
)  # fmt: skip
def test_what_could_be_calculated_gets_an_apostrophe(text: str) -> None:
    assert guarded(text).startswith("'")
    assert guarded(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", ["", "a", "a = b", "1-2", "a, -b", "naïve", "'tis", " the", "🦉="])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert guarded(text) == text


@pytest.mark.parametrize("text", ["a;=1", "a\t@b", "a\n-b", 'a;"=1"', "a\r\n ＝b"])
def test_a_cell_that_might_be_split_is_guarded_within(text: str) -> None:
    pieces = re.split(r"[;\t\r\n]+", guarded(text))
    assert pieces[0] == "a"
    assert pieces[1].startswith("'")


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from(list("=+-@＝ \t\r\n;,'\"a1\ufeff")), max_size=12))
def test_no_text_of_awkward_characters_slips_through(text: str) -> None:
    for piece in re.split(r"[;\t\r\n]", guarded(text)):
        assert not re.match(r"[\s\"\ufeff]*[=+\-@＝]", piece)


def test_copies_are_written_only_on_request_and_removed_when_no_longer_asked_for(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "plain", session=session, run_id=labelled)
    write_dataset(tmp_path / "both", session=session, run_id=labelled, spreadsheet=True)
    plain, both = contents(tmp_path / "plain"), contents(tmp_path / "both")
    assert both.keys() - plain.keys() == COPIES
    changed = {"data_dictionary.csv", "README.md", "manifest.json", "croissant.json"}
    assert {name for name in plain if plain[name] != both[name]} == changed
    write_dataset(tmp_path / "both", session=session, run_id=labelled)
    assert contents(tmp_path / "both") == plain


def test_a_copy_has_the_same_rows_guarded_and_a_mark_for_excel(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled, spreadsheet=True)
    for copy in COPIES:
        name = copy.replace("_spreadsheet", "")
        raw = (tmp_path / copy).read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf")
        found = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
        texts = {column.name for column in FILES[name].columns if column.type == "string"}
        assert found == [
            {key: guarded(cell) if key in texts else cell for key, cell in row.items()}
            for row in table(tmp_path, name)
        ]
    assert "'=1+1" in (tmp_path / "prefixes_spreadsheet.csv").read_text(encoding="utf-8")


def test_an_import_of_a_copy_is_refused_and_says_so(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled, spreadsheet=True)
    message = "is a copy for spreadsheet programs.*import takes the canonical files"
    with pytest.raises(DatasetError, match=message):
        import_dataset(tmp_path / "labels_spreadsheet.csv", session=session)
    (tmp_path / "patterns.csv").unlink()
    with pytest.raises(
        DatasetError, match=f"lacks patterns.csv. patterns_spreadsheet.csv {message}"
    ):
        import_dataset(tmp_path, session=session)
    (tmp_path / "patterns_spreadsheet.csv").rename(tmp_path / "patterns.csv")
    for edited in (False, True):
        with pytest.raises(DatasetError, match=rf"patterns\.csv {message}"):
            import_dataset(tmp_path, session=session, edited=edited)
