"""What a command says of a run's agreement: a table, and which answers are not in it.

For whoever holds the database: it sees all answers, whoever may read them in the app.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from sqlmodel import Session

from annotations.agreement_estimates import counted
from annotations.agreement_table import agreement_pairs, agreement_table
from annotations.categories import submitted
from annotations.frames import dataset_frames
from annotations.tables import GOLD, MACHINE


@dataclass(frozen=True)
class AgreementReport:
    """A run's agreement; `left_out` is a part of a sentence."""

    table: pd.DataFrame
    left_out: str

    @property
    def is_empty(self) -> bool:
        """Whether no key has two answers that could be compared."""
        return not (self.table["keys"] > 0).any()

    def write(self, path: Path) -> None:
        """The table as CSV, under a temporary name until it is whole."""
        unfinished = path.with_name(f"{path.name}.unfinished")
        self.table.to_csv(unfinished, index=False, lineterminator="\r\n", encoding="utf-8")
        unfinished.replace(path)


def report_agreement(
    *, session: Session, run_id: int, pairs: bool, machines: bool, rounds: int, seed: int
) -> AgreementReport:
    """Compute one of the two tables of agreement for a run."""
    frames = dataset_frames(session=session, run_id=run_id, status="all", answered_only=True)
    compute = agreement_pairs if pairs else agreement_table
    table = compute(frames, rounds=rounds, seed=seed, machines=machines)
    return AgreementReport(table, _left_out(frames, pairs=pairs, machines=machines))


def _left_out(frames: Mapping[str, pd.DataFrame], *, pairs: bool, machines: bool) -> str:
    """In words, how many answers are not compared, and why."""
    done = submitted(frames["submissions"])
    drafts = len(frames["submissions"]) - len(done)
    kinds = frames["annotators"].set_index("annotator")["kind"]
    kind = done["annotator"].map(kinds)
    chosen = done if machines else done[kind != MACHINE]
    parts = []
    if not pairs:
        golden = int((chosen["annotator"] == GOLD).sum())
        chosen = chosen[chosen["annotator"] != GOLD]
        if golden:
            parts.append(f"{counted(golden, 'gold answer')} (--pairs compares gold)")
    alone = int((chosen.groupby(["layer", "key"]).size() == 1).sum())
    of_machines = len(done) - int((kind != MACHINE).sum())
    if alone:
        parts.insert(0, f"{counted(alone, 'key')} with one answer")
    if of_machines and not machines:
        parts.append(f"{counted(of_machines, 'answer')} of machines (--machines compares them)")
    if drafts:
        parts.append(counted(drafts, "draft"))
    return ", ".join(parts) or "nothing"
