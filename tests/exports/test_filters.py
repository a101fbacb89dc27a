"""Filters: each does what it says, they combine, and the manifest tells of them."""

import json
from pathlib import Path

import pytest
from labelled_data import CSV_FILES, contents, table
from sqlmodel import Session, select

from annotations.answers import Answer, PatternAnswer
from annotations.store import save_draft
from annotations.tables import Annotator, Key
from exports.dataset import write_dataset
from exports.selection import Selection, status_of
from mining.errors import DatasetError

ANSWERS = ("submissions.csv", "patterns.csv", "labels.csv")


def filters_of(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "manifest.json").read_text())["filters"]
    return found


def draft(session: Session, name: str, key: int) -> None:
    """A draft with one pattern, of somebody who has none for this key."""
    whose = session.exec(select(Annotator.id).where(Annotator.name == name)).one()
    what = session.exec(select(Key.id).where(Key.key == key)).one()
    given = Answer((PatternAnswer("shallow", "half an idea", (4,)),))
    save_draft(
        session=session, annotator_id=whose, key_id=what, answer=given, writer="w", sequence=1,
        base_revision=0,
    )  # fmt: skip


@pytest.mark.parametrize("layer", ["0", "1"])
def test_layers_leave_out_the_keys_of_others_and_all_about_them(
    session: Session, labelled: int, tmp_path: Path, layer: str
) -> None:
    write_dataset(tmp_path / "all", session=session, run_id=labelled)
    chosen = Selection(layers=[int(layer), 99_999])
    write_dataset(tmp_path / "one", session=session, run_id=labelled, selection=chosen)
    for name in ("keys.csv", "prefixes.csv", "layer_statistics.csv", *ANSWERS):
        expected = [row for row in table(tmp_path / "all", name) if row["layer"] == layer]
        assert table(tmp_path / "one", name) == expected
        assert expected, name
    assert filters_of(tmp_path / "one")["layers"] == [int(layer), 99_999]  # as asked


def test_an_annotator_leaves_out_the_answers_of_others_and_no_key(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "all", session=session, run_id=labelled)
    chosen = Selection(annotators=["pia"])
    write_dataset(tmp_path / "pia", session=session, run_id=labelled, selection=chosen)
    for name in ANSWERS:
        every = table(tmp_path / "all", name)
        expected = [row for row in every if row["annotator"] == "annotator-2"]
        assert table(tmp_path / "pia", name) == expected
        assert len(every) > len(expected) > 0
    assert len(table(tmp_path / "pia", "keys.csv")) == 4
    assert [row["annotator"] for row in table(tmp_path / "pia", "annotators.csv")] == [
        "annotator-2"
    ]
    assert filters_of(tmp_path / "pia")["annotator"] == ["annotator-2"]
    assert all(b"pia" not in content for content in contents(tmp_path / "pia").values())


def test_drafts_come_with_all(session: Session, labelled: int, tmp_path: Path) -> None:
    draft(session, "pia", 7)
    write_dataset(tmp_path / "submitted", session=session, run_id=labelled)
    chosen = Selection(status="all")
    write_dataset(tmp_path / "all", session=session, run_id=labelled, selection=chosen)
    (more,) = [
        row
        for row in table(tmp_path / "all", "submissions.csv")
        if row not in table(tmp_path / "submitted", "submissions.csv")
    ]
    assert (more["status"], more["submitted_at"], more["key"]) == ("draft", "", "7")
    assert "half an idea" in (tmp_path / "all" / "patterns.csv").read_text(encoding="utf-8")
    for name in (
        "layer_statistics.csv",
        "label_statistics.csv",
        "agreement.csv",
        "agreement_pairs.csv",
    ):  # no draft counts
        both = [(tmp_path / place / name).read_bytes() for place in ("submitted", "all")]
        assert both[0] == both[1]
    assert filters_of(tmp_path / "all")["status"] == "all"


def test_filters_combine(session: Session, labelled: int, tmp_path: Path) -> None:
    draft(session, "pia", 7)
    draft(session, "zoe", 0)
    chosen = Selection(layers=[0], status="all", annotators=["pia", "gold"])
    write_dataset(tmp_path, session=session, run_id=labelled, selection=chosen, names=True)
    rows = [tuple(row.values())[:4] for row in table(tmp_path, "submissions.csv")]
    assert rows == [("0", "2", "pia", "submitted"), ("0", "7", "pia", "draft")]
    assert filters_of(tmp_path) == {
        "status": "all", "annotators": "names", "layers": [0], "annotator": ["gold", "pia"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "empty", "notice"),
    [
        (Selection(layers=[7]), "keys.csv", "No key of the run is in these layers"),
        (Selection(layers=[0], annotators=["gold"]), "labels.csv", "No answer fits these filters"),
    ],
)
def test_where_nothing_matches_there_are_headers_and_a_notice(
    session: Session, labelled: int, tmp_path: Path, chosen: Selection, empty: str, notice: str
) -> None:
    report = write_dataset(tmp_path, session=session, run_id=labelled, selection=chosen)
    assert report.notice is not None and notice in report.notice
    assert set(CSV_FILES) <= contents(tmp_path).keys()
    for name in (empty, *ANSWERS, "agreement.csv", "layer_statistics.csv"):
        assert (tmp_path / name).read_bytes().count(b"\r\n") == 1, name


def test_an_unknown_annotator_and_an_unknown_status_are_refused(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="no annotator called 'nobody'"):
        write_dataset(
            tmp_path / "out", session=session, run_id=labelled,
            selection=Selection(annotators=["pia", "nobody"]),
        )  # fmt: skip
    assert not (tmp_path / "out").exists()
    with pytest.raises(DatasetError, match="--status drafts is not known"):
        status_of("drafts")
