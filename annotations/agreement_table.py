"""Agreement between annotators as tables: of all, of each layer, of each two people and gold.

Pure functions on a dataset's tables (`annotations.frames.dataset_frames`, or its CSV files read
back). The headline is omega averaged over keys. Intervals are the 95 % percentile bootstrap over
keys. What does not exist is NaN, and `note` says why in words.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from annotations.agreement_estimates import MEASURES, Estimate, counted, estimates
from annotations.answer_arrays import AnswerArrays, answer_arrays
from annotations.answer_pairs import AnswerPairs, Compared, Progress, compare, untold
from annotations.bootstrap import ALL_LAYERS, Rounds, interval
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
    compared = compare(_arrays(frames, machines), seed=seed, progress=untold)
    return _table(compared.without(GOLD), Rounds(rounds, seed), untold)


def agreement_pairs(
    frames: Mapping[str, pd.DataFrame], *, rounds: int = 1000, seed: int = 0, machines: bool = False
) -> pd.DataFrame:
    """The same for each two annotators, and for gold against each: `one` is the reference.

    Columns scope, one, other, measure, value, ci_low, ci_high, keys, note, baseline. Each two are
    in scope `all`, and in `layer N` where they share a key; of two people, the one whose name comes
    first is `one`. Keys that only one of them answered are counted in the note.
    """
    compared = compare(_arrays(frames, machines), seed=seed, progress=untold)
    return _couples(compared, Rounds(rounds, seed), untold)


def agreement_of(
    arrays: AnswerArrays, *, drawn: Rounds, progress: Progress
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`agreement_table` and `agreement_pairs` at once, of answers in which gold comes first.

    Everything is compared but once.
    """
    compared = compare(arrays, seed=drawn.seed, progress=progress)
    table = _table(compared.without(GOLD), drawn, progress)
    return table, _couples(compared, drawn, progress)


def _arrays(frames: Mapping[str, pd.DataFrame], machines: bool) -> AnswerArrays:
    return answer_arrays(frames if machines else of_people(frames), first=GOLD)


def _table(compared: Compared, drawn: Rounds, progress: Progress) -> pd.DataFrame:
    answers_K = np.bincount(compared.key_A, minlength=len(compared.layer_K))
    scopes = list(_scopes(compared))
    rows = []
    for number, scope in enumerate(scopes):
        progress("agreement", number, len(scopes))
        pairs, keys = _renumbered(_of_layer(compared, scope[1]))
        alone = int((answers_K[_inside(compared, scope[1])] == 1).sum())
        people = len(np.unique([pairs.one_P, pairs.other_P]))
        notes = [f"{counted(alone, 'key')} with one answer left out"] if alone else []
        found = _estimated(pairs, keys, drawn, scope, "no key has two answers")
        rows += [
            (scope[0], measure, *figures, keys, people, "; ".join([*own, *notes]), baseline)
            for measure, figures, own, baseline in found
        ]
    return pd.DataFrame(rows, columns=list(_TABLE), dtype="object").astype(_TABLE)


def _couples(compared: Compared, drawn: Rounds, progress: Progress) -> pd.DataFrame:
    places = range(len(compared.people))
    couples = sorted(combinations(places, 2), key=lambda two: compared.people[two[0]] == GOLD)
    scopes = list(_scopes(compared))
    rows = []
    for number, scope in enumerate(scopes):
        progress("agreement of pairs", number, len(scopes))
        of_scope = _of_layer(compared, scope[1])
        answers = compared.person_A[_inside(compared, scope[1])[compared.key_A]]
        answered = np.bincount(answers, minlength=len(places)).tolist()
        for one, other in couples:
            shared = of_scope.where((of_scope.one_P == one) & (of_scope.other_P == other))
            if scope[1] is not None and not len(shared.key_P):
                continue
            names = (compared.people[one], compared.people[other])
            alone = answered[one] + answered[other] - 2 * len(shared.key_P)
            notes = [f"{counted(alone, 'key')} that one of them answered left out"] if alone else []
            pairs, keys = _renumbered(shared)
            found = _estimated(
                pairs, keys, drawn, scope, "no key that both answered", directed=True
            )
            rows += [
                (scope[0], *names, measure, *figures, keys, "; ".join([*own, *notes]), baseline)
                for measure, figures, own, baseline in found
            ]
    return pd.DataFrame(rows, columns=list(_PAIRS), dtype="object").astype(_PAIRS)


def _weights(drawn: Rounds, keys: int, layer: int | None) -> Iterator[Floats]:
    """(1 + rounds) × keys, some rows at a time: ones, then how often a round draws each key.

    Other layers' keys change nothing of a layer's draws.
    """
    first = np.ones((1, keys))
    for drawn_RK in drawn.draws(keys, ALL_LAYERS if layer is None else layer):
        yield np.vstack([first, drawn_RK])
        first = first[:0]


_Row = tuple[str, tuple[float, float, float], list[str], float]  # measure, figures, notes, baseline


def _estimated(
    pairs: AnswerPairs,
    keys: int,
    drawn: Rounds,
    scope: _Scope,
    nothing: str,
    *,
    directed: bool = False,
) -> list[_Row]:
    """Each measure's value and interval; `nothing` is the reason where there is no key."""
    if not keys:
        return [(measure, (np.nan, np.nan, np.nan), [nothing], np.nan) for measure in MEASURES]
    found = estimates(pairs, _weights(drawn, keys, scope[1]), directed=directed)
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


def _scopes(compared: Compared) -> Iterator[_Scope]:
    """All, then each layer in which anybody answered."""
    layers = np.unique(compared.layer_K[compared.key_A]).tolist()
    if layers:
        yield ALL, None
    for layer in layers:
        yield f"layer {layer}", layer


def _inside(compared: Compared, layer: int | None) -> npt.NDArray[np.bool_]:
    """Which keys are of the layer; all of them are where it is None."""
    everything = np.ones(len(compared.layer_K), dtype=bool)
    return everything if layer is None else compared.layer_K == layer


def _of_layer(compared: Compared, layer: int | None) -> AnswerPairs:
    return compared.pairs.where(_inside(compared, layer)[compared.pairs.key_P])


def _renumbered(pairs: AnswerPairs) -> tuple[AnswerPairs, int]:
    """The pairs with their keys counted from 0, and the number of keys."""
    begins_P = np.diff(pairs.key_P, prepend=-1) > 0  # keys ascend
    return pairs.with_keys(begins_P.cumsum() - 1), int(begins_P.sum())
