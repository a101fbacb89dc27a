"""Who labels: names, roles, and how each of them likes to read."""

import unicodedata

from sqlmodel import Session, select

from annotations import audit
from annotations.answers import is_blank, reads_as_written
from annotations.database import shut_out_others
from annotations.tables import ANNOTATOR, GOLD, LEAD, MACHINE, Annotator
from mining.errors import AnnotationError

ROLES = (ANNOTATOR, LEAD, MACHINE)
LONGEST_NAME = 80  # characters


def add_annotator(
    *, session: Session, name: str, role: str = ANNOTATOR, themself: bool = False
) -> Annotator:
    """Add a person; AnnotationError for a name that is empty, unprintable or taken in any case.

    The audit trail says that the command line did it, or with `themself` the new person.
    """
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= LONGEST_NAME or is_blank(name) or not reads_as_written(name):
        raise AnnotationError(
            f"A name has 1 to {LONGEST_NAME} printable characters; {name[:20]!a} does not fit."
        )
    _check_role(role)
    alike = _alike(name)
    if alike == GOLD:
        raise AnnotationError("gold stands for the agreed answer; choose another name.")
    if alike.startswith(audit.COMMAND_LINE):
        raise AnnotationError(f"{audit.COMMAND_LINE} is nobody's name; choose another one.")
    shut_out_others(session=session)  # no column keeps names apart that differ in case only
    for taken in session.exec(select(Annotator.name)):
        if _alike(taken) == alike:
            raise AnnotationError(f"There is already somebody called {taken}; choose another name.")
    annotator = Annotator(name=name, role=role)
    session.add(annotator)
    session.flush()
    who = name if themself else audit.name_of(None, session=session)
    audit.record(
        session=session, who=who, what=audit.ADDED, about=name, before=None, after={"role": role}
    )
    return annotator


def set_role(*, session: Session, name: str, role: str) -> Annotator:
    """Make an annotator a lead, or a lead an annotator; machines stay what they are."""
    _check_role(role)
    name = unicodedata.normalize("NFC", name.strip())
    shut_out_others(session=session)  # or two changes at once would both be from the same role
    everybody = session.exec(select(Annotator))  # what was typed may be nothing a database can take
    person = next((person for person in everybody if person.name == name), None)
    if person is None or person.role == GOLD:
        raise AnnotationError(
            f"There is nobody called {name[:LONGEST_NAME]!a}; `python -m annotations users list`"
            " names everybody."
        )
    if (person.role == MACHINE) != (role == MACHINE):
        raise AnnotationError(
            f"{person.name} is {person.role} and cannot be made {role}: figures about people and"
            " about machines would mix; add another one."
        )
    if person.role != role:
        before, person.role = person.role, role
        session.add(person)
        audit.record(
            session=session, who=audit.name_of(None, session=session), what=audit.ROLE_CHANGED,
            about=person.name, before={"role": before}, after={"role": role},
        )  # fmt: skip
    return person


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise AnnotationError(
            f"There is no role {role!r}; choose {', '.join(ROLES[:-1])} or {ROLES[-1]}."
        )


def _alike(name: str) -> str:
    """The same for names that nobody can tell apart: in any case, width, and with joiners."""
    wide = unicodedata.normalize("NFKC", name)
    return "".join(c for c in wide if unicodedata.category(c) != "Cf").casefold()


def set_shading(*, session: Session, annotator_id: int, on: bool) -> None:
    """Whether somebody wants prefixes shaded by coefficient, on every key from now on."""
    person = session.get(Annotator, annotator_id)
    assert person is not None, f"no annotator {annotator_id}"
    person.shading = on
    session.add(person)
