"""`shade` stores, for sampled keys, the coefficient at every token of each trigger."""

import math
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from checkpoints import Checkpoint
from corpora import MULTI_BYTE, mixed_lines
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Oracle
from shades import keys_of, never, stored
from terminal import contents

from mining.alone import equal_lengths
from mining.errors import RunFolderError
from mining.models import LoadedModel
from mining.run_folder import LOCK, SCHEMAS, RunFolder
from mining.sampled_keys import sampled_keys
from mining.shade import ShadeReport, shade

ROOT = Path(__file__).parents[2]

ByName = Callable[[str], Checkpoint]
Loaded = Callable[[str], LoadedModel]
Mined = Callable[..., RunFolder]


# The sample.


def test_the_order_of_a_sample_never_changes() -> None:
    # Labels have been collected in this order: a change would tear samples apart.
    candidates = np.arange(100, 110)
    assert sampled_keys(candidates, 0, 0).tolist() == [
        104, 106, 102, 107, 103, 105, 109, 100, 108, 101,
    ]  # fmt: skip
    assert sampled_keys(candidates, 3, 7).tolist() == [
        103, 105, 104, 107, 108, 100, 109, 102, 101, 106,
    ]  # fmt: skip


@given(
    st.lists(st.integers(0, 5000), unique=True, max_size=60).map(sorted),
    st.integers(0, 100), st.integers(0, 2**40),
)  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_a_sample_is_the_candidates_in_another_order(
    candidates: list[int], layer: int, seed: int
) -> None:
    drawn = sampled_keys(np.array(candidates, dtype=np.int64), layer, seed)
    assert sorted(drawn.tolist()) == candidates
    assert drawn.dtype == np.int64


def test_layers_and_seeds_are_drawn_apart() -> None:
    candidates = np.arange(50)
    orders = {
        tuple(sampled_keys(candidates, layer, seed)) for layer in range(3) for seed in range(3)
    }
    assert len(orders) == 9


def test_choosing_and_reading_wait_for_no_torch() -> None:
    code = (
        "import sys, mining.sampled_keys, mining.run_folder;"
        "sys.exit(bool({'torch', 'transformers'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


# Who shares a forward pass.


@given(
    st.dictionaries(st.integers(), st.lists(st.just(0), min_size=1, max_size=5), max_size=20),
    st.integers(1, 12),
)
@settings(max_examples=50, deadline=None)
def test_sentences_share_a_pass_with_their_equals_and_in_as_few_as_can_be(
    token_ids: dict[int, list[int]], together: int
) -> None:
    groups = [*equal_lengths(token_ids, token_ids, together)]
    assert sorted(sentence for group in groups for sentence in group) == sorted(token_ids)
    lengths = [len(token_ids[group[0]]) for group in groups]
    assert lengths == sorted(lengths)
    for group, length in zip(groups, lengths, strict=True):
        assert all(len(token_ids[sentence]) == length for sentence in group)
        assert len(group) == 1 or len(group) * length <= together
    for length, number in Counter(map(len, token_ids.values())).items():
        assert lengths.count(length) == math.ceil(number / max(1, together // length))


# What is stored.


@pytest.mark.parametrize(
    "name", ["random-gelu", "random-relu-begin", "bytes-gelu-begin", "planted-relu"]
)
def test_shades_are_the_coefficients_of_a_forward_pass_by_hand(
    mined: Mined, loaded: Loaded, checkpoint: ByName, name: str
) -> None:
    lines = MULTI_BYTE if name.startswith("bytes") else mixed_lines()
    oracle = Oracle(checkpoint(name), lines)
    run = mined(name, lines, sign="both")
    shade(run, lambda: loaded(name), keys_per_layer=4)
    triggers = run.triggers()
    rows = stored(run).merge(triggers[triggers["sign"] == 1], on=["layer", "key", "rank"])
    assert len(rows) == len(stored(run)) > 30
    for row in rows.itertuples():
        alone = oracle.coefficients[row.sentence_id][row.layer, : row.position + 1, row.key]
        np.testing.assert_allclose(row.coefficients, alone, rtol=1e-5, atol=2e-6)
        assert row.coefficients[-1] == row.coefficient  # to the bit


def test_every_positive_trigger_of_the_sampled_keys_is_stored_in_order(
    mined: Mined, loaded: Loaded
) -> None:
    run = mined("random-gelu", mixed_lines(), sign="both", layers=[0, 2])
    report = shade(run, lambda: loaded("random-gelu"), keys_per_layer=5, seed=3)
    triggers = run.triggers()
    positive = triggers[triggers["sign"] == 1]
    counts = positive.groupby(["layer", "key"]).size()
    places = ["layer", "key", "rank"]
    sampled = {
        (layer, key)
        for layer in (0, 2)
        for key in sampled_keys(counts[layer][counts[layer] >= 3].index.to_numpy(), layer, 3)[:5]
    }
    wanted = positive[[place in sampled for place in positive[["layer", "key"]].apply(tuple, 1)]]
    pd.testing.assert_frame_equal(
        stored(run)[places], wanted[places].reset_index(drop=True), check_dtype=False
    )
    assert report == ShadeReport(added_keys=10, present_keys=0, prefixes=len(wanted))


def test_columns_and_types_are_those_of_the_contract(mined: Mined, loaded: Loaded) -> None:
    run = mined("random-relu", mixed_lines())
    shade(run, lambda: loaded("random-relu"), keys_per_layer=1)
    found = pq.read_schema(run.path / "shading.parquet")
    assert [(field.name, str(field.type).replace("element", "item")) for field in found] == [
        ("layer", "int16"),
        ("key", "int32"),
        ("rank", "int16"),
        ("coefficients", "list<item: float>"),
    ]
    assert list(SCHEMAS["shading"].names) == found.names


def test_keys_with_too_few_triggers_for_a_pattern_are_passed_over(
    mined: Mined, loaded: Loaded
) -> None:
    run = mined("planted-relu", ["the cat", "a cat", "bird cat", "dog", "the dog"])
    shade(run, lambda: loaded("planted-relu"), keys_per_layer=100)
    counts = run.keys().set_index(["layer", "key"])["triggers"]
    assert (counts == 1).any() or (counts == 2).any()
    assert keys_of(stored(run)) == set(counts[counts >= 3].index)


def test_a_run_in_which_no_key_fires_often_enough_gets_no_shades(mined: Mined) -> None:
    run = mined("planted-relu", ["the cat"])
    assert shade(run, never) == ShadeReport(0, 0, 0)
    assert run.shading() is None


def test_one_layers_shades_can_be_read_by_themselves(mined: Mined, loaded: Loaded) -> None:
    run = mined("random-gelu", mixed_lines())
    assert run.shading(1) is None
    shade(run, lambda: loaded("random-gelu"), keys_per_layer=2)
    one = run.shading(1)
    assert one is not None and set(one["layer"]) == {1}
    assert len(one) == (stored(run)["layer"] == 1).sum()
    assert run.shading(7).empty  # type: ignore[union-attr]


def test_the_model_runs_each_sentence_once_and_no_deeper_than_it_has_to(
    mined: Mined, loaded: Loaded
) -> None:
    name = "random-gelu"
    run = mined(name, mixed_lines(), layers=[0, 1])
    tokens = [0, 0, 0]

    def counting(layer: int) -> Callable[[object, tuple[object, ...]], None]:
        def count(_: object, inputs: tuple[object, ...]) -> None:
            tokens[layer] += inputs[0][..., 0].numel()  # type: ignore[index]

        return count

    hooks = [
        block.register_forward_pre_hook(counting(layer))
        for layer, block in enumerate(loaded(name).model.h)  # type: ignore[union-attr, arg-type]
    ]
    heard: list[tuple[int, int]] = []
    shade(run, lambda: loaded(name), progress=lambda *now: heard.append(now))
    for hook in hooks:
        hook.remove()
    rows = stored(run).merge(run.triggers(), on=["layer", "key", "rank"])
    lengths = run.sentences()["token_ids"].map(len)
    needed = lengths[rows["sentence_id"].unique()].sum()
    deep = lengths[rows.loc[rows["layer"] == 1, "sentence_id"].unique()].sum()
    assert heard[-1] == (needed, needed)
    assert [done for done, _ in heard] == sorted({done for done, _ in heard})
    # A few short sentences are fed over again, to fill the least that is fed.
    assert needed <= tokens[0] < needed + 32 * len(heard)
    assert deep <= tokens[1] < tokens[0]
    assert tokens[2] == 0


# Adding to it.


def test_what_was_shaded_stays_and_is_not_run_again(mined: Mined, loaded: Loaded) -> None:
    run = mined("random-gelu", mixed_lines())

    def load() -> LoadedModel:
        return loaded("random-gelu")

    shade(run, load, keys_per_layer=3, seed=0)
    first = stored(run)
    bytes_before = (run.path / "shading.parquet").read_bytes()
    assert shade(run, never, keys_per_layer=2, seed=0) == ShadeReport(0, 6, 0)
    assert (run.path / "shading.parquet").read_bytes() == bytes_before

    report = shade(run, load, keys_per_layer=5, seed=0)
    assert (report.added_keys, report.present_keys) == (6, 9)
    shade(run, load, keys_per_layer=5, seed=1)
    every = stored(run)
    assert keys_of(first) < keys_of(every)
    order = every[["layer", "key", "rank"]]
    assert order.equals(order.sort_values(["layer", "key", "rank"], ignore_index=True))
    assert not order.duplicated().any()
    both = first.merge(every, on=["layer", "key", "rank"], suffixes=("_first", "_now"))
    assert len(both) == len(first)
    for row in both.itertuples():
        np.testing.assert_array_equal(row.coefficients_first, row.coefficients_now)


def test_the_manifest_and_the_tables_stay_as_they_were(mined: Mined, loaded: Loaded) -> None:
    run = mined("random-relu", mixed_lines())
    before = contents(run.path)
    shade(run, lambda: loaded("random-relu"), keys_per_layer=2)
    after = contents(run.path)
    assert after.keys() - before.keys() == {"shading.parquet"}
    assert {name: after[name] for name in before} == before


def test_a_run_that_somebody_writes_is_left_alone(mined: Mined) -> None:
    run = mined("random-relu", mixed_lines())
    with FileLock(run.path / LOCK), pytest.raises(RunFolderError, match="another process"):
        shade(run, never)
    assert run.shading() is None


def test_a_failure_half_way_leaves_what_was_there(mined: Mined, loaded: Loaded) -> None:
    run = mined("random-relu", mixed_lines())
    shade(run, lambda: loaded("random-relu"), keys_per_layer=1)
    before = contents(run.path)

    def interrupted(_done: int, _expected: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shade(run, lambda: loaded("random-relu"), keys_per_layer=3, progress=interrupted)
    assert contents(run.path) == before
