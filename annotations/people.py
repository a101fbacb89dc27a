"""Who labels: names, roles, and how each of them likes to read."""

import unicodedata

from sqlmodel import Session, col, select

from annotations import audit
from annotations.answers import is_blank, reads_as_written
from annotations.blind import check_active, check_lead
from annotations.database import shut_out_others
from annotations.tables import ANNOTATOR, GOLD, LEAD, MACHINE, Annotator
from mining.errors import AnnotationError

ROLES = (ANNOTATOR, LEAD, MACHINE)
LONGEST_NAME = 80  # characters


def add_annotator(
    *,
    session: Session,
    name: str,
    role: str = ANNOTATOR,
    lead_id: int | None = None,
    themself: bool = False,
) -> Annotator:
    """Add a person; AnnotationError for a name that is empty, unprintable or taken in any case.

    The audit trail says that this lead did it, or the command line, or with `themself` the new
    person, who can be nothing but an annotator.
    """
    if lead_id is not None:
        check_lead(session=session, annotator_id=lead_id)
    if themself and role != ANNOTATOR:
        raise AnnotationError(f"Nobody makes themself {role}; ask a lead for it.")
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= LONGEST_NAME or is_blank(name) or not reads_as_written(name):
        raise AnnotationError(
            f"A name has 1 to {LONGEST_NAME} printable characters; {name[:20]!a} does not fit."
        )
    _check_role(role)
    folded = alike(name)
    if folded == GOLD:
        raise AnnotationError("gold stands for the agreed answer; choose another name.")
    if folded.startswith(audit.COMMAND_LINE):
        raise AnnotationError(f"{audit.COMMAND_LINE} is nobody's name; choose another one.")
    shut_out_others(session=session)  # no column keeps names apart that differ in case only
    for taken in session.exec(select(Annotator.name)):
        if alike(taken) == folded:
            raise AnnotationError(f"There is already somebody called {taken}; choose another name.")
    annotator = Annotator(name=name, role=role)
    session.add(annotator)
    session.flush()
    who = name if themself else audit.name_of(lead_id, session=session)
    audit.record(
        session=session, who=who, what=audit.ADDED, about=name, before=None, after={"role": role}
    )
    return annotator


def set_role(*, session: Session, name: str, role: str, lead_id: int | None = None) -> Annotator:
    """Make an annotator a lead, or a lead an annotator; machines stay what they are.

    Without `lead_id` it is the command line that asks. A lead cannot take the last one's role.
    """
    _check_role(role)
    shut_out_others(session=session)  # or two changes at once would both be from the same role
    if lead_id is not None:
        check_lead(session=session, annotator_id=lead_id)
    person = somebody(session=session, name=name)
    if (person.role == MACHINE) != (role == MACHINE):
        raise AnnotationError(
            f"{person.name} is {person.role} and cannot be made {role}: figures about people and"
            " about machines would mix; add another one."
        )
    if person.role != role:
        if lead_id is not None:
            check_lead_remains(session=session, without=person)
        before, person.role = person.role, role
        session.add(person)
        audit.record(
            session=session, who=audit.name_of(lead_id, session=session), what=audit.ROLE_CHANGED,
            about=person.name, before={"role": before}, after={"role": role},
        )  # fmt: skip
    return person


def somebody(*, session: Session, name: str) -> Annotator:
    """The annotator, lead or machine of that name; AnnotationError if there is none."""
    name = unicodedata.normalize("NFC", name.strip())
    everybody = session.exec(select(Annotator))  # what was typed may be nothing a database can take
    person = next((person for person in everybody if person.name == name), None)
    if person is None or person.role == GOLD:
        raise AnnotationError(
            f"There is nobody called {name[:LONGEST_NAME]!a}; `python -m annotations users list`"
            " names everybody."
        )
    return person


def check_lead_remains(*, session: Session, without: Annotator) -> None:
    """AnnotationError where nobody would be left to lead; the caller has shut out others."""
    others = select(Annotator.id).where(
        Annotator.role == LEAD, col(Annotator.active), Annotator.id != without.id
    )
    if without.role == LEAD and without.active and session.exec(others).first() is None:
        raise AnnotationError(f"{without.name} is the only lead; make somebody else one before.")


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise AnnotationError(
            f"There is no role {role!r}; choose {', '.join(ROLES[:-1])} or {ROLES[-1]}."
        )


def alike(name: str) -> str:
    """The same for names that nobody can tell apart: in any case, width, and with joiners."""
    wide = unicodedata.normalize("NFKC", name)
    return "".join(c for c in wide if unicodedata.category(c) != "Cf").casefold()


def set_shading(*, session: Session, annotator_id: int, on: bool) -> None:
    """Whether somebody wants prefixes shaded by coefficient, on every key from now on."""
    person = check_active(session=session, annotator_id=annotator_id)
    person.shading = on
    session.add(person)
