"""What of a run goes into a dataset: which layers, which answers, whose."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlmodel import Session, col, select

from annotations.tables import Annotator, Key
from mining.errors import DatasetError

Status = Literal["submitted", "all"]


@dataclass(frozen=True)
class Selection:
    """Filters; each one that is None leaves nothing out. They combine.

    `layers` leaves out the keys of other layers and all about them; `annotators` (by name) leaves
    out the answers of others, never a key. `all` adds drafts to what was submitted.
    """

    layers: Collection[int] | None = None
    status: Status = "submitted"
    annotators: Collection[str] | None = None

    def checked(self, *, session: Session, run_id: int) -> "Selection":
        """The same, without layers that hold no key; DatasetError for an unknown annotator."""
        layers = self.layers
        if layers is not None:
            there = select(Key.layer).where(Key.run_id == run_id).distinct()
            layers = sorted(set(session.exec(there)) & set(layers))
        if self.annotators is not None:
            known = set(session.exec(select(Annotator.name).order_by(col(Annotator.id))))
            for name in self.annotators:
                if name not in known:
                    raise DatasetError(
                        f"There is no annotator called {name!r}; "
                        "`python -m annotations users list` shows who there is."
                    )
        return Selection(layers, self.status, self.annotators)

    def described(self, shown: dict[str, str] | None) -> dict[str, Any]:
        """The filters as a manifest states them, names as the dataset shows them."""
        whose = self.annotators
        if whose is not None:
            whose = sorted({name if shown is None else shown[name] for name in whose})
        return {
            "status": self.status,
            "annotators": "names" if shown is None else "pseudonyms",
            "layers": None if self.layers is None else sorted(set(self.layers)),
            "annotator": whose,
        }


def status_of(given: str) -> Status:
    """The status that a person means; DatasetError for another word."""
    for status in get_args(Status):
        if given == status:
            return status  # type: ignore[no-any-return]
    raise DatasetError(f"--status {given} is not known; write submitted or all.")
