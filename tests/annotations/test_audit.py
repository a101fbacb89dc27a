"""The audit trail: who did what, in the same transaction, and never changed."""

import csv
import io
import json
import os
import pwd
from pathlib import Path

import pytest
from desk import Desk, answer, pattern
from sqlalchemy import text
from test_annotations_cli import Command, command  # noqa: F401 (a fixture)

from annotations import adjudication, audit, queue
from annotations.blind import disclose
from annotations.database import session
from annotations.people import add_annotator, set_role
from annotations.store import reopen, skip, submit
from mining.errors import AnnotationError

THREE = answer(pattern(1, 2, 3))
PROMPT = f"command line ({pwd.getpwuid(os.getuid()).pw_name})"


def trail(desk: Desk) -> list[tuple[object, ...]]:
    """What was done since Ada and Bob were added."""
    with session(desk.engine, read_only=True) as s:
        rows = audit.entries(session=s)[2:]
    return [(row.who, row.what, row.about, row.before, row.after) for row in rows]


def do(desk: Desk, what, **how: object):
    with session(desk.engine) as s:
        return what(session=s, **how)


def test_an_answer_leaves_its_whole_way(desk: Desk) -> None:
    own = {"annotator_id": desk.ada, "key_id": desk.keys[0]}
    desk.save(THREE, **own)
    do(desk, skip, **own, reason="no idea")
    do(desk, reopen, **own)
    do(desk, submit, **own)
    do(desk, submit, **own)  # changes nothing
    do(desk, reopen, **own)
    about = "first run, layer 0, key 1"
    draft, skipped = {"status": "draft"}, {"status": "skipped", "reason": "no idea"}
    submitted = {"status": "submitted", "revision": 1, "answer": THREE.to_json()}
    found = trail(desk)
    assert {row[2] for row in found} == {found[0][2]}
    assert found[0][2].startswith(about[:20])
    assert [(row[0], row[1], row[3], row[4]) for row in found] == [
        ("Ada", "skipped", draft, skipped),
        ("Ada", "reopened", skipped, draft),
        ("Ada", "submitted", draft, submitted),
        ("Ada", "reopened", {"status": "submitted"}, draft),
    ]


def test_gold_is_decided_in_the_leads_name(desk: Desk) -> None:
    lea = do(desk, add_annotator, name="Lea", role="lead").id
    for who in (desk.ada, desk.bob):
        desk.hand_in(THREE, who, desk.keys[0])
    do(desk, disclose, lead_id=lea, run_id=desk.run_id)
    own = {"lead_id": lea, "key_id": desk.keys[0]}
    do(desk, adjudication.add_to_gold, **own, pattern=THREE.patterns[0])
    do(desk, adjudication.submit_gold, **own)
    do(desk, adjudication.reopen_gold, **own)
    assert [row[:2] for row in trail(desk)[-2:]] == [
        ("Lea", "gold decided"), ("Lea", "gold reopened"),
    ]  # fmt: skip


def test_users_and_assignments_are_in_the_name_of_whoever_asked(desk: Desk) -> None:
    lea = do(desk, add_annotator, name="Lea", themself=True).id
    do(desk, set_role, name="Lea", role="lead")
    do(desk, set_role, name="Lea", role="lead")  # changes nothing
    assigned = {"run_id": desk.run_id, "lead_id": lea}
    do(desk, queue.assign, **assigned, overlap=2, layers=[1], claim_hours=3.0)
    do(desk, queue.open_to_everybody, run_id=desk.run_id)
    free = {"claim_hours": 24.0, "annotators": {"0": [None], "1": [None]}}
    taken = {"claim_hours": 3.0, "annotators": {"0": [0], "1": [2]}}
    again = {"claim_hours": 3.0, "annotators": {"0": [None], "1": [None]}}
    assert trail(desk) == [
        ("Lea", "user added", "Lea", None, {"role": "annotator"}),
        (PROMPT, "role changed", "Lea", {"role": "annotator"}, {"role": "lead"}),
        ("Lea", "assigned", "first run", free, taken),
        (PROMPT, "opened to everybody", "first run", taken, again),
    ]


def test_a_change_that_is_taken_back_leaves_no_trace(desk: Desk) -> None:
    desk.save(THREE)
    with pytest.raises(ZeroDivisionError), session(desk.engine) as s:
        submit(session=s, annotator_id=desk.ada, key_id=desk.keys[0])
        _ = 1 / 0
    assert trail(desk) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET who = 'Bob'",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit VALUES (1, '2026-01-01', 'Bob', 'x', 'y', NULL, NULL)",
        "TRUNCATE audit",
    ],
)
def test_no_row_can_be_changed_or_removed(desk: Desk, statement: str) -> None:
    before = trail(desk)
    with pytest.raises(Exception, match=r"append-only|syntax error"), session(desk.engine) as s:
        s.execute(text(statement))
    with session(desk.engine, read_only=True) as s:
        first = audit.entries(session=s)[0]
    assert (first.about, trail(desk)) == ("Ada", before)


def test_nobody_can_be_called_like_the_command_line(desk: Desk) -> None:
    with pytest.raises(AnnotationError, match="nobody's name"):
        do(desk, add_annotator, name="Command Line (root)")


def test_the_command_says_it_line_by_line_and_as_csv(
    command: Command,  # noqa: F811
    tmp_path: Path,
) -> None:
    command("users", "add", "日本, x")
    command("users", "role", "日本, x", "lead")
    lines = command("audit")[1].splitlines()
    assert [line.split("\t")[1:4] for line in lines] == [
        [PROMPT, "user added", "日本, x"], [PROMPT, "role changed", "日本, x"],
    ]  # fmt: skip
    assert command("audit", "--csv", tmp_path / "a.csv")[1].startswith("2 entries")
    rows = list(csv.reader(io.StringIO((tmp_path / "a.csv").read_bytes().decode(), newline="")))
    assert rows[0] == ["at", "who", "what", "about", "before", "after"]
    assert (rows[1][3], json.loads(rows[2][4])) == ("日本, x", {"role": "annotator"})


def test_a_machine_stays_a_machine_and_nobody_cannot_lead(command: Command) -> None:  # noqa: F811
    command("users", "add", "gpt", "--role", "machine")
    assert "cannot be made lead" in command("users", "role", "gpt", "lead")[2]
    assert "nobody called" in command("users", "role", "Ada\0", "lead")[2]
