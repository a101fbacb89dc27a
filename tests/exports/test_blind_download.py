"""What somebody may take away tells nothing of answers that they must not see yet."""

import csv
import io
import json
import zipfile

from labelled_data import add_run, answer, label
from sqlmodel import Session, select

from annotations.answers import PatternAnswer
from annotations.blind import disclose
from annotations.people import add_annotator
from annotations.tables import Annotator, Key
from exports.dataset import dataset_zip

OTHERS = PatternAnswer("semantic", "seen by nobody", (1, 4, 5))


def unpacked(session: Session, run_id: int, viewer_id: int | None) -> dict[str, bytes]:
    packed = dataset_zip(session=session, run_id=run_id, viewer_id=viewer_id)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def prepared(session: Session) -> tuple[int, dict[str, int], dict[tuple[int, int], int]]:
    for name, role in (("zed", "annotator"), ("lea", "lead")):
        add_annotator(session=session, name=name, role=role)
    run_id = add_run(session)
    label(session, run_id)
    people = {person.name: person.id for person in session.exec(select(Annotator))}
    keys = {(key.layer, key.key): key.id for key in session.exec(select(Key))}
    return run_id, people, keys


def test_answers_to_keys_that_one_has_not_answered_change_no_byte_of_any_file(
    session: Session,
) -> None:
    run_id, people, keys = prepared(session)
    answer(session, people["zed"], keys[0, 2])
    before = unpacked(session, run_id, people["zed"])
    assert b"\r\nall," in before["agreement.csv"]
    for name in ("zoe", "pia"):
        answer(session, people[name], keys[0, 7], OTHERS)
    answer(session, people["gold"], keys[0, 7], OTHERS)
    assert unpacked(session, run_id, people["zed"]) == before
    changed = unpacked(session, run_id, None)
    assert changed["agreement.csv"] != before["agreement.csv"]


def test_whoever_has_answered_nothing_sees_headers_alone(session: Session) -> None:
    run_id, people, _ = prepared(session)
    found = unpacked(session, run_id, people["zed"])
    told = found.pop("label_statistics.csv").decode()  # that there is nothing to tell
    rows = list(csv.DictReader(io.StringIO(told, newline="")))
    assert {row["scope"] for row in rows} == {"all"}
    assert {row["value"] for row in rows} <= {"", "0.0"}
    for name in found.keys() - {"keys.csv", "prefixes.csv", "data_dictionary.csv"}:
        if name.endswith(".csv"):
            assert found[name].count(b"\r\n") == 1, name


def test_an_answered_key_shows_what_everybody_said_of_it_and_no_other(session: Session) -> None:
    run_id, people, keys = prepared(session)
    answer(session, people["zed"], keys[0, 2])
    found = unpacked(session, run_id, people["zed"])
    answers = found["submissions.csv"].decode().splitlines()[1:]
    assert {line.split(",")[0] + "," + line.split(",")[1] for line in answers} == {"0,2"}
    assert len(answers) == 3
    assert b"layer 1" not in found["agreement.csv"] + found["agreement_pairs.csv"]


def test_the_manifest_says_that_answers_may_be_missing_and_a_leads_that_none_is(
    session: Session,
) -> None:
    run_id, people, _ = prepared(session)
    blind = json.loads(unpacked(session, run_id, people["zed"])["manifest.json"])
    assert blind["filters"]["keys"] == "answered by whoever took this dataset away"
    disclose(session=session, lead_id=people["lea"], run_id=run_id)
    assert unpacked(session, run_id, people["lea"]) == unpacked(session, run_id, None)
