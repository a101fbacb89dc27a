"""Agreement between annotators as tables: of all, of each layer, of each two people and gold.

Pure functions on a dataset's tables (`annotations.frames.dataset_frames`, or its CSV files read
back). The headline is omega averaged over keys. Intervals are the 95 % percentile bootstrap over
keys. What does not exist is NaN, and `note` says why in words.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from annotations.agreement_estimates import MEASURES, Estimate, counted, estimates
from annotations.answer_pairs import AnswerPairs, Compared, compare
from annotations.bootstrap import interval, key_draws
from annotations.chance_corrected import Floats
from annotations.frames import of_people
from annotations.tables import GOLD

ALL = "all"
_FIGURES = dict.fromkeys(("value", "ci_low", "ci_high"), "float64")
_TABLE = {
    "scope": "str", "measure": "str", **_FIGURES, "keys": "int64", "annotators": "int64",
    "note": "str", "baseline": "float64",
}  # fmt: skip
_PAIRS = {
    "scope": "str", "one": "str", "other": "str", "measure": "str", **_FIGURES, "keys": "int64",
    "note": "str", "baseline": "float64",
}  # fmt: skip
_Scope = tuple[str, int | None]  # its name; its layer, None for all


def agreement_table(
    frames: Mapping[str, pd.DataFrame], *, rounds: int = 1000, seed: int = 0, machines: bool = False
) -> pd.DataFrame:
    """Scope × measure: scope, measure, value, ci_low, ci_high, keys, annotators, note, baseline.

    Scopes are `all` and `layer N` for each layer with an answer; none if there is no answer.
    `keys` have two submitted answers or more, from so many `annotators`; keys with one are counted
    in the note. Gold is nobody here, and machines only with `machines`. Labels are a prefix's types
    (both alphas on sets) or its category; kappas are means over pairs of people, everything on
    patterns a mean over keys of means over pairs of answers. `baseline` is what answers of the same
    shapes would reach by chance: each answer's ticks permuted over the key's prefixes.
    """
    assert rounds > 0, "an interval needs a round"
    chosen = _without_gold(frames) if machines else _without_gold(of_people(frames))
    compared = compare(chosen, seed=seed)
    draws = _Draws(rounds, seed)
    rows = []
    for scope in _scopes(compared):
        pairs, keys = _of_layer(compared, scope[1])
        alone = _answered_once(compared, scope[1])
        people = len(np.unique([pairs.one_P, pairs.other_P]))
        notes = [f"{counted(alone, 'key')} with one answer left out"] if alone else []
        found = _estimated(pairs, keys, draws, scope, "no key has two answers")
        rows += [
            (scope[0], measure, *figures, keys, people, "; ".join([*own, *notes]), baseline)
            for measure, figures, own, baseline in found
        ]
    return pd.DataFrame(rows, columns=list(_TABLE), dtype="object").astype(_TABLE)


def agreement_pairs(
    frames: Mapping[str, pd.DataFrame], *, rounds: int = 1000, seed: int = 0, machines: bool = False
) -> pd.DataFrame:
    """The same for each two annotators, and for gold against each: `one` is the reference.

    Columns scope, one, other, measure, value, ci_low, ci_high, keys, note, baseline. Each two are
    in scope `all`, and in `layer N` where they share a key; of two people, the one whose name comes
    first is `one`. Keys that only one of them answered are counted in the note.
    """
    assert rounds > 0, "an interval needs a round"
    compared = compare(frames if machines else of_people(frames), seed=seed, first=GOLD)
    draws = _Draws(rounds, seed)
    places = range(len(compared.people))
    couples = sorted(combinations(places, 2), key=lambda two: compared.people[two[0]] == GOLD)
    rows = []
    for scope in _scopes(compared):
        of_scope, _ = _of_layer(compared, scope[1])
        for one, other in couples:
            shared = of_scope.where((of_scope.one_P == one) & (of_scope.other_P == other))
            if scope[1] is not None and not len(shared.key_P):
                continue
            names = (compared.people[one], compared.people[other])
            alone = _answered_once(compared, scope[1], names)
            notes = [f"{counted(alone, 'key')} that one of them answered left out"] if alone else []
            pairs, keys = _renumbered(shared)
            found = _estimated(
                pairs, keys, draws, scope, "no key that both answered", directed=True
            )
            rows += [
                (scope[0], *names, measure, *figures, keys, "; ".join([*own, *notes]), baseline)
                for measure, figures, own, baseline in found
            ]
    return pd.DataFrame(rows, columns=list(_PAIRS), dtype="object").astype(_PAIRS)


class _Draws:
    """The weights of keys: a row of ones, then a row a round; the same for as many keys."""

    def __init__(self, rounds: int, seed: int) -> None:
        self.rounds = rounds
        self._seed = seed
        self._known: dict[tuple[int, int], Floats] = {}

    def weights(self, keys: int, layer: int | None) -> Floats:
        """(1 + rounds) × keys. Other layers' keys change nothing of a layer's draws."""
        stream = 0 if layer is None else layer + 1
        if (keys, stream) not in self._known:
            drawn_RK = key_draws(keys, self.rounds, [self._seed, stream])
            self._known[keys, stream] = np.vstack([np.ones(keys), drawn_RK])
        return self._known[keys, stream]


_Row = tuple[str, tuple[float, float, float], list[str], float]  # measure, figures, notes, baseline


def _estimated(
    pairs: AnswerPairs,
    keys: int,
    draws: _Draws,
    scope: _Scope,
    nothing: str,
    *,
    directed: bool = False,
) -> list[_Row]:
    """Each measure's value and interval; `nothing` is the reason where there is no key."""
    if not keys:
        return [(measure, (np.nan, np.nan, np.nan), [nothing], np.nan) for measure in MEASURES]
    found = estimates(pairs, draws.weights(keys, scope[1]), directed=directed)
    low_M, high_M = interval(np.stack([one.values_R[1:] for one in found.values()], axis=1))
    ends = zip(low_M.tolist(), high_M.tolist(), strict=True)
    return [_row(*named, end) for named, end in zip(found.items(), ends, strict=True)]


def _row(measure: str, estimate: Estimate, ends: tuple[float, float]) -> _Row:
    value = float(estimate.values_R[0])
    notes = list(estimate.notes)
    undefined = int(np.isnan(estimate.values_R[1:]).sum())
    if np.isnan(value):
        ends = (np.nan, np.nan)
    elif estimate.keys < 2:
        ends = (np.nan, np.nan)
        notes.append("one key, so no interval")
    elif undefined:
        notes.append(f"undefined in {undefined} of {len(estimate.values_R) - 1} bootstrap rounds")
    return measure, (value, *ends), notes, estimate.baseline


def _without_gold(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {
        name: frame[frame["annotator"] != GOLD] if "annotator" in frame.columns else frame
        for name, frame in frames.items()
    }


def _scopes(compared: Compared) -> Iterator[_Scope]:
    """All, then each layer in which anybody answered."""
    layers = {layer for keys in compared.answered.values() for layer, _ in keys}
    if layers:
        yield ALL, None
    for layer in sorted(layers):
        yield f"layer {layer}", layer


def _of_layer(compared: Compared, layer: int | None) -> tuple[AnswerPairs, int]:
    inside_K = np.array([layer in (None, own) for own, _ in compared.keys], dtype=bool)
    return _renumbered(compared.pairs.where(inside_K[compared.pairs.key_P]))


def _renumbered(pairs: AnswerPairs) -> tuple[AnswerPairs, int]:
    """The pairs with their keys counted from 0, and the number of keys."""
    keys, key_P = np.unique(pairs.key_P, return_inverse=True)
    return pairs.with_keys(key_P), len(keys)


def _answered_once(
    compared: Compared, layer: int | None, people: Sequence[str] | None = None
) -> int:
    """How many of the layer's keys only one of these people answered."""
    answers: dict[tuple[int, int], int] = {}
    for name in compared.people if people is None else people:
        for key in compared.answered[name]:
            if layer in (None, key[0]):
                answers[key] = answers.get(key, 0) + 1
    return sum(number == 1 for number in answers.values())
