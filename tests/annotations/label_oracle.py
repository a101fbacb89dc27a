"""The headline numbers of labels written down as a dictionary, by plain loops over its answers."""

import statistics
from collections.abc import Mapping

from label_frames import CATEGORIES, Labels, category_of, counted, seconds_of

Row = tuple[str, str, str]  # scope, measure, type
Answers = Mapping[tuple[int, int], dict[str, list[tuple[str, set[int]]]]]
HOLDS = {
    "any": CATEGORIES[:3],
    "shallow": ["shallow", "shallow+semantic"],
    "semantic": ["semantic", "shallow+semantic"],
}


def numbers_by_loops(labels: Labels, policy: str, prefixes: int = 5) -> dict[Row, float | None]:
    """What `label_statistics` should find, but for the trend; None where there is no number."""
    answers = counted(labels, policy)
    own = counted(labels, "annotators")
    found = numbers_of("all", answers, own, prefixes)
    for layer in {layer for layer, _ in answers}:
        here = {key: people for key, people in answers.items() if key[0] == layer}
        found |= numbers_of(f"layer {layer}", here, own, prefixes)
    names = {person for (_, _, person), patterns in labels.items() if patterns is not None}
    left_out = {"annotators": {"gold"}, "gold-only": names - {"gold"}}
    for name in names - left_out.get(policy, set()):
        theirs = {
            (layer, key): {name: patterns}
            for (layer, key, person), patterns in labels.items()
            if person == name and patterns is not None
        }
        timed = {} if name == "gold" else theirs
        found |= numbers_of(f"annotator {name}", theirs, timed, prefixes)
    return found


def numbers_of(
    scope: str, answers: Answers, own: Answers, prefixes: int
) -> dict[Row, float | None]:
    """The numbers of these keys; `own` are the answers that are timed, of more keys perhaps."""
    found: dict[Row, float | None] = {(scope, "keys", "any"): len(answers)}
    for kind, categories in HOLDS.items():
        patterns, with_pattern, covered = [], [], []
        for people in answers.values():
            counts, shares = [], []
            for given in people.values():
                counts.append(sum(kind in ("any", type_) for type_, _ in given))
                shares.append(
                    sum(category_of(given, rank) in categories for rank in range(1, prefixes + 1))
                    / prefixes
                )
            patterns.append(statistics.fmean(counts))
            with_pattern.append(sum(count > 0 for count in counts) / len(counts))
            covered.append(statistics.fmean(shares))
        found[scope, "patterns_per_key", kind] = mean(patterns)
        found[scope, "keys_with_pattern", kind] = mean(with_pattern)
        found[scope, "coverage", kind] = mean(covered)
    times = [
        statistics.fmean(seconds_of((*key, person)) for person in own[key])
        for key in answers
        if key in own
    ]
    found[scope, "seconds_per_key_mean", "any"] = mean(times)
    found[scope, "seconds_per_key_median", "any"] = statistics.median(times) if times else None
    return found


def mean(numbers: list[float]) -> float | None:
    return statistics.fmean(numbers) if numbers else None


def tau_b_by_loops(pairs: list[tuple[int, float]]) -> float | None:
    """Kendall's tau-b, every two units compared."""
    concordant = discordant = 0
    untied = [0, 0]
    for place, one in enumerate(pairs):
        for other in pairs[:place]:
            up, more = other[0] - one[0], other[1] - one[1]
            untied[0] += up != 0
            untied[1] += more != 0
            concordant += up * more > 0
            discordant += up * more < 0
    scale: float = (untied[0] * untied[1]) ** 0.5
    return (concordant - discordant) / scale if scale else None
