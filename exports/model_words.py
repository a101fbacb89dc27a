"""The paper's figures of a model in words: what each shows in a sentence, numbers in it."""

from collections.abc import Callable

import pandas as pd

TITLES = {
    "figure3": "Figure 3: which token a key needs",
    "figure4": "Figure 4: agreement rate",
    "figure5": "Figure 5: rank of the next token",
    "table3": "Table 3: the surest values",
    "figure6": "Figure 6: active memories",
    "figure7": "Figure 7: zero-agreement rate",
    "figure8": "Figure 8: residual predictions",
    "figure9": "Figure 9: residual probabilities",
    "figure10": "Figure 10: where predictions come from",
}


def in_words(name: str, rows: pd.DataFrame) -> str:
    """A sentence on a figure's rows; layers are counted from 0."""
    known = rows[rows["value"].notna()]
    return _SENTENCES[name](known) if len(known) else "Nothing was counted for these layers."


def _figure3(rows: pd.DataFrame) -> str:
    changes = [
        f"{what} {_spread(rows[rows['removed'] == removed]['value'], '+.0%')}"
        for removed, what in (("last", "the last"), ("first", "the first"), ("random", "a random"))
        if (rows["removed"] == removed).any()
    ]
    return f"Without one token of a trigger its coefficient changes by: {', '.join(changes)}."


def _figure4(rows: pd.DataFrame) -> str:
    best = rows[rows["trigger"] == "top_1"]
    if best.empty:
        return "No key's best trigger has a next token."
    chance = "" if best["chance"].isna().all() else f" (chance: {best['chance'].iloc[0]:.2%})"
    return (
        "The top token of a key's value is the next token of its best trigger for"
        f" {_spread(best['value'], '.1%')} of a layer's keys{chance}, most in layer"
        f" {_highest(best)}."
    )


def _figure5(rows: pd.DataFrame) -> str:
    half = rows[rows["quantile"] == 0.5]
    chance = (
        "" if half["chance"].isna().all() else f"; chance would give {half['chance'].iloc[0]:,.0f}"
    )
    return (
        "In the value's distribution the next token of the best trigger has a median rank of"
        f" {_spread(half['value'], ',.0f')}, lowest in layer {_lowest(half)}{chance}."
    )


def _table3(rows: pd.DataFrame) -> str:
    matched = int((rows["value"] > 0).sum())
    return (
        f"Of the {len(rows)} values with the most probable top token, {matched} have a trigger that"
        f" this token follows; on average it follows {rows['value'].mean():.1%} of the triggers."
    )


def _figure6(rows: pd.DataFrame) -> str:
    return (
        f"At a token {_spread(rows['value'], '.1%')} of a layer's memories are active, most in"
        f" layer {_highest(rows)}."
    )


def _figure7(rows: pd.DataFrame) -> str:
    return (
        f"At {_spread(rows['value'], '.0%')} of prefixes a layer's output has a top word that is"
        f" no active memory's own: memories compose it; least in layer {_lowest(rows)}."
    )


def _figure8(rows: pd.DataFrame) -> str:
    last = rows.loc[rows["layer"].idxmax()]
    return (
        f"Before layer {last['layer']:.0f}, the last here, the residual stream's top word is"
        f" already the final prediction at {last['value']:.0%} of prefixes."
    )


def _figure9(rows: pd.DataFrame) -> str:
    last = rows.loc[rows["layer"].idxmax()]
    return (
        f"Before layer {last['layer']:.0f}, the last here, the residual stream gives the final"
        f" prediction a probability of {last['value']:.0%} on average."
    )


def _figure10(rows: pd.DataFrame) -> str:
    of = {category: own["value"] for category, own in rows.groupby("category")}
    parts = [
        f"{what} at {_spread(of[category], '.0%')}"
        for category, what in (
            ("residual", "the one from before the layer"),
            ("composition", "a third one, neither the residual's nor the layer's,"),
            ("ffn", "the layer's own"),
            ("agreement", "all three the same"),
        )
        if category in of
    ]
    return f"The top word after a layer is {'; '.join(parts)} of prefixes."


_SENTENCES: dict[str, Callable[[pd.DataFrame], str]] = {
    "figure3": _figure3, "figure4": _figure4, "figure5": _figure5, "table3": _table3,
    "figure6": _figure6, "figure7": _figure7, "figure8": _figure8, "figure9": _figure9,
    "figure10": _figure10,
}  # fmt: skip


def _spread(values: "pd.Series[float]", form: str) -> str:
    """One number, or the lowest to the highest over layers; a minus sign is a minus sign."""
    low, high = (f"{end:{form}}".replace("-", "−") for end in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _highest(rows: pd.DataFrame) -> int:
    return int(rows.loc[rows["value"].idxmax(), "layer"])


def _lowest(rows: pd.DataFrame) -> int:
    return int(rows.loc[rows["value"].idxmin(), "layer"])
