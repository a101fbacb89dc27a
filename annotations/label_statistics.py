"""The headline numbers, overall, per layer and per annotator: patterns per key, keys with a
pattern, coverage, seconds per key, and the trend of semantic prefixes over the layers.

`answer_weights.py` says how much an answer counts, for the scopes `all` and `layer N`. The scope
`annotator NAME` is that person's answers alone, also where gold or others answered the same key.
Seconds are always those that people spent on their own answers to the keys that count: a gold
answer is decided, not found. A key with several answers has their weighted mean; what a row tells
is a mean, a median or a ratio of sums over keys.

Whatever cannot be computed is NaN, and then `note` says why in words.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from annotations.answer_measures import (
    ANY,
    COVERED,
    PATTERNS,
    PREFIXES,
    SECONDS,
    TYPES,
    WITH_PATTERN,
    answer_measures,
    key_measures,
)
from annotations.answer_weights import KEY, Policy, counted_answers
from annotations.bootstrap import (
    ALL_LAYERS,
    Counts,
    Rounds,
    interval,
    resampled_medians,
    resampled_sums,
)
from annotations.categories import ANSWER
from annotations.frames import of_people
from annotations.tables import GOLD, SEMANTIC
from annotations.trend import share_trend

ALL, LAYER, ANNOTATOR = "all", "layer", "annotator"
SCOPES = (ALL, LAYER, ANNOTATOR)
KEYS, TAU, TREND_P = "keys", "semantic_trend_tau", "semantic_trend_p"
PATTERNS_PER_KEY, KEYS_WITH_PATTERN, COVERAGE = "patterns_per_key", "keys_with_pattern", "coverage"
SECONDS_MEAN, SECONDS_MEDIAN = "seconds_per_key_mean", "seconds_per_key_median"
MEASURES = (
    KEYS, PATTERNS_PER_KEY, KEYS_WITH_PATTERN, COVERAGE, SECONDS_MEAN, SECONDS_MEDIAN, TAU, TREND_P,
)  # fmt: skip
# Of each measure that is a ratio of sums over keys: above and below; None is the number of keys.
_RATIOS = {
    PATTERNS_PER_KEY: (PATTERNS, None),
    KEYS_WITH_PATTERN: (WITH_PATTERN, None),
    COVERAGE: (COVERED, PREFIXES),
}
_NEEDS = {
    KEYS: (), PATTERNS_PER_KEY: (PATTERNS,), KEYS_WITH_PATTERN: (WITH_PATTERN,),
    COVERAGE: (COVERED,), SECONDS_MEAN: (SECONDS,), SECONDS_MEDIAN: (SECONDS,), TAU: (COVERED,),
    TREND_P: (COVERED,),
}  # fmt: skip
_COLUMNS = {
    "scope": "str", "measure": "str", "type": "str", "value": "float64", "ci_low": "float64",
    "ci_high": "float64", "keys": "int64", "annotators": "int64", "note": "str",
}  # fmt: skip
NO_ANSWER, ONE_KEY = "no answer counts here", "one key: no interval"
NO_TIME = "only gold answers here, and these are not timed"


class _Found(NamedTuple):
    value: float
    low: float = np.nan
    high: float = np.nan
    note: str = ""


@dataclass(frozen=True)
class _Scope:
    """What the rows of a scope are computed of: two tables with a row a key, indexed by it."""

    name: str
    counted: pd.DataFrame
    timed: pd.DataFrame  # seconds of people's own answers
    annotators: int
    timed_annotators: int
    stream: int
    drawn: Rounds

    def draws(self, keys: int) -> Iterable[Counts]:
        """The scope's rounds over so many keys."""
        return self.drawn.draws(keys, self.stream)


def label_statistics(
    frames: Mapping[str, pd.DataFrame],
    *,
    rounds: int | Rounds = 1000,
    seed: int = 0,
    policy: Policy = "gold",
    machines: bool = False,
    measures: Collection[str] = MEASURES,
    scopes: Collection[str] = SCOPES,
    counts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Every headline number with its 95 % interval (percentile bootstrap over keys).

    Columns: scope (`all`, `layer N`, `annotator NAME`, in this order), measure, type (`any`,
    `shallow`, `semantic`), value, ci_low, ci_high, keys, annotators, note. `measures` are some of
    MEASURES and `scopes` some of SCOPES, where not all are wanted. Frames that these do not need
    may be absent: coverage and trend need prefixes and labels, patterns per key needs neither.
    Trends are told for `all` and for annotators: of each key's share of prefixes with a semantic
    pattern over its layer (trend.py). Whoever has `category_counts` of the same answers already
    may give them as `counts`; `rounds` that others use, too, have a seed of their own.
    """
    frames = frames if machines else of_people(frames)
    wanted = {need for measure in measures for need in _NEEDS[measure]}
    measured = answer_measures(frames, wanted=wanted, counts=counts)
    rows = []
    for scope in _scopes(frames["submissions"], measured, policy, Rounds.of(rounds, seed), scopes):
        rows += _rows(scope, measures)
    return pd.DataFrame(rows, columns=list(_COLUMNS), dtype="object").astype(_COLUMNS)


def _scopes(
    submissions: pd.DataFrame,
    measured: pd.DataFrame,
    policy: Policy,
    drawn: Rounds,
    scopes: Collection[str],
) -> Iterator[_Scope]:
    counted = measured.merge(counted_answers(submissions, policy), on=ANSWER)
    timed = measured.merge(counted_answers(submissions, "annotators"), on=ANSWER)
    timed = timed.merge(counted[KEY].drop_duplicates(), on=KEY)

    def scope(
        name: str, answers: Sequence[pd.DataFrame], keys: Sequence[pd.DataFrame], stream: int
    ) -> _Scope:
        counted_people, timed_people = (table["annotator"].nunique() for table in answers)
        people = (counted_people, timed_people)
        return _Scope(name, keys[0], keys[1], *people, stream, drawn)

    answers = (counted, timed)
    keys = [key_measures(table) for table in answers]
    if ALL in scopes:
        yield scope(ALL, answers, keys, ALL_LAYERS)
    for layer in sorted(counted["layer"].unique().tolist()) if LAYER in scopes else ():
        here = [table[table["layer"] == layer] for table in answers]
        its_keys = [table[table.index.get_level_values("layer") == layer] for table in keys]
        yield scope(f"layer {layer}", here, its_keys, layer)
    # All annotators have the same random streams, since a name must not move an interval: a dataset
    # shows pseudonyms.
    own_answers = measured.assign(weight=1.0)
    people = measured["annotator"].unique().tolist() if ANNOTATOR in scopes else []
    for name in sorted(people):
        if policy == ("annotators" if name == GOLD else "gold-only"):
            continue  # the policy leaves these answers out
        theirs = own_answers[own_answers["annotator"] == name]
        times = theirs.iloc[:0] if name == GOLD else theirs
        own = [key_measures(table) for table in (theirs, times)]
        yield scope(f"annotator {name}", (theirs, times), own, ALL_LAYERS)


def _rows(scope: _Scope, measures: Collection[str]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []

    def tell(measure: str, kind: str, found: _Found) -> None:
        timed = measure in (SECONDS_MEAN, SECONDS_MEDIAN)
        table, people = scope.counted, scope.annotators
        if timed:
            table, people = scope.timed, scope.timed_annotators
        rows.append((scope.name, measure, kind, *found[:3], len(table), people, found.note))

    ratios = [name for name in _RATIOS if name in measures]
    if KEYS in measures:
        tell(KEYS, ANY, _Found(len(scope.counted), note="a count: no interval"))
    for (measure, kind), found in _ratios(scope, ratios).items():
        tell(measure, kind, found)
    for measure in (SECONDS_MEAN, SECONDS_MEDIAN):
        if measure in measures:
            tell(measure, ANY, _seconds(scope, measure))
    if not scope.name.startswith("layer ") and (TAU in measures or TREND_P in measures):
        for measure, found in zip((TAU, TREND_P), _trend(scope), strict=True):
            if measure in measures:
                tell(measure, SEMANTIC, found)
    return rows


def _ratios(scope: _Scope, measures: Collection[str]) -> dict[tuple[str, str], _Found]:
    places = [(measure, kind) for measure in measures for kind in TYPES]
    keys = len(scope.counted)
    if not keys or not places:
        return dict.fromkeys(places, _Found(np.nan, note=NO_ANSWER))
    table = scope.counted.assign(**{"": 1.0})  # summed up, the number of keys
    above = [f"{_RATIOS[measure][0]} {kind}" for measure, kind in places]
    below = [_RATIOS[measure][1] or "" for measure, _ in places]
    values_M = table[above].sum().to_numpy() / table[below].sum().to_numpy()
    if keys < 2:
        found = [_Found(float(value), note=ONE_KEY) for value in values_M]
        return dict(zip(places, found, strict=True))
    sums_RM = resampled_sums(table[above + below].to_numpy(), scope.draws(keys))
    low_M, high_M = interval(sums_RM[:, : len(above)] / sums_RM[:, len(above) :])
    ends = zip(values_M.tolist(), low_M.tolist(), high_M.tolist(), strict=True)
    return {place: _Found(*three) for place, three in zip(places, ends, strict=True)}


def _seconds(scope: _Scope, measure: str) -> _Found:
    if scope.timed.empty:
        return _Found(np.nan, note=NO_ANSWER if scope.counted.empty else NO_TIME)
    seconds_K = scope.timed[SECONDS].to_numpy()
    median = measure == SECONDS_MEDIAN
    value = float(np.median(seconds_K) if median else seconds_K.mean())
    if len(seconds_K) < 2:
        return _Found(value, note=ONE_KEY)
    draws = scope.draws(len(seconds_K))
    if median:
        rounds_R1 = resampled_medians(seconds_K, draws)
    else:
        rounds_R1 = resampled_sums(seconds_K[:, None], draws) / len(seconds_K)
    low_1, high_1 = interval(rounds_R1)
    return _Found(value, float(low_1[0]), float(high_1[0]))


def _trend(scope: _Scope) -> tuple[_Found, _Found]:
    if scope.counted.empty:
        return (_Found(np.nan, note=NO_ANSWER),) * 2
    layers_K = scope.counted.index.get_level_values("layer").to_numpy()
    shares_K = (scope.counted[f"{COVERED} {SEMANTIC}"] / scope.counted[PREFIXES]).to_numpy()
    found = share_trend(layers_K, shares_K, drawn=scope.drawn, stream=scope.stream)
    if isinstance(found, str):
        return (_Found(np.nan, note=found),) * 2
    left_out = f"{found.left_out} of {scope.drawn.number} rounds drew keys that were all alike"
    tau = _Found(found.tau, found.low, found.high, left_out if found.left_out else "")
    return tau, _Found(found.p, note="a p-value: no interval")
