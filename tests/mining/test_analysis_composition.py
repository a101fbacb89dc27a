"""Figures 6 to 10 against prefixes run one at a time: memories, residual stream and prediction.

Also of the sample itself: distinct prefixes, each as likely as any other, the same ones by a seed.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from analysed_runs import MODELS, Mined, table
from scipy import stats

Analyses = Callable[[str], Mined]
SAMPLED = 150
CATEGORIES = {"agreement", "residual", "ffn", "composition"}

both = pytest.mark.parametrize("name", MODELS)
variants = pytest.mark.parametrize("variant", ["plain", "folded"])


def compositions(one: Mined, **options: object) -> pd.DataFrame:
    return table(one.analysed(only=("composition",), **options), "composition")


def sample(rows: pd.DataFrame) -> list[tuple[int, int]]:
    first = rows[rows["layer"] == rows["layer"].min()]
    return [*zip(first["sentence_id"], first["position"], strict=True)]


@both
@variants
def test_every_row_is_what_the_prefix_by_itself_gives(
    analyses: Analyses, name: str, variant: str
) -> None:
    one = analyses(name)
    oracle = one.oracle(variant)
    rows = compositions(one, variant=variant)
    certain = 0
    for row in rows.itertuples():
        wanted = oracle.composition(row.layer, row.sentence_id, row.position)
        assert row.residual_probability == pytest.approx(
            wanted.residual_probability, rel=1e-3, abs=1e-5
        )
        if wanted.certain:
            certain += 1
            assert row.active_share == pytest.approx(wanted.active_share, abs=1e-6)
            assert row.zero_agreement == wanted.zero_agreement
            assert row.residual_matches == wanted.residual_matches
            assert row.category == wanted.category
    assert certain > 0.95 * len(rows)


@both
def test_the_sample_is_wide_enough_to_tell_every_answer_apart(
    analyses: Analyses, name: str
) -> None:
    rows = pd.concat([compositions(analyses(name), variant=v) for v in ("plain", "folded")])
    assert set(rows["category"]) == CATEGORIES
    for column in ("zero_agreement", "residual_matches"):
        assert set(rows[column]) == {True, False}
    assert rows["active_share"].nunique() > 5


@both
def test_each_sampled_prefix_is_there_once_in_every_layer(analyses: Analyses, name: str) -> None:
    one = analyses(name)
    rows = compositions(one)
    layers = range(one.oracle().layers)
    wanted = [(layer, number) for layer in layers for number in range(SAMPLED)]
    assert [*zip(rows["layer"], rows["sample"], strict=True)] == wanted
    drawn = sample(rows)
    assert len(set(drawn)) == SAMPLED  # without replacement
    assert set(drawn) <= set(one.oracle().ranked_positions())  # no special token among them
    for layer in layers:
        assert sample(rows[rows["layer"] == layer]) == drawn


@both
def test_a_sample_larger_than_the_corpus_is_all_of_it(analyses: Analyses, name: str) -> None:
    one = analyses(name)
    rows = compositions(one, prefixes=1_000_000)
    assert sorted(sample(rows)) == one.oracle().ranked_positions()


def test_the_same_seed_draws_the_same_prefixes_and_another_others(analyses: Analyses) -> None:
    one = analyses("gpt2")
    pd.testing.assert_frame_equal(compositions(one), compositions(one, seed=0))
    drawn = [set(sample(compositions(one, seed=seed))) for seed in range(2)]
    chance = SAMPLED / len(one.oracle().ranked_positions())
    common = len(drawn[0] & drawn[1]) / SAMPLED
    assert chance - 0.15 < common < chance + 0.15  # two samples meet by chance only


def test_every_ranked_position_is_as_likely_as_any_other(analyses: Analyses) -> None:
    one = analyses("llama")
    places = one.oracle().ranked_positions()
    seeds, size = 40, 60
    draws = [sample(compositions(one, seed=seed, prefixes=size)) for seed in range(seeds)]
    counts = np.array([sum(place in draw for draw in map(set, draws)) for place in places])
    assert counts.sum() == seeds * size
    # Drawn without replacement: the statistic is that of a chi-squared test, scaled by what a
    # sample of this size leaves of a count's variance.
    share = size / len(places)
    statistic = ((counts - seeds * share) ** 2).sum() / (seeds * share * (1 - share))
    low, high = stats.chi2(len(places) - 1).ppf([0.001, 0.999])
    assert low < statistic < high
    # And no part of the corpus, nor of a sentence, is preferred.
    order = np.argsort(np.argsort([sentence for sentence, _ in places]))
    deep = np.array([position for _, position in places])
    for by in (order, deep):
        halves = counts[by < np.median(by)].mean(), counts[by >= np.median(by)].mean()
        assert halves[0] == pytest.approx(halves[1], rel=0.15)
