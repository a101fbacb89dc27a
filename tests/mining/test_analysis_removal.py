"""Figure 3 against the prefix run anew by itself: without its first, its last, a random token."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from analysed_runs import MODELS, Mined, table

from mining.removal import keys_to_remove_from

Analyses = Callable[[str], Mined]
KEYS, TRIGGERS = 6, 50
REMOVED = ["first", "last", "random"]

both = pytest.mark.parametrize("name", MODELS)


def removals(one: Mined, **options: object) -> pd.DataFrame:
    return table(one.analysed(only=("removal",), **options), "removal")


def near(found: float, wanted: float) -> bool:
    return abs(found - wanted) <= 1e-5 * max(1.0, abs(wanted))


@both
def test_every_trigger_of_the_sampled_keys_is_shortened_in_three_ways(
    analyses: Analyses, name: str
) -> None:
    one = analyses(name)
    rows = removals(one)
    left_out = 0
    wanted = []
    for layer, key in sorted(set(zip(rows["layer"], rows["key"], strict=True))):
        for trigger in one.triggers(layer, key, TRIGGERS):
            if trigger.position == 0:  # a prefix of one token: nothing would remain
                left_out += 1
                continue
            wanted += [(layer, key, trigger.rank, removed) for removed in REMOVED]
    assert list(rows[["layer", "key", "rank", "removed"]].itertuples(index=False)) == wanted
    assert left_out > 0
    assert rows["rank"].max() > one.options.top_k  # more than the run itself has kept


@both
def test_the_coefficients_are_those_of_the_shortened_prefix_fed_as_a_sentence(
    analyses: Analyses, name: str
) -> None:
    one = analyses(name)
    oracle = one.oracle()
    rows = removals(one)
    places = []
    for (layer, key), of_key in rows.groupby(["layer", "key"]):
        triggers = {t.rank: t for t in one.triggers(layer, key, TRIGGERS)}
        for row in of_key[of_key["rank"] % 6 == 1].itertuples():
            trigger = triggers[row.rank]
            assert near(row.coefficient, trigger.coefficient)
            last = trigger.position
            if row.removed == "first":
                assert near(row.coefficient_after, oracle.after_removal(trigger, 0))
            elif row.removed == "last":
                assert near(row.coefficient_after, oracle.after_removal(trigger, last))
            else:
                possible = [
                    token
                    for token in range(last + 1)
                    if near(row.coefficient_after, oracle.after_removal(trigger, token))
                ]
                assert possible
                if len(possible) == 1:  # elsewhere equal words or a coefficient of 0 hide which
                    places.append(possible[0] / last)
    # Any token may be the random one, the first and the last too, and no part is preferred.
    assert len(places) > 40
    assert {0.0, 1.0} < set(places)
    assert 0.35 < np.mean(places) < 0.65


@both
def test_keys_are_sampled_from_those_that_have_a_trigger(analyses: Analyses, name: str) -> None:
    one = analyses(name)
    keys = one.fresh().keys()
    alive = keys[keys["triggers"] > 0]
    assert len(alive) < len(keys) or name == "llama"  # the GPT-2 has dead keys
    for layer, sampled in removals(one).groupby("layer")["key"]:
        assert set(sampled) <= set(alive.loc[alive["layer"] == layer, "key"])
        assert sampled.nunique() == KEYS
    every = removals(one, keys_per_layer=10_000)
    with_two_words = {
        (layer, key)
        for layer, key in zip(alive["layer"], alive["key"], strict=True)
        if any(t.position for t in one.triggers(layer, key, TRIGGERS))
    }
    assert set(zip(every["layer"], every["key"], strict=True)) == with_two_words


def test_another_seed_samples_other_keys_and_removes_other_tokens(analyses: Analyses) -> None:
    one = analyses("gpt2")
    first, again, other = removals(one), removals(one, seed=0), removals(one, seed=1)
    pd.testing.assert_frame_equal(first, again)
    by_layer = [frame.groupby("layer")["key"].agg(frozenset) for frame in (first, other)]
    assert (by_layer[0] != by_layer[1]).all()
    assert by_layer[0][0] != by_layer[0][1]  # each layer draws for itself


def test_another_seed_changes_nothing_of_a_key_but_what_random_removes(analyses: Analyses) -> None:
    one = analyses("llama")
    first, other = (removals(one, keys_per_layer=12, seed=seed) for seed in (0, 1))  # all keys
    place = ["layer", "key", "rank", "removed", "coefficient"]
    pd.testing.assert_frame_equal(first[place], other[place])
    differs = ~np.isclose(first["coefficient_after"], other["coefficient_after"], 1e-4, 1e-5)
    assert set(first.loc[differs, "removed"]) == {"random"}


def test_each_key_is_drawn_about_as_often(analyses: Analyses) -> None:
    run = analyses("gpt2").fresh()
    seeds, size = 80, 16
    drawn = [keys_to_remove_from(run, size, seed) for seed in range(seeds)]
    for layer, keys in run.keys().query("triggers > 0").groupby("layer")["key"]:
        counts = pd.Series(np.concatenate([of_seed[layer] for of_seed in drawn])).value_counts()
        assert set(counts.index) == set(keys)
        share = size / len(keys)
        spread = (seeds * share * (1 - share)) ** 0.5  # of a count, binomial
        assert np.abs(counts - seeds * share).max() < 4.5 * spread
