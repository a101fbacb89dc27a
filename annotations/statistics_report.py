"""The headline numbers as words and as lines of text: for a terminal, and for the page Figures."""

import math

import pandas as pd

from annotations.answer_weights import Policy
from annotations.label_statistics import (
    ALL,
    COVERAGE,
    KEYS,
    KEYS_WITH_PATTERN,
    PATTERNS_PER_KEY,
    SECONDS_MEAN,
    SECONDS_MEDIAN,
    TAU,
    TREND_P,
)
from annotations.paper_numbers import PAPER, paper_number

POLICY_WORDS: dict[Policy, str] = {
    "gold": "where there is a gold answer it counts alone, else all answers share a key's weight",
    "annotators": "gold answers are left out; a key's answers share its weight",
    "gold-only": "keys with a gold answer, and that answer alone",
}
UNDEFINED = "–"
# Column heading → measure and type: what fits a terminal; a CSV file has the others too.
_COLUMNS = {
    "patterns a key": (PATTERNS_PER_KEY, "any"),
    "keys with one": (KEYS_WITH_PATTERN, "any"),
    "prefixes covered": (COVERAGE, "any"),
    "… semantically": (COVERAGE, "semantic"),
    "median seconds": (SECONDS_MEDIAN, "any"),
}
_SHARES = (KEYS_WITH_PATTERN, COVERAGE)


def written(measure: str, value: float) -> str:
    """A number of this measure as people write it; a dash if it is undefined."""
    if math.isnan(value):
        return UNDEFINED
    if measure in _SHARES:
        return f"{value:.0%}"
    if measure in (TAU, TREND_P):
        return f"{value:.2f}"
    return f"{value:.0f}" if measure in (KEYS, SECONDS_MEAN, SECONDS_MEDIAN) else f"{value:.1f}"


def interval_written(measure: str, low: float, high: float) -> str:
    """`1.2 to 3.4`; empty if there is no interval."""
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"{written(measure, low)} to {written(measure, high)}"


def trend_sentence(statistics: pd.DataFrame, scope: str = ALL) -> str:
    """In words, whether semantic patterns become more frequent towards the upper layers."""
    rows = statistics[statistics["scope"] == scope].set_index("measure")
    tau, p = rows.loc[TAU], rows.loc[TREND_P]
    if math.isnan(tau["value"]):
        return f"No trend over the layers can be told: {tau['note']}."
    value, chance = float(tau["value"]), float(p["value"])
    direction = "more often" if value > 0 else "less often"
    if chance >= 0.05 or value == 0:
        said = "These keys do not tell whether upper layers hold semantic patterns more often"
    else:
        strength = next(
            word for least, word in ((0.5, "clearly"), (0.3, "somewhat"), (0.0, "slightly"))
            if abs(value) >= least
        )  # fmt: skip
        said = f"Prefixes of upper layers hold a semantic pattern {strength} {direction}"
    interval = interval_written(TAU, tau["ci_low"], tau["ci_high"])
    between = f", 95% interval {interval}" if interval else ""
    probability = "p < 0.001" if chance < 0.001 else f"p = {chance:.3f}"
    keys = f"{tau['keys']} key{'' if tau['keys'] == 1 else 's'}"
    return f"{said} (Kendall's tau-b {value:.2f}{between}, {probability}, {keys})."


def report(statistics: pd.DataFrame, *, run: str, policy: Policy, machines: bool) -> str:
    """Lines for a terminal: what counts, a row a scope, the paper's row, the trend, the notes."""
    among = "machines are among the annotators" if machines else "machines are left out"
    lines = [f"{run}: {POLICY_WORDS[policy]}; {among}.", ""]
    rows = [["", "keys", *_COLUMNS]]
    found = statistics.set_index(["scope", "measure", "type"])
    for scope in statistics["scope"].unique():
        cells = [_cell(found.loc[(scope, *place)], place[0]) for place in _COLUMNS.values()]
        rows.append([scope, str(int(found.loc[(scope, KEYS, "any"), "value"])), *cells])
    rows.append(_paper_row())
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *others = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join([first, *others]).rstrip())
    lines += ["", "In brackets: 95% intervals, bootstrap over keys.", trend_sentence(statistics)]
    told_of = statistics["measure"].isin([measure for measure, _ in _COLUMNS.values()])
    undefined = statistics[statistics["ci_low"].isna() & told_of]
    for note, told in undefined.groupby("note", sort=False):
        lines.append(f"Note on {', '.join(told['scope'].unique())}: {note}.")
    return "\n".join(lines)


def _cell(row: pd.Series, measure: str) -> str:
    interval = interval_written(measure, row["ci_low"], row["ci_high"])
    value = written(measure, row["value"])
    return f"{value} [{interval}]" if interval else value


def _paper_row() -> list[str]:
    cells = []
    for measure, kind in _COLUMNS.values():
        number = paper_number(measure) if kind == "any" else None
        if number is None:
            cells.append("")
        elif number.low == number.high:
            cells.append(written(measure, number.low))
        else:
            cells.append(interval_written(measure, number.low, number.high))
    keys = paper_number(KEYS)
    assert keys is not None
    return [PAPER, f"{keys.low:.0f}", *cells]
