"""The paper's figures 3 to 10 and table 3 as small tables, from what `analyse` stores. No torch.

Every number comes with its count and a 95 % interval: Wilson's for shares of independent items;
for means the percentile bootstrap over prefixes, or over keys whose triggers are not independent;
order statistics for quantiles. Columns: layer, what is told apart, value, ci_low, ci_high, count
and, where the paper compares with something, that.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from mining.additions import account_of
from mining.run_folder import RunFolder
from mining.run_tables import CATEGORIES, REMOVED

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)  # of figure 5
_Z = 1.959963984540054  # the normal distribution's 97.5 % point
_ROUNDS = 1000
_INTERVAL = (2.5, 97.5)  # percentiles
_ESTIMATE = ["value", "ci_low", "ci_high", "count"]

Floats = npt.NDArray[np.float64]


def figures(run: RunFolder) -> dict[str, pd.DataFrame]:
    """Every figure that the run has been analysed for, by its name."""
    found: dict[str, pd.DataFrame] = {}
    said = account_of(run.path)
    values, surest, removal, composition = (
        run.values(), run.predictive_values(), run.removal(), run.composition(),
    )  # fmt: skip
    if "removal" in said and removal is not None:
        found["figure3"] = figure3(removal)
    if "values" in said and values is not None and surest is not None:
        vocabulary = said["values"]["vocabulary"]
        found["figure4"] = figure4(values, said["values"]["chance"], said["values"]["chance_any"])
        found["figure5"] = figure5(values, vocabulary)
        found["table3"] = table3(surest, vocabulary)
    if "composition" in said and composition is not None:
        of = (figure6, figure7, figure8, figure9, figure10)
        found |= {figure.__name__: figure(composition) for figure in of}
    return found


def figure3(removal: pd.DataFrame) -> pd.DataFrame:
    """Mean relative change of the coefficient: layer, removed, ..., keys. Bootstrap over keys."""
    change = removal["coefficient_after"].astype(float) / removal["coefficient"] - 1
    rows = removal[["layer", "key", "removed"]].assign(change=change)
    sums = rows.groupby(["layer", "removed", "key"])["change"].agg(["sum", "size"])
    found = []
    for layer in sorted(removal["layer"].unique().tolist()):
        for removed in REMOVED:
            own = sums.loc[(layer, removed)].to_numpy(float)
            drawn_RK = _drawn(len(own), layer)
            means_R = np.divide(*(drawn_RK @ own).T)
            value = own[:, 0].sum() / own[:, 1].sum()
            found.append((layer, removed, value, *_ends(means_R), int(own[:, 1].sum()), len(own)))
    return pd.DataFrame(found, columns=["layer", "removed", *_ESTIMATE, "keys"])


def figure4(
    values: pd.DataFrame, chance: float = np.nan, chance_any: float = np.nan
) -> pd.DataFrame:
    """Agreement rate: layer, trigger (`top_1` or `any`), ..., chance.

    Of the keys whose best trigger has a next token. The manifest tells the chance levels.
    """
    compared = values[values["next_token_rank"] > 0]
    kinds = (("top_1", "agrees", chance), ("any", "agrees_any", chance_any))
    rows = [
        (layer, trigger, *share(int(own[column].sum()), len(own)), of_word)
        for layer, own in compared.groupby("layer")
        for trigger, column, of_word in kinds
    ]
    return pd.DataFrame(rows, columns=["layer", "trigger", *_ESTIMATE, "chance"])


def figure5(values: pd.DataFrame, vocabulary: int) -> pd.DataFrame:
    """Quantiles of the next token's rank: layer, quantile, ..., chance (of a rank drawn evenly)."""
    rows: list[tuple[Any, ...]] = []
    for layer, own in values[values["next_token_rank"] > 0].groupby("layer"):
        rank_K = np.sort(own["next_token_rank"].to_numpy())
        rows += [
            (layer, quantile, *_quantile(rank_K, quantile), len(rank_K), quantile * vocabulary)
            for quantile in QUANTILES
        ]
    return pd.DataFrame(rows, columns=["layer", "quantile", *_ESTIMATE, "chance"])


def table3(surest: pd.DataFrame, vocabulary: int) -> pd.DataFrame:
    """The surest values: place, layer, key, top_token, max_probability, then the matching share.

    `count` is how many triggers the key has, up to 50; `chance` that of a word drawn at random.
    """
    rows = []
    for place, row in enumerate(surest.itertuples(index=False), start=1):
        matches = round(np.nan_to_num(row.matching_share) * row.triggers)
        head = (place, row.layer, row.key, row.top_token, row.max_probability)
        rows.append((*head, *share(matches, row.triggers), 1 / vocabulary))
    head_names = ["place", "layer", "key", "top_token", "max_probability"]
    return pd.DataFrame(rows, columns=[*head_names, *_ESTIMATE, "chance"])


def figure6(composition: pd.DataFrame) -> pd.DataFrame:
    """The share of a layer's memories that are active, averaged over prefixes."""
    return _means(composition, "active_share")


def figure7(composition: pd.DataFrame) -> pd.DataFrame:
    """The zero-agreement rate: prefixes where top(y) is no active memory's own top word."""
    return _shares(composition, "zero_agreement")


def figure8(composition: pd.DataFrame) -> pd.DataFrame:
    """The share of prefixes where top(r) is already the model's final prediction."""
    return _shares(composition, "residual_matches")


def figure9(composition: pd.DataFrame) -> pd.DataFrame:
    """The probability that the residual gives to the model's final prediction, averaged."""
    return _means(composition, "residual_probability")


def figure10(composition: pd.DataFrame) -> pd.DataFrame:
    """The share of prefixes in each category: layer, category, ..."""
    rows = [
        (layer, category, *share(int((own["category"] == category).sum()), len(own)))
        for layer, own in composition.groupby("layer")
        for category in CATEGORIES
    ]
    return pd.DataFrame(rows, columns=["layer", "category", *_ESTIMATE])


def share(hits: int, count: int) -> tuple[float, float, float, int]:
    """(share, ends of Wilson's 95 % interval, count); NaN where nothing was counted."""
    if not count:
        return np.nan, np.nan, np.nan, 0
    found, square = hits / count, _Z**2 / count
    middle = (found + square / 2) / (1 + square)
    half = _Z * np.sqrt(found * (1 - found) / count + square / count / 4) / (1 + square)
    # Rounding must not leave the share outside its own interval.
    return found, min(found, middle - half), max(found, middle + half), count


def _shares(composition: pd.DataFrame, column: str) -> pd.DataFrame:
    rows = [
        (layer, *share(int(own[column].sum()), len(own)))
        for layer, own in composition.groupby("layer")
    ]
    return pd.DataFrame(rows, columns=["layer", *_ESTIMATE])


def _means(composition: pd.DataFrame, column: str) -> pd.DataFrame:
    """Means over prefixes; every layer's interval is of the same draws of prefixes."""
    wide = composition.pivot_table(index="sample", columns="layer", values=column)
    of_layer_NL = wide.to_numpy(float)
    means_RL = _drawn(len(wide), 0) @ of_layer_NL / len(wide)
    rows = [
        (layer, of_layer_NL[:, at].mean(), *_ends(means_RL[:, at]), len(wide))
        for at, layer in enumerate(wide.columns)
    ]
    return pd.DataFrame(rows, columns=["layer", *_ESTIMATE])


def _drawn(items: int, stream: int) -> Floats:
    """[rounds, items] how often each item is drawn, with replacement; the same every time."""
    even = np.full(items, 1 / items)
    return np.random.default_rng([stream]).multinomial(items, even, size=_ROUNDS).astype(float)


def _ends(means_R: Floats) -> tuple[float, float]:
    low, high = np.percentile(means_R, _INTERVAL)
    return float(low), float(high)


def _quantile(sorted_K: npt.NDArray[Any], quantile: float) -> tuple[float, float, float]:
    """(quantile, ends of its interval): the ranks between which it lies, whatever the distribution.

    How many of K lie below the true quantile is binomial, here taken as normal.
    """
    count = len(sorted_K)
    half = _Z * np.sqrt(count * quantile * (1 - quantile))
    low = max(0, int(np.floor(count * quantile - half)) - 1)
    high = min(count - 1, int(np.ceil(count * quantile + half)))
    return float(np.quantile(sorted_K, quantile)), float(sorted_K[low]), float(sorted_K[high])
