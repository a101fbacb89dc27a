"""What others rely on of `analyse`: columns, order, seeds, what is left out, what is not redone."""

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from analysed_runs import FEW, LINES, Mined, mined_at, table
from checkpoints import random_checkpoint, word_tokenizer

from mining.analyse import analyse
from mining.corpus import open_corpus
from mining.errors import CorpusError, KeyholeError, ModelError
from mining.models import load_model
from mining.run_folder import SCHEMAS, RunFolder

Analyses = Callable[[str], Mined]
PARTS = ("values", "removal", "composition")
TABLES = {
    "values": {
        "layer": "int16", "key": "int32", "top_token_ids": "list<int32>",
        "top_tokens": "list<string>", "top_probabilities": "list<float>",
        "next_token_rank": "int32", "agrees": "bool", "agrees_any": "bool",
        "max_probability": "float",
    },
    "predictive_values": {
        "layer": "int16", "key": "int32", "top_token": "string", "max_probability": "float",
        "matching_share": "float", "triggers": "int32", "top_token_id": "int32",
    },
    "removal": {
        "layer": "int16", "key": "int32", "rank": "int16", "removed": "string",
        "coefficient": "float", "coefficient_after": "float",
    },
    "composition": {
        "layer": "int16", "sample": "int32", "sentence_id": "int64", "position": "int32",
        "active_share": "float", "zero_agreement": "bool", "residual_matches": "bool",
        "residual_probability": "float", "category": "string",
    },
}  # fmt: skip


@pytest.fixture
def one(analyses: Analyses) -> Mined:
    return analyses("gpt2")


def described(kind: pa.DataType) -> str:
    return f"list<{kind.value_type}>" if pa.types.is_list(kind) else str(kind)


def bytes_of(run: RunFolder) -> dict[str, bytes]:
    return {name: (run.path / f"{name}.parquet").read_bytes() for name in TABLES}


def done(run: RunFolder) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = RunFolder.open(run.path).manifest.extra["analyses"]
    return found


def test_columns_and_their_types_are_the_contracts(one: Mined) -> None:
    run = one.analysed()
    for name, columns in TABLES.items():
        for schema in (pq.read_schema(run.path / f"{name}.parquet"), SCHEMAS[name]):
            assert [*zip(schema.names, map(described, schema.types), strict=True)] == [
                *columns.items()
            ], name


def test_rows_are_in_order(one: Mined) -> None:
    run = one.analysed()
    for name, order in (
        ("values", ["layer", "key"]),
        ("removal", ["layer", "key", "rank", "removed"]),
        ("composition", ["layer", "sample"]),
    ):
        rows = table(run, name)[order]
        assert len(rows)
        pd.testing.assert_frame_equal(rows, rows.sort_values(order, ignore_index=True))
    surest = table(run, "predictive_values")["max_probability"]
    assert surest.is_monotonic_decreasing


def test_a_seed_decides_every_byte(one: Mined) -> None:
    runs = [one.fresh() for _ in range(3)]
    for run, seed in zip(runs, (3, 3, 4), strict=True):
        analyse(run, one.loaded, **FEW, seed=seed)
    first, again, other = map(bytes_of, runs)
    assert first == again
    assert {name for name in TABLES if first[name] != other[name]} == {"removal", "composition"}


def test_no_hook_stays_in_the_model(one: Mined) -> None:
    one.analysed()
    modules = list(one.loaded.model.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in modules)


@pytest.mark.parametrize("part", PARTS)
def test_only_what_was_asked_for_is_written(one: Mined, part: str) -> None:
    run = one.fresh()
    analyse(run, one.loaded, **FEW, only=(part,))
    written = {name for name in TABLES if (run.path / f"{name}.parquet").exists()}
    expected = {part, "predictive_values"} if part == "values" else {part}
    assert written == expected
    assert done(run).keys() == {part}
    assert not [*run.path.glob("*.partial")]


def test_the_manifest_gains_the_analyses_and_nothing_else(one: Mined) -> None:
    run = one.fresh()
    before = json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))
    analyse(run, one.loaded, **FEW)
    after = json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))
    parts = after["extra"].pop("analyses")
    assert after == before
    assert parts.keys() == set(PARTS)
    vocabulary = one.oracle().vocabulary
    assert parts["values"]["chance"] == pytest.approx(1 / vocabulary)
    for part in PARTS:
        assert parts[part]["settings"]
        assert parts[part]["seconds"] >= 0


def test_prefixes_of_one_token_are_counted_where_they_are_left_out(one: Mined) -> None:
    run = one.analysed()
    rows = table(run, "removal")
    left_out = sum(
        trigger.position == 0
        for layer, key in set(zip(rows["layer"], rows["key"], strict=True))
        for trigger in one.triggers(layer, key, 50)
    )
    assert left_out > 0
    assert left_out in done(run)["removal"]["counts"].values()  # type: ignore[attr-defined]


def test_what_is_there_with_the_same_settings_is_not_done_again(one: Mined) -> None:
    run = one.fresh()
    analyse(run, one.loaded, **FEW, only=("values", "removal"))
    kept = (run.path / "values.parquet").stat().st_mtime_ns
    said: list[str] = []
    analyse(RunFolder.open(run.path), one.loaded, **FEW, notice=said.append)
    assert (run.path / "values.parquet").stat().st_mtime_ns == kept
    assert done(run).keys() == set(PARTS)
    assert "values" in " ".join(said)
    first = table(run, "removal")
    analyse(RunFolder.open(run.path), one.loaded, **FEW, seed=1)
    assert not first.equals(table(run, "removal"))  # other settings
    (run.path / "values.parquet").unlink()
    analyse(RunFolder.open(run.path), one.loaded, **FEW, seed=1)
    assert (run.path / "values.parquet").exists()


def test_another_variant_is_done_anew(one: Mined) -> None:
    run = one.fresh()
    analyse(run, one.loaded, **FEW)
    analyse(RunFolder.open(run.path), one.loaded, **FEW, variant="folded")
    folded = bytes_of(one.analysed(variant="folded"))
    assert bytes_of(run) == folded


@pytest.mark.parametrize(
    "wrong",
    [
        {"only": ("valeus",)}, {"variant": "twisted"}, {"seed": -1}, {"prefixes": 0},
        {"keys_per_layer": 0},
    ],
)  # fmt: skip
def test_a_mistake_is_refused_and_nothing_is_written(one: Mined, wrong: dict[str, object]) -> None:
    run = one.fresh()
    with pytest.raises(KeyholeError):
        analyse(run, one.loaded, **{**FEW, **wrong})
    assert not any((run.path / f"{name}.parquet").exists() for name in TABLES)


def test_another_model_is_refused(one: Mined, tmp_path: Path) -> None:
    other = random_checkpoint(tmp_path / "m", word_tokenizer(begin=True), memories=64, seed=99)
    loaded = load_model(str(other.folder), device="cpu", readout=True)
    with pytest.raises(ModelError):
        analyse(one.fresh(), loaded, **FEW)


def test_a_corpus_that_has_changed_is_refused(one: Mined, tmp_path: Path) -> None:
    mine = mined_at(tmp_path, one.checkpoint, LINES, top_k=3)
    (tmp_path / "corpus.txt").write_text("the cat sat", encoding="utf-8")
    for part in ("removal", "composition"):
        with pytest.raises(CorpusError):
            analyse(mine.fresh(), one.loaded, **FEW, only=(part,))


def test_composition_of_another_corpus(one: Mined, tmp_path: Path) -> None:
    validation = tmp_path / "validation.txt"
    validation.write_text("the cat sat\na dog <unk> ran\n", encoding="utf-8")
    run = one.fresh()
    chosen = open_corpus(str(validation))
    analyse(run, one.loaded, only=("composition",), corpus=chosen)
    rows = table(run, "composition").query("layer == 0")
    places = {*zip(rows["sentence_id"], rows["position"], strict=True)}
    assert places == {(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 3)}


def test_only_mined_layers_and_sentences_are_analysed(one: Mined, tmp_path: Path) -> None:
    some = mined_at(tmp_path, one.checkpoint, LINES, layers=[1], max_sentences=9)
    run = some.analysed(prefixes=1_000)
    for name in TABLES:
        assert set(table(run, name)["layer"]) == {1}
    assert len(table(run, "values")) == 64
    assert set(table(run, "composition")["sentence_id"]) == {*range(9)}
    whole = table(one.analysed(prefixes=1_000), "composition").query("layer == 1")
    at = ["sentence_id", "position"]
    few, all_of_it = (
        frame.drop(columns="sample").set_index(at).sort_index()
        for frame in (table(run, "composition"), whole)
    )
    pd.testing.assert_frame_equal(few, all_of_it.loc[few.index], rtol=1e-4)


def test_a_vocabulary_of_fewer_than_ten_words(tmp_path: Path) -> None:
    checkpoint = random_checkpoint(tmp_path / "m", word_tokenizer(["cat", "dog"]), memories=8)
    few = mined_at(tmp_path / "few", checkpoint, ["cat dog", "dog dog cat"])
    rows = table(few.analysed(), "values")
    assert set(rows["top_token_ids"].map(len)) == {6}
    assert rows["top_probabilities"].map(sum).to_numpy() == pytest.approx(1.0)


def test_words_of_the_head_that_the_tokenizer_does_not_know(one: Mined, tmp_path: Path) -> None:
    # A head is often padded to a round number of rows; an idle row may well win.
    tokenizer = word_tokenizer(["cat", "dog", "bird", "mat", "red", "old"])
    checkpoint = random_checkpoint(tmp_path / "wide", tokenizer, memories=8)
    narrow = word_tokenizer(["cat", "dog"])
    narrow.save_pretrained(checkpoint.folder)
    wide = mined_at(tmp_path / "run of it", checkpoint, ["cat dog", "dog dog cat"])
    rows = table(wide.analysed(), "values")
    assert max(rows["top_token_ids"].map(max)) == 9
    assert all(isinstance(word, str) for words in rows["top_tokens"] for word in words)
