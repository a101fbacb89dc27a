"""Labels written down as a dictionary, as a dataset's tables, and counted by plain loops.

{(layer, key, annotator): [("shallow", {1, 2, 3}), ...]}     [] says that there is no pattern,
                                                             None that the answer is a draft
"""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction

import pandas as pd

Labels = Mapping[tuple[int, int, str], list[tuple[str, set[int]]] | None]
CATEGORIES = ["shallow", "semantic", "shallow+semantic", "not covered"]


def frames_of(labels: Labels, prefixes: int = 5) -> dict[str, pd.DataFrame]:
    """The tables that `dataset_frames` would give; every key has so many prefixes."""
    keys = sorted({(layer, key) for layer, key, _ in labels})
    tables = {
        "prefixes": (
            ["layer", "key", "rank"],
            [(*key, rank) for key in keys for rank in range(1, prefixes + 1)],
        ),
        "submissions": (
            ["layer", "key", "annotator", "status"],
            [(*place, _status(patterns)) for place, patterns in labels.items()],
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
    types = {"annotator": "str", "status": "str", "type": "str"}
    return {
        name: pd.DataFrame(rows, columns=columns).astype(
            {column: types.get(column, "int64") for column in columns}
        )
        for name, (columns, rows) in tables.items()
    }


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


def counted(labels: Labels) -> dict[tuple[int, int], dict[str, list[tuple[str, set[int]]]]]:
    """Per key, the answers that count: gold's alone if there is one, else all submitted ones."""
    found: dict[tuple[int, int], dict[str, list[tuple[str, set[int]]]]] = defaultdict(dict)
    for (layer, key, person), patterns in labels.items():
        if patterns is not None:
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
