"""The dataset: what the database holds, under pseudonyms, complete, and always the same bytes."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from labelled_data import AWKWARD, CSV_FILES, MORNING, add_run, answer, contents, table
from sqlmodel import Session, select

from annotations.answers import PatternAnswer
from annotations.people import add_annotator
from annotations.store import reopen
from annotations.tables import Annotator, Key, Prefix
from exports.dataset import dataset_zip, write_dataset
from exports.statistics_file import read_statistics
from mining.errors import DatasetError


def test_it_holds_every_file_of_the_design_and_nothing_else(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "out", session=session, run_id=labelled)
    found = {path.name for path in (tmp_path / "out").iterdir()}
    assert found == {*CSV_FILES, "manifest.json", "README.md", "croissant.json"}


def test_every_key_put_to_annotators_is_there_in_order(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled)
    keys = table(tmp_path, "keys.csv")
    assert [(row["layer"], row["key"]) for row in keys] == [
        ("0", "2"), ("0", "7"), ("1", "0"), ("1", "3"),
    ]  # fmt: skip
    assert {(row["run"], row["model"]) for row in keys} == {("demo", "tiny")}


def test_prefixes_are_those_of_the_database_to_the_last_bit_and_character(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled)
    rows = table(tmp_path, "prefixes.csv")
    assert len(rows) == 20
    own = [row for row in rows if (row["layer"], row["key"]) == ("0", "2")]
    assert [int(row["rank"]) for row in own] == [1, 2, 3, 4, 5]
    assert {row["prefix"] for row in own} == {AWKWARD}
    assert [row["next_token"] for row in own] == [" on"] * 4 + [""]
    found = [np.float32(row["coefficient"]) for row in own]
    assert found == [np.float32(1 / (rank + 2)) for rank in (1, 2, 3, 4, 5)]


def test_answers_are_those_submitted_and_no_pattern_is_one(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled, names=True)
    rows = table(tmp_path, "submissions.csv")
    assert [tuple(row.values())[:4] for row in rows] == [
        ("0", "2", "pia", "submitted"),
        ("0", "2", "zoe", "submitted"),
        ("1", "0", "pia", "no pattern"),
        ("1", "3", "gold", "submitted"),
        ("1", "3", "zoe", "submitted"),
    ]
    assert {row["submitted_at"] for row in rows} == {"2026-03-01T09:31:00.625000Z"}
    assert {float(row["seconds"]) for row in rows} == {60.5}


def test_patterns_and_ticks_are_the_annotators(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled, names=True)
    patterns = [tuple(row.values()) for row in table(tmp_path, "patterns.csv")]
    assert patterns[:3] == [
        ("0", "2", "pia", "1", "semantic", "חיות"),
        ("0", "2", "zoe", "1", "shallow", 'ends with, or holds, =SUM("a")'),
        ("0", "2", "zoe", "2", "semantic", "חיות"),
    ]
    labels = [tuple(row.values()) for row in table(tmp_path, "labels.csv")]
    assert labels[:6] == [
        ("0", "2", "pia", "1", "3"), ("0", "2", "pia", "1", "4"), ("0", "2", "pia", "1", "5"),
        ("0", "2", "zoe", "1", "1"), ("0", "2", "zoe", "1", "2"), ("0", "2", "zoe", "1", "3"),
    ]  # fmt: skip
    assert len(labels) == 3 * 6


def test_statistics_count_a_key_once_and_gold_alone(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled)
    shares = read_statistics(tmp_path).set_index(["layer", "category"])["share"]
    # Layer 0: zoe ticks 1-3 shallow and 3-5 semantic, pia 3-5 semantic; a half each.
    assert shares[0].round(9).tolist() == [0.2, 0.5, 0.1, 0.2]
    # Layer 1: pia finds nothing in key 0; in key 3 gold's answer stands and zoe's does not.
    assert shares[1].round(9).tolist() == [0.2, 0.2, 0.1, 0.5]


def test_annotators_are_numbered_in_the_order_they_were_added_and_gold_is_gold(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled)
    shown = [row["annotator"] for row in table(tmp_path, "submissions.csv")]
    assert shown == ["annotator-1", "annotator-2", "annotator-2", "annotator-1", "gold"]
    assert all(b"zoe" not in content for content in contents(tmp_path).values())
    assert all(b"pia" not in content for content in contents(tmp_path).values())


def test_a_later_annotator_changes_nobodys_pseudonym(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "before", session=session, run_id=labelled)
    for number in range(12):
        add_annotator(session=session, name=f"annotator-{number}")
    write_dataset(tmp_path / "after", session=session, run_id=labelled)
    assert contents(tmp_path / "before") == contents(tmp_path / "after")


def test_pseudonyms_with_two_digits_follow_those_with_one(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    key = session.exec(select(Key).where(Key.run_id == labelled, Key.key == 7)).one()
    for number in range(12):
        person = add_annotator(session=session, name=f"p{11 - number:02}")
        answer(session, person.id, key.id)
    write_dataset(tmp_path, session=session, run_id=labelled)
    rows = table(tmp_path, "submissions.csv")
    numbers = [int(r["annotator"].split("-")[1]) for r in rows if r["key"] == "7"]
    assert numbers == list(range(3, 15))


def test_a_draft_and_a_reopened_answer_are_left_out(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    zoe = session.exec(select(Annotator).where(Annotator.name == "zoe")).one()
    key = session.exec(select(Key).where(Key.run_id == labelled, Key.key == 2)).one()
    reopen(session=session, annotator_id=zoe.id, key_id=key.id, now=MORNING)
    write_dataset(tmp_path, session=session, run_id=labelled, names=True)
    for name in ("submissions.csv", "patterns.csv", "labels.csv"):
        own = [row for row in table(tmp_path, name) if row["key"] == "2"]
        assert {row["annotator"] for row in own} == {"pia"}, name


def test_only_the_run_asked_for_is_exported(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    other = add_run(session, name="other", text="elsewhere")
    write_dataset(tmp_path / "one", session=session, run_id=labelled)
    write_dataset(tmp_path / "other", session=session, run_id=other)
    assert b"elsewhere" not in (tmp_path / "one" / "prefixes.csv").read_bytes()
    assert {row["run"] for row in table(tmp_path / "other", "keys.csv")} == {"other"}
    assert table(tmp_path / "other", "submissions.csv") == []


def test_exporting_again_gives_the_same_bytes_also_over_an_older_dataset(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "one", session=session, run_id=labelled)
    write_dataset(tmp_path / "two", session=session, run_id=labelled, names=True)
    write_dataset(tmp_path / "two", session=session, run_id=labelled)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_zip_holds_the_same_files_and_is_always_the_same(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled)
    packed = dataset_zip(session=session, run_id=labelled)
    assert packed == dataset_zip(session=session, run_id=labelled)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == contents(tmp_path)
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_zip_may_show_names(session: Session, labelled: int) -> None:
    packed = dataset_zip(session=session, run_id=labelled, names=True)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert b"zoe" in archive.read("submissions.csv")


def test_without_submissions_the_files_of_answers_hold_headers_and_a_notice_says_so(
    session: Session, tmp_path: Path
) -> None:
    run_id = add_run(session)
    report = write_dataset(tmp_path, session=session, run_id=run_id)
    assert report.notice is not None
    for name in ("submissions.csv", "patterns.csv", "labels.csv", "layer_statistics.csv"):
        content = (tmp_path / name).read_bytes()
        assert content.count(b"\r\n") == 1, name
        assert report.rows[name] == 0
    assert report.rows["keys.csv"] == 4
    assert read_statistics(tmp_path).empty


def test_with_submissions_there_is_no_notice(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    report = write_dataset(tmp_path, session=session, run_id=labelled)
    assert report.notice is None
    assert (report.rows["submissions.csv"], report.rows["patterns.csv"]) == (5, 6)


def test_somebody_elses_folder_is_left_alone(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text("my thesis")
    with pytest.raises(DatasetError, match="holds no Keyhole dataset"):
        write_dataset(tmp_path, session=session, run_id=labelled)
    assert contents(tmp_path) == {"README.md": b"my thesis"}


def test_charts_beside_an_older_dataset_are_kept(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path, session=session, run_id=labelled)
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "figure2.svg").write_text("drawn")
    write_dataset(tmp_path, session=session, run_id=labelled)
    assert (tmp_path / "charts" / "figure2.svg").read_text() == "drawn"


def test_a_text_that_csv_cannot_carry_stops_the_export_before_anything_is_written(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    prefix = session.exec(select(Prefix).where(Prefix.rank == 4)).first()
    assert prefix is not None
    prefix.text = "a\0b"
    session.add(prefix)
    session.flush()
    with pytest.raises(DatasetError, match=r"prefixes\.csv, column prefix, layer 1, key 3, rank 4"):
        write_dataset(tmp_path / "out", session=session, run_id=labelled)
    assert not (tmp_path / "out").exists()


def test_a_machines_answers_are_there_and_counted_in_no_figure(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "before", session=session, run_id=labelled)
    bot = add_annotator(session=session, name="bot", role="machine")
    for key in session.exec(select(Key)).all():
        answer(session, bot.id, key.id, PatternAnswer("semantic", "everything", (1, 2, 3, 4, 5)))
    write_dataset(tmp_path / "after", session=session, run_id=labelled)
    kinds = [tuple(row.values()) for row in table(tmp_path / "after", "annotators.csv")]
    assert ("machine-1", "machine") in kinds
    shown = [row["annotator"] for row in table(tmp_path / "after", "submissions.csv")]
    assert shown.count("machine-1") == 4
    for name in (
        "layer_statistics.csv",
        "label_statistics.csv",
        "agreement.csv",
        "agreement_pairs.csv",
    ):
        both = [(tmp_path / when / name).read_bytes() for when in ("before", "after")]
        assert both[0] == both[1], name


def test_agreement_is_that_of_the_people_shown_and_names_them_as_they_are_shown(
    session: Session, labelled: int, tmp_path: Path
) -> None:
    write_dataset(tmp_path / "hidden", session=session, run_id=labelled)
    write_dataset(tmp_path / "shown", session=session, run_id=labelled, names=True)
    pairs = {
        place: {
            (row["one"], row["other"]) for row in table(tmp_path / place, "agreement_pairs.csv")
        }
        for place in ("hidden", "shown")
    }
    assert pairs["hidden"] == {
        ("annotator-1", "annotator-2"),
        ("gold", "annotator-1"),
        ("gold", "annotator-2"),
    }
    assert pairs["shown"] == {("pia", "zoe"), ("gold", "zoe"), ("gold", "pia")}
    one = {row["measure"]: row for row in table(tmp_path / "hidden", "agreement.csv")[:12]}
    assert len(one) == 12 and one["omega"]["scope"] == "all"
    assert (one["omega"]["keys"], one["omega"]["annotators"]) == ("1", "2")
