"""Agreement of a few labels by loops over the pure measures, and labels to try it on.

Labels are dictionaries as in `label_frames.py`.
"""

import math
from collections.abc import Callable, Collection
from itertools import combinations, permutations
from random import Random

import pandas as pd
from label_frames import CATEGORIES, Labels, category_of, frames_of

from annotations.agreement import match_patterns
from annotations.agreement_table import agreement_table
from annotations.measures import (
    Undefined,
    bcubed,
    cohen_kappa,
    fleiss_kappa,
    gwet_ac1,
    jaccard_distance,
    krippendorff_alpha,
    masi_distance,
    nominal_distance,
    omega_index,
)

Answers = dict[str, list[tuple[str, set[int]]]]
PREFIXES = 5
ALPHAS = {
    "alpha_masi": masi_distance,
    "alpha_jaccard": jaccard_distance,
    "alpha_nominal": nominal_distance,
}

MEASURES = [
    "omega", "alpha_masi", "alpha_jaccard", "alpha_nominal", "cohen_kappa", "fleiss_kappa", "ac1",
    "pattern_precision", "pattern_recall", "pattern_f1", "type_kappa", "bcubed_f",
]  # fmt: skip
COLUMNS = "scope measure value ci_low ci_high keys annotators note baseline".split()

# Two people, two keys of 5 prefixes. In the first they share a pattern of 3 and differ by one tick.
BY_HAND: Labels = {
    (0, 0, "Ada"): [("shallow", {1, 2, 3})],
    (0, 0, "Bob"): [("shallow", {1, 2, 3, 4})],
    (0, 1, "Ada"): [("semantic", {1, 2, 3})],
    (0, 1, "Bob"): [],
}


def tables(
    labels: Labels, machines: Collection[str] = (), prefixes: int = PREFIXES
) -> dict[str, pd.DataFrame]:
    """A dataset's tables, with the kinds of annotators."""
    names = sorted({name for _, _, name in labels})
    kinds = ["machine" if name in machines else "human" for name in names]
    annotators = pd.DataFrame({"annotator": names, "kind": kinds}).astype("str")
    return frames_of(labels, prefixes) | {"annotators": annotators}


def rows(labels: Labels, scope: str = "all", **how: object) -> dict[str, pd.Series]:
    found = agreement_table(tables(labels), **({"rounds": 20} | how))
    return {row["measure"]: row for _, row in found[found["scope"] == scope].iterrows()}


def values(labels: Labels, scope: str = "all") -> dict[str, float]:
    return {measure: row["value"] for measure, row in rows(labels, scope).items()}


def random_labels(seed: int, keys: int, people: Collection[str], layers: int = 1) -> Labels:
    """Each key answered by two or more of the people, who see the same patterns now and then."""
    random = Random(seed)
    labels = {}
    for number in range(keys):
        seen = [set(random.sample(range(1, PREFIXES + 1), 3)) for _ in range(2)]
        for name in random.sample(sorted(people), random.randint(2, len(people))):
            own = [seen[random.randint(0, 1)] ^ {random.randint(1, PREFIXES)} for _ in range(2)]
            kinds = [random.choice(["shallow", "semantic"]) for _ in own]
            answer = list(zip(kinds, own, strict=True))[: random.randint(0, 2)]
            labels[number % layers, number // layers, name] = answer
    return labels


def by_loops(labels: Labels) -> dict[str, float | Undefined]:
    """Every measure over all keys, where people take turns as the reference."""
    keys = _answers(labels)
    units = [
        [_category(patterns, rank) for patterns in answers.values()]
        for answers in keys
        for rank in range(1, PREFIXES + 1)
    ]
    sets = [[_types(category) for category in unit] for unit in units]
    numbers = [len(answers) for answers in keys]
    raters = max(set(numbers), key=lambda number: (numbers.count(number), number))
    found: dict[str, float | Undefined] = {
        "omega": _mean_over_keys(keys, _omega),
        **{name: krippendorff_alpha(sets, distance) for name, distance in ALPHAS.items()},
        "cohen_kappa": _mean_over_people(keys, _shared_categories),
        "fleiss_kappa": fleiss_kappa([unit for unit in units if len(unit) == raters]),
        "ac1": gwet_ac1(units, CATEGORIES),
        "type_kappa": _mean_over_people(keys, _matched_types),
        "bcubed_f": _mean_over_keys(keys, lambda one, other: _bcubed(one, other).f),
    }
    for name in ("precision", "recall", "f1"):
        found[f"pattern_{name}"] = _mean_over_keys(
            keys, lambda one, other, name=name: getattr(_matching(one, other), name)
        )
    return found


def _answers(labels: Labels) -> list[Answers]:
    keys: dict[tuple[int, int], Answers] = {}
    for (layer, key, name), patterns in labels.items():
        if patterns is not None and name != "gold":
            keys.setdefault((layer, key), {})[name] = patterns
    return [answers for answers in keys.values() if len(answers) > 1]


def _mean_over_keys(keys: list[Answers], measure: Callable) -> float | Undefined:
    means = []
    for answers in keys:
        both_ways = [measure(one, other) for one, other in permutations(answers.values(), 2)]
        known = [value for value in both_ways if isinstance(value, float | int)]
        if known:
            means.append(math.fsum(known) / len(known))
    return math.fsum(means) / len(means) if means else Undefined("no key")


def _mean_over_people(keys: list[Answers], shared: Callable) -> float | Undefined:
    weighted, weights = [], []
    for one, other in combinations(sorted({name for answers in keys for name in answers}), 2):
        both = [answers for answers in keys if one in answers and other in answers]
        pairs = [pair for answers in both for pair in shared(answers[one], answers[other])]
        kappa = cohen_kappa(pairs)
        if not isinstance(kappa, Undefined):
            weighted.append(kappa * len(pairs))
            weights.append(len(pairs))
    return math.fsum(weighted) / sum(weights) if weights else Undefined("no pair")


def _sets(patterns: list[tuple[str, set[int]]]) -> list[frozenset[int]]:
    return [frozenset(rank - 1 for rank in ranks) for _, ranks in patterns]


def _category(patterns: list[tuple[str, set[int]]], rank: int) -> str:
    return category_of(patterns, rank)


def _types(category: str) -> frozenset[str]:
    return frozenset(category.split("+")) - {"not covered"}


def _omega(one: list, other: list) -> float | Undefined:
    return omega_index(_sets(one), _sets(other), PREFIXES)


def _bcubed(one: list, other: list):
    return bcubed(_sets(one), _sets(other), PREFIXES)


def _matching(one: list, other: list):
    alike = {(i, j) for i, (a, _) in enumerate(one) for j, (b, _) in enumerate(other) if a == b}
    return match_patterns(_sets(one), _sets(other), preferred=alike)


def _shared_categories(one: list, other: list) -> list[tuple[str, str]]:
    ranks = range(1, PREFIXES + 1)
    return [(_category(one, rank), _category(other, rank)) for rank in ranks]


def _matched_types(one: list, other: list) -> list[tuple[str, str]]:
    return [(one[pair.one][0], other[pair.other][0]) for pair in _matching(one, other).pairs]
