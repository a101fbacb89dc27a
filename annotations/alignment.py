"""Annotators' answers to one key side by side, for the lead who settles it. Plain values only.

`align` puts patterns that tick the same prefixes into one group, `disagreement` orders the keys,
`merged` makes one pattern of several. The order in which answers are given changes nothing:
groups grow in the order of annotators' names.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from annotations.agreement import THRESHOLD, assign, jaccard, match_patterns
from annotations.answers import LONGEST_DESCRIPTION, Answer, PatternAnswer


@dataclass(frozen=True)
class PatternGroup:
    """Patterns of different annotators that are one and the same, or a pattern on its own."""

    members: dict[str, int]  # annotator → the pattern's place in their answer, from 0
    agreed_ranks: tuple[int, ...]  # ticked by all members, ascending
    disputed_ranks: tuple[int, ...]  # ticked by some members only, ascending
    types_differ: bool
    similarity: float | None  # mean Jaccard over pairs of members; None if there is but one


def align(answers: Mapping[str, Answer], *, threshold: float = THRESHOLD) -> list[PatternGroup]:
    """Group the patterns of annotators' answers to one key; every pattern is in one group.

    The first annotator's patterns open a group each. Each next annotator's patterns are assigned to
    the groups so far, as `match_patterns` does it: a pattern's similarity to a group is its mean
    Jaccard similarity to the members, and of equally good assignments the one counts that keeps
    types together. A pattern that reaches no group opens one.

    What is most in dispute comes first: fewer members before more (so that what somebody lacks goes
    before what all have), then differing types, then lower similarity, then the order in which the
    groups were opened (by annotator, then by place in the answer).
    """
    opened: list[dict[str, int]] = []
    for annotator in sorted(answers):
        patterns = answers[annotator].patterns
        grouped = [_patterns(members, answers) for members in opened]
        similarities = [[_similarity(group, pattern) for pattern in patterns] for group in grouped]
        preferred = {
            (i, j)
            for i, group in enumerate(grouped)
            for j, pattern in enumerate(patterns)
            if {member.type for member in group} == {pattern.type}
        }
        places = {j: i for i, j in assign(similarities, threshold=threshold, preferred=preferred)}
        for j in range(len(patterns)):
            if j in places:
                opened[places[j]][annotator] = j
            else:
                opened.append({annotator: j})
    return sorted((_group(members, answers) for members in opened), key=_order)


def disagreement(answers: Mapping[str, Answer], *, threshold: float = THRESHOLD) -> float:
    """How far the answers to one key differ, from 0 (not at all) to 1, to order keys by.

    1 − the mean, over pairs of annotators, of the F1 of their matched patterns, in which a matched
    pair of different types counts half. Two answers without a pattern agree; of two answers one of
    which has none, nothing does. 0 with fewer than two answers, which differ from nobody's. It is
    not corrected for chance and says nothing about prefixes within a match: no figure to publish.
    """
    pairs = list(combinations(answers.values(), 2))
    if not pairs:
        return 0.0
    agreed = sum(_typed_f1(one.patterns, other.patterns, threshold) for one, other in pairs)
    return float(1 - agreed / len(pairs))


def merged(patterns: Sequence[PatternAnswer]) -> PatternAnswer:
    """One pattern of one or several: every prefix that any of them ticks.

    The type is the most frequent one (of two equally frequent ones the first pattern's). Different
    descriptions follow each other with " / " between them; what is too long is cut off.
    """
    assert patterns, "nothing to merge"
    votes = Counter(pattern.type for pattern in patterns)  # counts in the order of first sight
    descriptions = dict.fromkeys(pattern.description for pattern in patterns)
    return PatternAnswer(
        type=votes.most_common(1)[0][0],  # which keeps that order where counts are equal
        description=" / ".join(filter(str.strip, descriptions))[:LONGEST_DESCRIPTION],
        ranks=tuple(sorted({rank for pattern in patterns for rank in pattern.ranks})),
    )


def _patterns(members: Mapping[str, int], answers: Mapping[str, Answer]) -> list[PatternAnswer]:
    return [answers[annotator].patterns[place] for annotator, place in members.items()]


def _similarity(group: Sequence[PatternAnswer], pattern: PatternAnswer) -> Fraction:
    found = [jaccard(frozenset(member.ranks), frozenset(pattern.ranks)) for member in group]
    return Fraction(sum(found), len(found))


def _group(members: dict[str, int], answers: Mapping[str, Answer]) -> PatternGroup:
    patterns = _patterns(members, answers)
    ticked = [frozenset(pattern.ranks) for pattern in patterns]
    agreed = frozenset.intersection(*ticked)
    found = [jaccard(one, other) for one, other in combinations(ticked, 2)]
    return PatternGroup(
        members=members,
        agreed_ranks=tuple(sorted(agreed)),
        disputed_ranks=tuple(sorted(frozenset.union(*ticked) - agreed)),
        types_differ=len({pattern.type for pattern in patterns}) > 1,
        similarity=float(Fraction(sum(found), len(found))) if found else None,
    )


def _order(group: PatternGroup) -> tuple[int, bool, float]:
    return len(group.members), not group.types_differ, group.similarity or 0.0


def _typed_f1(
    one: Sequence[PatternAnswer], other: Sequence[PatternAnswer], threshold: float
) -> Fraction:
    if not one and not other:
        return Fraction(1)
    alike = {
        (i, j)
        for i, mine in enumerate(one)
        for j, theirs in enumerate(other)
        if mine.type == theirs.type
    }
    matching = match_patterns(
        [frozenset(pattern.ranks) for pattern in one],
        [frozenset(pattern.ranks) for pattern in other],
        threshold=threshold,
        preferred=alike,
    )
    # Of the 2 × pairs in F1, a pair of one type counts 2 and a pair of different types 1.
    counted = sum(1 + ((pair.one, pair.other) in alike) for pair in matching.pairs)
    return Fraction(counted, len(one) + len(other))
