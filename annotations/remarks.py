"""What people keep beside their answers: flags for the leads, and notes."""

from sqlmodel import Session

from annotations.answers import is_blank, reads_as_written
from annotations.claims import locked_answer
from annotations.store import one_line
from annotations.tables import utc_now
from mining.errors import AnnotationError

LONGEST_NOTE = 5_000  # characters


def set_flag(*, session: Session, annotator_id: int, key_id: int, reason: str) -> None:
    """Point a key out to the leads and say why; an empty reason takes the flag away."""
    row = locked_answer(session, annotator_id, key_id, utc_now())
    row.flag = one_line(reason, "A flag's reason") if not is_blank(reason) else ""
    session.add(row)
    session.flush()


def set_note(*, session: Session, annotator_id: int, key_id: int, note: str) -> None:
    """Keep a note beside an answer, of several lines if need be; it is its writer's own."""
    lines = "\n".join(note.splitlines()).strip()
    printable = reads_as_written(lines.replace("\n", "").replace("\t", ""))
    if len(lines) > LONGEST_NOTE or not printable:
        raise AnnotationError(
            f"A note has up to {LONGEST_NOTE:,} printable characters; shorten it."
        )
    row = locked_answer(session, annotator_id, key_id, utc_now())
    row.note = lines
    session.add(row)
    session.flush()
