"""Shadings and value tokens: what mining adds to a run folder, now or later, reaches the rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from runs import MinedKey, write_run
from sqlalchemy import Engine
from sqlmodel import select

from annotations.claims import open_key
from annotations.database import session
from annotations.importer import import_run
from annotations.people import add_annotator
from annotations.queries import KeyPage, key_page, layers, progress
from annotations.queue import assign, next_key, open_to_everybody
from annotations.search import Wanted, find_keys, has_value_tokens
from annotations.tables import Key, Layer
from mining.additions import account
from mining.errors import ClaimedError, RunFolderError
from mining.run_folder import SCHEMAS, RunFolder
from mining.sampled_keys import sampled_keys

MINED = [MinedKey(layer, key, triggers=3) for layer in (0, 1) for key in range(6)]
Place = tuple[int, int]  # layer, key


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """2 layers of 6 keys with 3 triggers each."""
    return write_run(tmp_path / "run", MINED)


def shade(run: RunFolder, places: Sequence[Place]) -> None:
    """What `mining shade` stores for these keys."""
    triggers = run.triggers()
    chosen = [
        row
        for row in triggers.to_dict("records")
        if (row["layer"], row["key"]) in places and row["sign"] > 0
    ]
    columns = {name: [row[name] for row in chosen] for name in ("layer", "key", "rank")}
    coefficients = [expected_shading(row) for row in chosen]
    table = pa.table(columns | {"coefficients": coefficients}, schema=SCHEMAS["shading"])
    pq.write_table(table, run.path / "shading.parquet")


def expected_shading(row: Mapping[str, int]) -> tuple[float, ...]:
    """Numbers that 32 bits hold exactly, other ones for each prefix and token."""
    first = row["layer"] + row["key"] / 8 - row["rank"] / 64
    return tuple(first + token / 1024 for token in range(row["position"] + 1))


def analyse(run: RunFolder, tokens: Mapping[Place, Sequence[str]]) -> None:
    """What `mining analyse` stores of values, as far as it is read here."""
    rows = sorted(tokens.items())
    table = {
        "layer": pa.array([layer for (layer, _), _ in rows], pa.int16()),
        "key": pa.array([key for (_, key), _ in rows], pa.int32()),
        "top_tokens": pa.array([list(found) for _, found in rows], pa.list_(pa.string())),
        "agrees": pa.array([True] * len(rows)),
    }
    pq.write_table(pa.table(table), run.path / "values.parquet")


def bring_in(engine: Engine, run: RunFolder, keys_per_layer: int = 2) -> int:
    with session(engine) as s:
        return import_run(run, session=s, keys_per_layer=keys_per_layer).run_id


def pages(engine: Engine) -> dict[Place, KeyPage]:
    with session(engine, read_only=True) as s:
        found = [key_page(session=s, key_id=key) for key in s.exec(select(Key.id))]
    return {(page.layer, page.key): page for page in found}


def shadings(engine: Engine, run: RunFolder) -> dict[Place, set[bool]]:
    """Key → whether its prefixes have the shading that mining stored (none: nothing at all)."""
    positions = {
        (row["layer"], row["key"], row["rank"]): row for row in run.triggers().to_dict("records")
    }
    found = {}
    for place, page in pages(engine).items():
        for prefix in page.prefixes:
            expected = expected_shading(positions[*place, prefix.rank])
            assert prefix.shading in (None, expected)
            assert len(expected) == len(prefix.token_ends)
        found[place] = {prefix.shading is not None for prefix in page.prefixes}
    return found


def drawn(layer: int, count: int) -> list[Place]:
    """The first keys that an import with seed 0 draws."""
    return [(layer, int(key)) for key in sampled_keys(np.arange(6), layer, 0)[:count]]


# Shadings


def test_every_prefix_gets_the_coefficients_that_mining_stored_for_it(
    engine: Engine, run: RunFolder
) -> None:
    shade(run, [(key.layer, key.key) for key in MINED])
    bring_in(engine, run)
    found = shadings(engine, run)
    assert sorted(found) == sorted(drawn(0, 2) + drawn(1, 2))
    assert set(map(frozenset, found.values())) == {frozenset({True})}


def test_a_key_that_was_not_shaded_is_imported_without(engine: Engine, run: RunFolder) -> None:
    shaded, bare = drawn(0, 1), drawn(0, 2)[1:] + drawn(1, 2)
    shade(run, shaded)
    bring_in(engine, run)
    assert shadings(engine, run) == {place: {place in shaded} for place in shaded + bare}


def test_importing_again_after_shading_fills_what_was_imported_before(
    engine: Engine, run: RunFolder
) -> None:
    bring_in(engine, run)
    assert set(map(frozenset, shadings(engine, run).values())) == {frozenset({False})}
    shade(run, drawn(0, 2))
    bring_in(engine, run)
    assert shadings(engine, run) == {
        place: {place[0] == 0} for place in drawn(0, 2) + drawn(1, 2)
    }  # fmt: skip
    shade(run, drawn(0, 3) + drawn(1, 3))
    bring_in(engine, run, keys_per_layer=3)
    found = shadings(engine, run)
    assert (len(found), set(map(frozenset, found.values()))) == (6, {frozenset({True})})


def test_what_is_shaded_already_stays_when_the_file_is_gone(engine: Engine, run: RunFolder) -> None:
    shade(run, drawn(0, 2) + drawn(1, 2))
    bring_in(engine, run)
    (run.path / "shading.parquet").unlink()
    bring_in(engine, run)
    assert set(map(frozenset, shadings(engine, run).values())) == {frozenset({True})}


def test_negative_triggers_are_neither_imported_nor_shaded(engine: Engine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "both signs", [MinedKey(0, key, 3, negative=2) for key in range(6)])
    shade(run, [(0, key) for key in range(6)])
    bring_in(engine, run)
    assert {len(page.prefixes) for page in pages(engine).values()} == {3}


@pytest.mark.parametrize("damage", [lambda n: n[:-1], lambda n: [*n[:-1], float("nan")]])
def test_a_shading_that_does_not_fit_its_prefix_is_refused(
    engine: Engine, run: RunFolder, damage: Callable[[list[float]], list[float]]
) -> None:
    shade(run, drawn(1, 1))
    rows = pq.read_table(run.path / "shading.parquet").to_pylist()
    rows[0]["coefficients"] = damage(rows[0]["coefficients"])
    damaged = pa.Table.from_pylist(rows, schema=SCHEMAS["shading"])
    pq.write_table(damaged, run.path / "shading.parquet")
    with pytest.raises(RunFolderError, match="the shading of layer 1 does not fit"):
        bring_in(engine, run)
    assert pages(engine) == {}


@pytest.mark.parametrize("name", ["shading", "values"])
def test_a_file_that_cannot_be_read_is_named(engine: Engine, run: RunFolder, name: str) -> None:
    (run.path / f"{name}.parquet").write_text("nothing of the kind", encoding="utf-8")
    with pytest.raises(RunFolderError, match=rf"{name}\.parquet cannot be read"):
        bring_in(engine, run)
    assert pages(engine) == {}


# Value tokens


def test_value_tokens_arrive_in_their_order_and_keep_what_looks_like_their_separator(
    engine: Engine, run: RunFolder
) -> None:
    (first,), (second,) = drawn(0, 1), drawn(1, 1)
    given = [" the", "\n", "a\0b", "\n\n", '"', "�", "日本", " a\tb\r", ""]
    analyse(run, {first: given, second: ["x"]})
    run_id = bring_in(engine, run)
    found = pages(engine)
    assert found[first].value_tokens == (
        " the", "␊", "a␀b", "␊␊", '"', "�", "日本", " a\tb\r", "",
    )  # fmt: skip
    assert found[second].value_tokens == ("x",)
    assert found[drawn(0, 2)[1]].value_tokens == ()
    with session(engine, read_only=True) as s:
        how = {"session": s, "run_id": run_id, "viewer_id": 1}
        (key,), _ = find_keys(**how, wanted=Wanted(value_token="THE"))
    assert (key.layer, key.key) == first


def test_importing_again_after_analysing_fills_what_was_imported_before(
    engine: Engine, run: RunFolder
) -> None:
    run_id = bring_in(engine, run)
    with session(engine, read_only=True) as s:
        assert not has_value_tokens(session=s, run_id=run_id)
    every = {(key.layer, key.key): [f"of {key.layer} {key.key}"] for key in MINED}
    analyse(run, every)
    bring_in(engine, run)
    (run.path / "values.parquet").unlink()
    bring_in(engine, run)  # and what is known stays
    found = pages(engine)
    assert {place: page.value_tokens for place, page in found.items()} == {
        place: tuple(every[place]) for place in drawn(0, 2) + drawn(1, 2)
    }


def test_another_analysis_of_the_same_run_replaces_what_was_known(
    engine: Engine, run: RunFolder
) -> None:
    places = drawn(0, 2) + drawn(1, 2)
    analyse(run, {place: ["plain"] for place in places})
    first = bring_in(engine, run)
    analyse(run, {place: ["folded"] if place[0] else ["plain"] for place in places})
    account(run.path, "values", {"settings": {"variant": "folded"}})
    assert bring_in(engine, run) == first  # the manifest has changed, and it is the same run
    assert {place: page.value_tokens for place, page in pages(engine).items()} == {
        place: ("folded",) if place[0] else ("plain",) for place in places
    }


# An assigned run


def test_keys_that_are_added_to_an_assigned_run_wait_for_an_assignment(
    engine: Engine, run: RunFolder
) -> None:
    run_id = bring_in(engine, run, keys_per_layer=1)
    with session(engine) as s:
        ada = add_annotator(session=s, name="Ada").id
        assign(session=s, run_id=run_id, overlap=2)
    bring_in(engine, run, keys_per_layer=3)
    first = drawn(0, 1) + drawn(1, 1)
    with session(engine, read_only=True) as s:
        wanted = {
            (layer, key): n for layer, key, n in s.exec(select(Key.layer, Key.key, Key.wanted))
        }
    every = drawn(0, 3) + drawn(1, 3)
    assert wanted == dict.fromkeys(every, 0) | dict.fromkeys(first, 2)
    added = next(page.id for place, page in pages(engine).items() if place not in first)
    with pytest.raises(ClaimedError), session(engine) as s:
        open_key(session=s, annotator_id=ada, key_id=added)
    with session(engine) as s:
        open_to_everybody(session=s, run_id=run_id)
    bring_in(engine, run, keys_per_layer=4)
    with session(engine, read_only=True) as s:
        assert set(s.exec(select(Key.wanted))) == {None}
        assert next_key(session=s, run_id=run_id, annotator_id=ada) is not None


def test_the_counts_of_layers_follow_every_import(engine: Engine, tmp_path: Path) -> None:
    mined = [MinedKey(0, key) for key in range(2)] + [MinedKey(5, key) for key in range(9)]
    run = write_run(tmp_path / "uneven", mined)
    for asked, expected in ((1, {0: 1, 5: 1}), (4, {0: 2, 5: 4}), (4, {0: 2, 5: 4})):
        run_id = bring_in(engine, run, keys_per_layer=asked)
        with session(engine, read_only=True) as s:
            counted = dict(s.exec(select(Layer.layer, Layer.keys)).all())
            shown = progress(session=s, run_id=run_id, annotator_id=1)
            assert layers(session=s, run_id=run_id) == [0, 5]
        assert counted == expected
        assert [(row.layer, row.keys) for row in shown] == sorted(expected.items())
