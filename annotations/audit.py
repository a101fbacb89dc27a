"""The audit trail: who did what to users, assignments, submissions and gold, and when.

A row is written in the transaction of the change itself: both are kept, or neither. There is no
way here to change or delete one, and triggers in the database refuse it to everybody else. Drafts
are not among it, and never a password, a token or a hash of one. Whoever may use the command line
may read it; no page shows it.
"""

import csv
import getpass
import io
import json
import os
from collections.abc import Iterable
from datetime import UTC
from typing import Any

from sqlmodel import Session, col, select

from annotations.tables import Annotator, Audit, Key, Run, Submission

ADDED, ROLE_CHANGED = "user added", "role changed"
ASSIGNED, OPENED = "assigned", "opened to everybody"
SUBMISSION, SKIP, REOPENING = "submitted", "skipped", "reopened"
DECISION, DECISION_REOPENED = "gold decided", "gold reopened"
IDENTITY_CHANGED, IDENTITY_BOUND = "e-mail changed", "identity recognised"
INVITED, PASSWORD_SET, PASSWORD_CHANGED = "invited", "password set", "password changed"
SIGNED_OUT, DEACTIVATED, ACTIVATED = "signed out everywhere", "deactivated", "activated"
RESTORED, IMPORTED = "backup restored", "dataset imported"
COMMAND_LINE = "command line"  # no annotator's name may begin with it
COLUMNS = ("at", "who", "what", "about", "before", "after")

State = dict[str, Any] | None  # what JSON can hold


def record(
    *, session: Session, who: str, what: str, about: str, before: State, after: State
) -> None:
    """Add a row; it is kept if and only if the caller's transaction is."""
    session.add(Audit(who=who, what=what, about=about, before=before, after=after))
    session.flush()


def record_answer(
    *,
    session: Session,
    answer: Submission,
    what: str,
    before: State,
    after: State,
    decided_by: int | None = None,
) -> None:
    """Add a row about somebody's answer to a key; of a gold answer, in the name of its lead."""
    key = session.get(Key, answer.key_id)
    assert key is not None
    run = session.get(Run, key.run_id)
    assert run is not None
    record(
        session=session,
        who=name_of(decided_by or answer.annotator_id, session=session),
        what=what,
        about=f"{run.name}, layer {key.layer}, key {key.key}",
        before=before,
        after=after,
    )


def name_of(annotator_id: int | None, *, session: Session) -> str:
    """An annotator's name, or without one whoever is at the command line."""
    if annotator_id is None:
        return f"{COMMAND_LINE} ({_system_user()})"
    person = session.get(Annotator, annotator_id)
    assert person is not None, f"no annotator {annotator_id}"
    return person.name


def entries(*, session: Session) -> list[Audit]:
    """Everything, in the order in which it was done."""
    return list(session.exec(select(Audit).order_by(col(Audit.id))))


def as_csv(rows: Iterable[Audit]) -> str:
    """RFC 4180, with what changed as JSON; empty where there was or is nothing."""
    written = io.StringIO()
    table = csv.writer(written, lineterminator="\r\n")
    table.writerow(COLUMNS)
    table.writerows(_cells(row) for row in rows)
    return written.getvalue()


def as_lines(rows: Iterable[Audit]) -> list[str]:
    """A line each for a terminal, its cells apart by tabs."""
    return ["\t".join(_cells(row)).rstrip() for row in rows]


def _cells(row: Audit) -> tuple[str, ...]:
    moment = row.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return (moment, row.who, row.what, row.about, _json(row.before), _json(row.after))


def _json(state: State) -> str:
    # ASCII, so that no text in it can act upon a terminal.
    return "" if state is None else json.dumps(state)


def _system_user() -> str:
    try:
        import pwd  # which says it without the environment, that anybody can set

        return pwd.getpwuid(os.getuid()).pw_name
    except ImportError:  # Windows
        return getpass.getuser()
    except KeyError:  # in a container without an entry for it
        return str(os.getuid())
