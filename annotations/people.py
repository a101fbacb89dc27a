"""Who labels: names, roles, and how each of them likes to read."""

import unicodedata

from sqlmodel import Session, select

from annotations.database import shut_out_others
from annotations.tables import ANNOTATOR, GOLD, LEAD, MACHINE, Annotator
from mining.errors import AnnotationError

ROLES = (ANNOTATOR, LEAD, MACHINE)
LONGEST_NAME = 80  # characters


def add_annotator(*, session: Session, name: str, role: str = ANNOTATOR) -> Annotator:
    """Add a person; AnnotationError for a name that is empty, unprintable or taken in any case."""
    name = unicodedata.normalize("NFC", name.strip())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise AnnotationError(
            f"A name has 1 to {LONGEST_NAME} printable characters; {name[:20]!r} does not fit."
        )
    if role not in ROLES:
        raise AnnotationError(
            f"There is no role {role!r}; choose {', '.join(ROLES[:-1])} or {ROLES[-1]}."
        )
    if name.casefold() == GOLD:
        raise AnnotationError("gold stands for the agreed answer; choose another name.")
    shut_out_others(session=session)  # no column keeps names apart that differ in case only
    for taken in session.exec(select(Annotator.name)):
        if taken.casefold() == name.casefold():
            raise AnnotationError(f"There is already somebody called {taken}; choose another name.")
    annotator = Annotator(name=name, role=role)
    session.add(annotator)
    session.flush()
    return annotator


def set_shading(*, session: Session, annotator_id: int, on: bool) -> None:
    """Whether somebody wants prefixes shaded by coefficient, on every key from now on."""
    person = session.get(Annotator, annotator_id)
    assert person is not None, f"no annotator {annotator_id}"
    person.shading = on
    session.add(person)
