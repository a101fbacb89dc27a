"""From run folders to rows: which keys are drawn, in which turn, and what arrives."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from runs import SENTENCES, MinedKey, token_ends, write_run
from sqlalchemy import Engine
from sqlmodel import select

from annotations.database import session
from annotations.importer import ImportReport, import_run
from annotations.queries import key_page
from annotations.tables import Key, Prefix, Run
from mining.errors import AnnotationError, RunFolderError
from mining.run_folder import MANIFEST, RunFolder

MANY = [MinedKey(layer, key) for layer in (0, 1, 2) for key in range(12)]


def bring_in(engine: Engine, run: RunFolder, **how: object) -> ImportReport:
    with session(engine) as s:
        return import_run(run, session=s, **how)


def drawn(engine: Engine) -> list[tuple[int, int]]:
    """Layer and key of what was drawn, in order of turn."""
    with session(engine, read_only=True) as s:
        return [tuple(row) for row in s.exec(select(Key.layer, Key.key).order_by(Key.turn))]


def test_every_layer_gives_the_same_number_of_keys(engine: Engine, tmp_path: Path) -> None:
    report = bring_in(engine, write_run(tmp_path / "run", MANY), keys_per_layer=4)
    assert Counter(layer for layer, _ in drawn(engine)) == {0: 4, 1: 4, 2: 4}
    assert (report.added_keys, report.present_keys, report.layers) == (12, 0, 3)


def test_the_layers_take_turns_so_that_unfinished_work_is_balanced(
    engine: Engine, tmp_path: Path
) -> None:
    bring_in(engine, write_run(tmp_path / "run", MANY), keys_per_layer=4)
    assert [layer for layer, _ in drawn(engine)] == [0, 1, 2] * 4


def test_the_draw_is_not_simply_the_first_keys_nor_the_same_in_every_layer(
    engine: Engine, tmp_path: Path
) -> None:
    bring_in(engine, write_run(tmp_path / "run", MANY), keys_per_layer=6)
    by_layer = [[key for own, key in drawn(engine) if own == layer] for layer in (0, 1, 2)]
    assert len({tuple(keys) for keys in by_layer} | {tuple(range(6))}) == 4


def test_importing_again_adds_nothing(engine: Engine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", MANY)
    first = bring_in(engine, run, keys_per_layer=4)
    before = drawn(engine)
    again = bring_in(engine, run, keys_per_layer=4)
    assert (again.added_keys, again.present_keys, again.run_id) == (0, 12, first.run_id)
    assert drawn(engine) == before
    with session(engine, read_only=True) as s:
        assert len(s.exec(select(Prefix)).all()) == 12 * 5


def test_a_larger_sample_keeps_the_smaller_one_and_its_turns(
    engine: Engine, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", MANY)
    bring_in(engine, run, keys_per_layer=2)
    smaller = drawn(engine)
    report = bring_in(engine, run, keys_per_layer=5)
    assert drawn(engine)[: len(smaller)] == smaller
    assert (report.added_keys, report.present_keys) == (9, 6)


def test_extending_a_sample_gives_what_a_large_one_gives_at_once(
    engine: Engine, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", MANY)
    for keys_per_layer in (1, 3, 5):
        bring_in(engine, run, keys_per_layer=keys_per_layer)
    extended = drawn(engine)
    other = write_run(tmp_path / "other", MANY, model="another")
    other_id = bring_in(engine, other, keys_per_layer=5).run_id
    with session(engine, read_only=True) as s:
        wanted = select(Key.layer, Key.key).where(Key.run_id == other_id).order_by(Key.turn)
        assert [tuple(row) for row in s.exec(wanted)] == extended


def test_a_smaller_sample_afterwards_takes_nothing_away(engine: Engine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", MANY)
    bring_in(engine, run, keys_per_layer=5)
    report = bring_in(engine, run, keys_per_layer=2)
    assert (report.added_keys, report.present_keys) == (0, 6)
    assert len(drawn(engine)) == 15


def test_another_seed_draws_other_keys(engine: Engine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", MANY)
    bring_in(engine, run, keys_per_layer=4)
    assert bring_in(engine, run, keys_per_layer=4, seed=1).added_keys > 0


def test_dead_and_short_keys_are_passed_over_and_counted(engine: Engine, tmp_path: Path) -> None:
    keys = [MinedKey(0, key, triggers) for key, triggers in enumerate([0, 1, 2, 3, 4])]
    keys += [MinedKey(1, key, triggers=0) for key in range(3)]
    report = bring_in(engine, write_run(tmp_path / "run", keys))
    assert sorted(drawn(engine)) == [(0, 3), (0, 4)]
    assert (report.dead_keys, report.short_keys, report.added_keys) == (4, 2, 2)
    assert report.layers == 1


def test_a_run_of_dead_keys_only_is_imported_and_empty(engine: Engine, tmp_path: Path) -> None:
    report = bring_in(engine, write_run(tmp_path / "run", [MinedKey(0, 0, triggers=0)]))
    assert (report.added_keys, report.dead_keys, report.layers) == (0, 1, 0)


def test_negative_triggers_count_for_nothing_and_are_not_shown(
    engine: Engine, tmp_path: Path
) -> None:
    keys = [MinedKey(0, 0, triggers=3, negative=3), MinedKey(0, 1, triggers=0, negative=5)]
    report = bring_in(engine, write_run(tmp_path / "run", keys))
    assert (drawn(engine), report.dead_keys) == ([(0, 0)], 1)
    with session(engine, read_only=True) as s:
        assert [prefix.coefficient > 0 for prefix in s.exec(select(Prefix))] == [True] * 3


def test_a_prefix_arrives_with_its_text_its_tokens_and_what_came_next(
    engine: Engine, tmp_path: Path
) -> None:
    bring_in(engine, write_run(tmp_path / "run", [MinedKey(4, 7)]))
    with session(engine, read_only=True) as s:
        page = key_page(session=s, key_id=s.exec(select(Key.id)).one())
    assert (page.layer, page.key) == (4, 7)
    assert page.active_share == pytest.approx(5 / 7, rel=1e-7)
    assert [prefix.rank for prefix in page.prefixes] == [1, 2, 3, 4, 5]
    for prefix in page.prefixes:
        sentence = SENTENCES[prefix.sentence_id]
        assert prefix.sentence_id == (7 + prefix.rank) % 6
        assert prefix.position == (7 + 2 * prefix.rank) % len(token_ends(sentence))
        assert prefix.coefficient == pytest.approx(10 + 1 / prefix.rank, rel=1e-7)
        words = sentence.replace("\0", "␀").split(" ")
        assert prefix.text == " ".join(words[: prefix.position + 1])
        assert prefix.next_token.strip() == " ".join(words[prefix.position + 1 :][:1])
        assert len(prefix.token_ends) == prefix.position + 1
        starts = [0, *prefix.token_ends]
        tokens = [prefix.text[a:b] for a, b in zip(starts, prefix.token_ends, strict=False)]
        assert [token.strip() for token in tokens] == words[: prefix.position + 1]


def test_the_run_is_described_as_in_its_manifest(engine: Engine, tmp_path: Path) -> None:
    bring_in(engine, write_run(tmp_path / "a run", [MinedKey(0, 0)]))
    with session(engine, read_only=True) as s:
        run = s.exec(select(Run)).one()
    assert (run.name, run.model, run.corpus) == ("a run", "tiny", "by hand")
    assert (run.layers, run.d_ff, run.top_k) == (1, 8, 5)
    assert run.folder == str(tmp_path / "a run")


def test_a_run_that_was_moved_is_still_the_same_run(engine: Engine, tmp_path: Path) -> None:
    bring_in(engine, write_run(tmp_path / "here", MANY))
    shutil.move(tmp_path / "here", tmp_path / "there")
    report = bring_in(engine, RunFolder.open(tmp_path / "there"))
    assert (report.added_keys, report.name) == (0, "here")
    with session(engine, read_only=True) as s:
        assert s.exec(select(Run.folder)).one() == str(tmp_path / "there")


def test_two_runs_live_side_by_side(engine: Engine, tmp_path: Path) -> None:
    bring_in(engine, write_run(tmp_path / "a", MANY), keys_per_layer=1)
    report = bring_in(
        engine, write_run(tmp_path / "b", MANY, model="another"), keys_per_layer=1, name="second"
    )
    assert (report.added_keys, report.name) == (3, "second")


def test_a_name_that_another_run_has_is_refused_and_nothing_is_added(
    engine: Engine, tmp_path: Path
) -> None:
    bring_in(engine, write_run(tmp_path / "a" / "run", MANY), keys_per_layer=1)
    other = write_run(tmp_path / "b" / "run", MANY, model="another")
    with pytest.raises(AnnotationError, match=r"Another run is called run.*--name"):
        bring_in(engine, other)
    assert len(drawn(engine)) == 3


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "x" * 81, " padded"])
def test_a_name_that_cannot_be_shown_is_refused(engine: Engine, tmp_path: Path, name: str) -> None:
    with pytest.raises(AnnotationError, match="80 printable characters"):
        bring_in(engine, write_run(tmp_path / "run", MANY), name=name)


def test_a_run_cannot_be_renamed_by_importing_it_again(engine: Engine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", MANY)
    bring_in(engine, run)
    with pytest.raises(AnnotationError, match="already, as run"):
        bring_in(engine, run, name="other")


@pytest.mark.parametrize("how", [{"keys_per_layer": 0}, {"keys_per_layer": -1}, {"seed": -1}])
def test_an_impossible_sample_is_refused(
    engine: Engine, tmp_path: Path, how: dict[str, int]
) -> None:
    with pytest.raises(AnnotationError):
        bring_in(engine, write_run(tmp_path / "run", MANY), **how)
    assert drawn(engine) == []


def test_a_run_that_lacks_a_sentence_is_refused_and_nothing_is_added(
    engine: Engine, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", MANY)
    file = run.path / "sentences.parquet"
    pq.write_table(pq.read_table(file).slice(1), file)
    with pytest.raises(RunFolderError, match="lacks sentence 0"):
        bring_in(engine, run)
    assert drawn(engine) == []
    with session(engine, read_only=True) as s:
        assert s.exec(select(Run)).all() == []


def test_a_run_whose_manifest_differs_is_another_run(engine: Engine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", MANY)
    bring_in(engine, run)
    manifest = json.loads((run.path / MANIFEST).read_text(encoding="utf-8"))
    (run.path / MANIFEST).write_text(json.dumps(manifest | {"seed": 5}), encoding="utf-8")
    assert bring_in(engine, RunFolder.open(run.path), name="reseeded").added_keys == 30
