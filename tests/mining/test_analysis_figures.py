"""Figures 3 to 10 and table 3 from made-up tables: values by hand, intervals by SciPy.

Wilson's interval is that of `scipy.stats.binomtest`. A bootstrap has no exact answer: its ends are
compared with another bootstrap's, drawn here over the unit that the figure names, and must be close
in proportion to the interval's own width.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from analysed_runs import Mined, table
from scipy import stats

from mining import figures

CATEGORIES = ["agreement", "residual", "ffn", "composition"]
REMOVED = ["first", "last", "random"]
VOCABULARY = 500


@pytest.fixture(scope="module")
def draw() -> np.random.Generator:
    return np.random.default_rng(42)


@pytest.fixture(scope="module")
def composition(draw: np.random.Generator) -> pd.DataFrame:
    """Two layers, not numbered from 0, of 300 prefixes; in layer 5 nothing ever agrees."""
    prefixes = 300
    frames = [
        pd.DataFrame(
            {
                "layer": layer, "sample": range(prefixes), "sentence_id": 0, "position": 0,
                "active_share": draw.beta(2, 5, prefixes).astype(np.float32),
                "zero_agreement": draw.random(prefixes) < (0.7 if layer == 2 else 1.0),
                "residual_matches": draw.random(prefixes) < (0.3 if layer == 2 else 0.0),
                "residual_probability": draw.beta(1, 9, prefixes).astype(np.float32),
                "category": draw.choice(CATEGORIES[1:], prefixes, p=[0.5, 0.1, 0.4]),
            }
        )
        for layer in (2, 5)
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def values(draw: np.random.Generator) -> pd.DataFrame:
    """300 keys in each of two layers, every tenth of them without a next token."""
    keys = 300
    frames = []
    for layer in (0, 1):
        rank = draw.geometric(0.02, keys).astype(np.int32)
        rank[::10] = -1
        agrees = rank == 1
        frames.append(
            pd.DataFrame(
                {
                    "layer": layer, "key": range(keys), "next_token_rank": rank, "agrees": agrees,
                    "agrees_any": agrees | (draw.random(keys) < 0.1),
                }
            )
        )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def removal(draw: np.random.Generator) -> pd.DataFrame:
    """40 keys of 1 to 50 triggers in each of two layers; a key's triggers resemble each other."""
    rows = []
    for layer in (0, 3):
        for key in range(40):
            of_key = draw.normal(-0.3, 0.2)
            for rank in range(1, draw.integers(2, 51)):
                coefficient = draw.uniform(0.5, 3.0)
                for removed in REMOVED:
                    change = of_key * (1 + REMOVED.index(removed)) + draw.normal(0, 0.02)
                    after = coefficient * (1 + change)
                    rows.append((layer, key, rank, removed, coefficient, after))
    names = ["layer", "key", "rank", "removed", "coefficient", "coefficient_after"]
    return pd.DataFrame(rows, columns=names)


def assert_wilson(row: object, hits: int, count: int) -> None:
    wanted = stats.binomtest(hits, count).proportion_ci(method="wilson")
    assert row.value == pytest.approx(hits / count)
    assert row.ci_low == pytest.approx(wanted.low, abs=1e-9)
    assert row.ci_high == pytest.approx(wanted.high, abs=1e-9)
    assert row.count_ == count


def rows_of(frame: pd.DataFrame) -> list[object]:
    """`count` is also a method of the named tuples that pandas makes."""
    return [*frame.rename(columns={"count": "count_"}).itertuples(index=False)]


def assert_interval(row: object, means: Sequence[float]) -> None:
    low, high = np.percentile(means, [2.5, 97.5])
    assert row.ci_low == pytest.approx(low, abs=0.12 * (high - low))
    assert row.ci_high == pytest.approx(high, abs=0.12 * (high - low))
    assert row.ci_high - row.ci_low == pytest.approx(high - low, rel=0.1)  # one of 90 % is narrower
    assert row.ci_low <= row.value <= row.ci_high


def test_figure_3_is_the_mean_relative_change_with_keys_as_the_unit(removal: pd.DataFrame) -> None:
    rows = rows_of(figures.figure3(removal))
    assert [(row.layer, row.removed) for row in rows] == [
        (layer, removed) for layer in (0, 3) for removed in REMOVED
    ]
    draw = np.random.default_rng(7)
    for row in rows:
        own = removal[(removal["layer"] == row.layer) & (removal["removed"] == row.removed)]
        change = (own["coefficient_after"] - own["coefficient"]) / own["coefficient"]
        assert row.value == pytest.approx(change.mean())
        assert row.count_ == len(own)
        assert row.keys == own["key"].nunique()
        by_key = [change[own["key"] == key].to_numpy() for key in own["key"].unique()]
        means = [
            np.concatenate([by_key[k] for k in draw.integers(0, len(by_key), len(by_key))]).mean()
            for _ in range(2_000)
        ]
        assert_interval(row, means)
        alone = change.std() / len(own) ** 0.5  # as if triggers were independent
        assert row.ci_high - row.ci_low > 2 * 3.92 * alone


def test_figure_4_counts_keys_whose_first_trigger_goes_on(values: pd.DataFrame) -> None:
    chance = {"top_1": 1 / VOCABULARY, "any": 3 / VOCABULARY}
    rows = rows_of(figures.figure4(values, chance["top_1"], chance["any"]))
    assert [(row.layer, row.trigger) for row in rows] == [
        (layer, trigger) for layer in (0, 1) for trigger in ("top_1", "any")
    ]
    for row in rows:
        own = values[(values["layer"] == row.layer) & (values["next_token_rank"] != -1)]
        assert len(own) == 270
        column = {"top_1": "agrees", "any": "agrees_any"}[row.trigger]
        assert_wilson(row, int(own[column].sum()), len(own))
        assert row.chance == chance[row.trigger]


def test_figure_5_is_the_distribution_of_ranks(values: pd.DataFrame) -> None:
    rows = rows_of(figures.figure5(values, VOCABULARY))
    assert {row.layer for row in rows} == {0, 1}
    for row in rows:
        own = values[(values["layer"] == row.layer) & (values["next_token_rank"] != -1)]
        ranks = own["next_token_rank"].to_numpy()
        assert row.value == pytest.approx(np.quantile(ranks, row.quantile))
        assert row.count_ == len(ranks)
        assert row.chance == pytest.approx(row.quantile * VOCABULARY)
        # The distribution-free interval, from the binomial distribution itself.
        ends = stats.binom(len(ranks), row.quantile).ppf([0.025, 0.975]).astype(int)
        ordered = np.sort(ranks)
        low, high = ordered[np.clip([ends[0] - 3, ends[1] + 3], 0, len(ranks) - 1)]
        assert low <= row.ci_low <= row.value <= row.ci_high <= high
        if row.quantile == 0.5:
            assert row.ci_low <= ordered[ends[0]]
            assert row.ci_high >= ordered[ends[1]]


def test_table_3_counts_the_triggers_that_the_surest_word_follows() -> None:
    surest = pd.DataFrame(
        {
            "layer": [3, 0, 1], "key": [7, 2, 9], "top_token": ["a", "b", "c"],
            "max_probability": [0.9, 0.5, 0.4],
            "matching_share": np.array([24 / 50, 1 / 3, np.nan], np.float32),
            "triggers": [50, 3, 0], "top_token_id": [5, 6, 7],
        }
    )  # fmt: skip
    first, second, dead = rows_of(figures.table3(surest, VOCABULARY))
    assert_wilson(first, 24, 50)
    assert_wilson(second, 1, 3)
    assert (first.layer, first.key, first.top_token) == (3, 7, "a")
    assert first.chance == pytest.approx(1 / VOCABULARY)
    assert np.isnan([dead.value, dead.ci_low, dead.ci_high]).all()  # of no trigger no share
    assert dead.count_ == 0


@pytest.mark.parametrize(
    ("figure", "column"), [("figure6", "active_share"), ("figure9", "residual_probability")]
)
def test_figures_6_and_9_are_means_over_prefixes(
    composition: pd.DataFrame, figure: str, column: str
) -> None:
    rows = rows_of(getattr(figures, figure)(composition))
    assert [row.layer for row in rows] == [2, 5]
    draw = np.random.default_rng(7)
    for row in rows:
        own = composition.loc[composition["layer"] == row.layer, column].to_numpy(np.float64)
        assert row.value == pytest.approx(own.mean())
        assert row.count_ == len(own) == 300
        assert_interval(row, draw.choice(own, (4_000, len(own))).mean(axis=1))


@pytest.mark.parametrize(
    ("figure", "column"), [("figure7", "zero_agreement"), ("figure8", "residual_matches")]
)
def test_figures_7_and_8_are_shares_of_prefixes(
    composition: pd.DataFrame, figure: str, column: str
) -> None:
    rows = rows_of(getattr(figures, figure)(composition))
    assert [row.layer for row in rows] == [2, 5]
    for row in rows:
        own = composition.loc[composition["layer"] == row.layer, column]
        assert_wilson(row, int(own.sum()), len(own))
    # Nothing, or everything, is no certainty: the interval has a width there too.
    assert rows[1].value in (0.0, 1.0)
    assert rows[1].ci_high - rows[1].ci_low > 0.005


def test_figure_10_shares_out_every_prefix(composition: pd.DataFrame) -> None:
    frame = figures.figure10(composition)
    rows = rows_of(frame)
    # A category that no prefix falls into is a row as well.
    assert [(row.layer, row.category) for row in rows] == [
        (layer, category) for layer in (2, 5) for category in CATEGORIES
    ]
    for row in rows:
        own = composition.loc[composition["layer"] == row.layer, "category"]
        assert_wilson(row, int((own == row.category).sum()), len(own))
    assert frame.groupby("layer")["value"].sum().to_numpy() == pytest.approx(1.0)


def test_the_same_tables_give_the_same_numbers(
    composition: pd.DataFrame, removal: pd.DataFrame
) -> None:
    for figure, rows in ((figures.figure3, removal), (figures.figure6, composition)):
        pd.testing.assert_frame_equal(figure(rows), figure(rows))


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_the_figures_of_a_run_are_those_of_its_tables(analyses: object, name: str) -> None:
    run = analyses(name).analysed()
    found = figures.figures(run)
    names = [f"figure{n}" for n in (3, 4, 5, 6, 7, 8, 9, 10)]
    assert found.keys() == {*names, "table3"}
    values, composed = table(run, "values"), table(run, "composition")
    compared = values[values["next_token_rank"] > 0]
    rate = found["figure4"].query("trigger == 'top_1'")
    assert rate["value"].to_numpy() == pytest.approx(compared.groupby("layer")["agrees"].mean())
    assert rate["chance"].to_numpy() == pytest.approx(1 / analyses(name).oracle().vocabulary)
    zero = composed.groupby("layer")["zero_agreement"].mean()
    assert found["figure7"]["value"].to_numpy() == pytest.approx(zero)
    for frame in found.values():
        assert frame["layer"].isin([0, 1]).all()
        known = frame[frame["count"] > 0]
        assert (known["ci_low"] <= known["value"]).all()
        assert (known["value"] <= known["ci_high"]).all()


def test_only_what_was_analysed_has_a_figure(analyses: object) -> None:
    one: Mined = analyses("gpt2")
    assert figures.figures(one.fresh()) == {}
    assert figures.figures(one.analysed(only=("removal",))).keys() == {"figure3"}


def test_the_chance_of_agreeing_with_any_trigger(analyses: object) -> None:
    # A word drawn at random is one of a key's distinct next words this often.
    one: Mined = analyses("gpt2")
    distinct = []
    for place in one.places:
        triggers = one.triggers(*place, one.options.top_k)
        if triggers and triggers[0].next_token_id != -1:
            distinct.append(len({t.next_token_id for t in triggers} - {-1}))
    rows = figures.figures(one.analysed())["figure4"].query("trigger == 'any'")
    assert rows["chance"].to_numpy() == pytest.approx(np.mean(distinct) / one.oracle().vocabulary)
