"""The tables of agreement in a terminal: a block a scope, notes numbered below them."""

from collections.abc import Iterable, Iterator

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_FIGURES = ("value", "95 % interval", "keys", "annotators", "baseline", "notes")


def agreement_view(table: pd.DataFrame) -> Group:
    """`agreement_table` or `agreement_pairs`, under the headline: omega over all keys."""
    notes: dict[str, int] = {}
    blocks = list(_blocks(table, notes))
    numbered = [Text(f"{number}  {note}") for note, number in notes.items()]
    ends = [Text("notes", "bold"), *numbered] if numbered else []
    return Group(*_headline(table), *blocks, *ends)


def _headline(table: pd.DataFrame) -> list[RenderableType]:
    if "one" in table.columns:
        return []
    first = table.iloc[0]
    line = Text(f"omega {_number(first['value'])}", "bold")
    line.append(f", {_interval(first)}" if _interval(first) else "", "not bold")
    line.append(f"; {first['keys']} keys, {first['annotators']} annotators", "not bold")
    return [line]


def _blocks(table: pd.DataFrame, notes: dict[str, int]) -> Iterator[RenderableType]:
    named = [column for column in ("scope", "one", "other") if column in table.columns]
    for names, rows in table.groupby(named, sort=False):
        title = Text(f"\n{names[0]}", "bold")
        if len(names) > 1:
            title.append(f": {names[1]} (reference) and {names[2]}")
        yield title
        yield _block(rows, notes)


def _block(rows: pd.DataFrame, notes: dict[str, int]) -> Table:
    figures = [name for name in _FIGURES if name != "annotators" or name in rows.columns]
    block = Table(box=None, pad_edge=False)
    block.add_column("measure", no_wrap=True)
    for name in figures:
        block.add_column(name, justify="right", no_wrap=True)
    for _, row in rows.iterrows():
        cells = {
            "value": _number(row["value"]),
            "95 % interval": _interval(row),
            "keys": str(row["keys"]),
            "annotators": str(row.get("annotators", "")),
            "baseline": "" if pd.isna(row["baseline"]) else f"{row['baseline']:.3f}",
            "notes": ",".join(map(str, _numbers(filter(None, row["note"].split("; ")), notes))),
        }
        block.add_row(row["measure"], *(cells[name] for name in figures))
    return block


def _numbers(found: Iterable[str], notes: dict[str, int]) -> list[int]:
    """The numbers of these notes; a new one is put down with the next number."""
    return [notes.setdefault(note, len(notes) + 1) for note in found]


def _number(value: float) -> str:
    return "undefined" if pd.isna(value) else f"{value:.3f}"


def _interval(row: pd.Series) -> str:
    return "" if pd.isna(row["ci_low"]) else f"{row['ci_low']:.3f} to {row['ci_high']:.3f}"
