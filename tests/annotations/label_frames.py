"""Labels written down as a dictionary, as a dataset's tables, and counted by plain loops.

{(layer, key, annotator): [("shallow", {1, 2, 3}), ...]}     [] says that there is no pattern,
                                                             None that the answer is a draft
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from fractions import Fraction

import pandas as pd

Labels = Mapping[tuple[int, int, str], list[tuple[str, set[int]]] | None]
CATEGORIES = ["shallow", "semantic", "shallow+semantic", "not covered"]


def frames_of(
    labels: Labels, prefixes: int = 5, machines: Collection[str] = ()
) -> dict[str, pd.DataFrame]:
    """The tables that `dataset_frames` would give; every key has so many prefixes."""
    keys = sorted({(layer, key) for layer, key, _ in labels})
    people = sorted({person for _, _, person in labels})
    tables = {
        "annotators": (
            ["annotator", "kind"],
            [
                (name, "gold" if name == "gold" else "machine" if name in machines else "human")
                for name in people
            ],
        ),
        "prefixes": (
            ["layer", "key", "rank"],
            [(*key, rank) for key in keys for rank in range(1, prefixes + 1)],
        ),
        "submissions": (
            ["layer", "key", "annotator", "status", "seconds"],
            [(*place, _status(patterns), seconds_of(place)) for place, patterns in labels.items()],
        ),
        "patterns": (
            ["layer", "key", "annotator", "pattern", "type"],
            [
                (*place, number, kind)
                for place, patterns in labels.items()
                for number, (kind, _) in enumerate(patterns or [], start=1)
            ],
        ),
        "labels": (
            ["layer", "key", "annotator", "pattern", "rank"],
            [
                (*place, number, rank)
                for place, patterns in labels.items()
                for number, (_, ranks) in enumerate(patterns or [], start=1)
                for rank in sorted(ranks)
            ],
        ),
    }
    types = {"annotator": "str", "kind": "str", "status": "str", "type": "str"}
    types |= {"seconds": "float64"}
    return {
        name: pd.DataFrame(rows, columns=columns).astype(
            {column: types.get(column, "int64") for column in columns}
        )
        for name, (columns, rows) in tables.items()
    }


def seconds_of(place: tuple[int, int, str]) -> float:
    """How long somebody took for an answer: some number that tells answers apart."""
    layer, key, person = place
    return 40.0 + 17 * layer + 5 * key**2 + 11 * len(person) + ord(person[0]) % 7


def _status(patterns: list[tuple[str, set[int]]] | None) -> str:
    return "draft" if patterns is None else "submitted" if patterns else "no pattern"


def category_of(patterns: list[tuple[str, set[int]]], rank: int) -> str:
    """The paper's category of one prefix, spelt out."""
    shallow = any(kind == "shallow" and rank in ranks for kind, ranks in patterns)
    semantic = any(kind == "semantic" and rank in ranks for kind, ranks in patterns)
    if shallow and semantic:
        return "shallow+semantic"
    if shallow:
        return "shallow"
    return "semantic" if semantic else "not covered"


def counted(
    labels: Labels, policy: str = "gold"
) -> dict[tuple[int, int], dict[str, list[tuple[str, set[int]]]]]:
    """Per key, the answers that count: gold's alone if there is one, else all submitted ones.

    With `annotators` never gold's, with `gold-only` no others.
    """
    found: dict[tuple[int, int], dict[str, list[tuple[str, set[int]]]]] = defaultdict(dict)
    for (layer, key, person), patterns in labels.items():
        left_out = {"annotators": person == "gold", "gold-only": person != "gold"}
        if patterns is not None and not left_out.get(policy, False):
            found[layer, key][person] = patterns
    return {
        key: {"gold": people["gold"]} if "gold" in people else people
        for key, people in found.items()
    }


def prefixes_by_loops(labels: Labels, prefixes: int = 5) -> dict[tuple[int, str], Fraction]:
    """How many prefixes of each layer are in each category, an answer weighing what it should."""
    totals: dict[tuple[int, str], Fraction] = {}
    for (layer, _), people in counted(labels).items():
        for category in CATEGORIES:
            totals.setdefault((layer, category), Fraction())
        for patterns in people.values():
            for rank in range(1, prefixes + 1):
                totals[layer, category_of(patterns, rank)] += Fraction(1, len(people))
    return totals
