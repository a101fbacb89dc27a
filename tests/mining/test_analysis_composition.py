"""Figures 6 to 10 against prefixes run one at a time: memories, residual stream and prediction.

Also of the sample itself: distinct prefixes, each as likely as any other, the same ones by a seed.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from analysed_runs import MODELS, Mined, table
from scipy import stats

from mining.composition import sample_prefixes
from mining.corpus import open_corpus

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


def test_every_ranked_position_is_as_likely_as_any_other(
    analyses: Analyses, tmp_path: Path
) -> None:
    one = analyses("gpt2")
    places = one.oracle().ranked_positions()
    corpus = one.home / "corpus.txt"
    seeds, size = 120, 60
    counts = dict.fromkeys(places, 0)
    for seed in range(seeds):
        drawn = sample_prefixes(one.loaded, open_corpus(str(corpus)), size, seed)
        for place in zip(drawn.sentence_id.tolist(), drawn.position.tolist(), strict=True):
            counts[place] += 1
    found = np.array([*counts.values()])
    assert len(found) == len(places)
    assert found.sum() == seeds * size
    # Drawn without replacement: the statistic is that of a chi-squared test, scaled by what a
    # sample of this size leaves of a count's variance.
    share = size / len(places)
    statistic = ((found - seeds * share) ** 2).sum() / (seeds * share * (1 - share))
    low, high = stats.chi2(len(places) - 1).ppf([0.001, 0.999])
    assert low < statistic < high


def test_a_corpus_of_several_windows_is_drawn_from_evenly(
    analyses: Analyses, tmp_path: Path
) -> None:
    corpus = tmp_path / "long.txt"
    sentences, size = 20_000, 1_500
    corpus.write_text("the cat\n" * sentences, encoding="utf-8")
    drawn = sample_prefixes(analyses("gpt2").loaded, open_corpus(str(corpus)), size, seed=1)
    places = {*zip(drawn.sentence_id.tolist(), drawn.position.tolist(), strict=True)}
    assert len(places) == size
    assert set(drawn.position) == {0, 1}
    tenths = np.histogram(drawn.sentence_id, bins=10, range=(0, sentences))[0]
    assert stats.chisquare(tenths).pvalue > 0.001
    assert stats.binomtest(int(drawn.position.sum()), size).pvalue > 0.001
