"""Who is called what in a dataset under pseudonyms.

People are `annotator-1`, `annotator-2`, …, machines `machine-1`, …, each kind numbered in the order
in which its members were added, over the whole database: a filter, another run or somebody new
changes nobody's number. `gold` stays `gold`; it is nobody in particular.

Whoever is called by a pseudonym already, because they were imported from such a dataset, keeps it
where no earlier one has that number; this is what makes a dataset that was imported and exported
again the same, also where some numbers are missing in it.
"""

import re
from collections.abc import Iterable

from annotations.tables import GOLD, MACHINE, Annotator

_PEOPLE, _MACHINES = "annotator", "machine"
_MOST_DIGITS = 6  # somebody whose own name has a longer number is no pseudonym


def pseudonyms(annotators: Iterable[Annotator]) -> dict[str, str]:
    """Name → pseudonym, in the order in which a dataset lists them; gold is last.

    In the order of names, a dataset's rows would tell whose name comes first.
    """
    by_age = sorted(annotators, key=lambda one: one.id or 0)
    shown: dict[str, str] = {}
    for kind, members in (
        (_PEOPLE, [one.name for one in by_age if one.role not in (GOLD, MACHINE)]),
        (_MACHINES, [one.name for one in by_age if one.role == MACHINE]),
    ):
        last = 0
        for name in members:
            own = re.fullmatch(rf"{kind}-([1-9][0-9]{{0,{_MOST_DIGITS - 1}}})", name)
            number = int(own[1]) if own else 0
            last = number if number > last else last + 1
            shown[name] = f"{kind}-{last}"
    return shown | {GOLD: GOLD}
