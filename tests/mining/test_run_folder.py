"""The run folder holds what its contract says, and is whole or absent."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from checkpoints import IGNORED, Checkpoint
from corpora import MULTI_BYTE, mixed_lines
from tokenizers import Tokenizer

from mining.corpus import open_corpus
from mining.errors import RunFolderError
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel
from mining.run_folder import RunFolder

Mined = Callable[..., RunFolder]
ByName = Callable[[str], Checkpoint]
Loaded = Callable[[str], LoadedModel]


def schema_of(run: RunFolder, table: str) -> dict[str, str]:
    schema = pq.read_schema(run.path / f"{table}.parquet")
    # What an element of a list is called is Parquet's own business.
    return {field.name: re.sub(r"list<\w+: ", "list<", str(field.type)) for field in schema}


def test_a_run_holds_three_tables_and_a_manifest_and_nothing_else(mined: Mined) -> None:
    run = mined("planted-relu", mixed_lines())
    assert {path.name for path in run.path.iterdir()} == {
        "manifest.json",
        "sentences.parquet",
        "triggers.parquet",
        "keys.parquet",
    }


def test_columns_and_types_are_those_of_the_contract(mined: Mined) -> None:
    run = mined("planted-relu", ["the cat", "dog"])
    assert schema_of(run, "sentences") == {
        "sentence_id": "int64",
        "document_id": "int64",
        "text": "string",
        "token_ids": "list<int32>",
        "token_ends": "list<int32>",
    }
    triggers = schema_of(run, "triggers")
    assert triggers.pop("sign", "int8") == "int8"
    assert triggers == {
        "layer": "int16",
        "key": "int32",
        "rank": "int16",
        "coefficient": "float",
        "sentence_id": "int64",
        "position": "int32",
        "next_token_id": "int32",
        "prefix": "string",
        "next_token": "string",
    }
    keys = schema_of(run, "keys")
    assert list(keys) == ["layer", "key", "triggers", "active_share", "mean", "max", "min"]
    assert {keys[name] for name in ("active_share", "mean", "max", "min")} == {"float"}


def test_triggers_are_sorted_by_layer_key_sign_and_rank(mined: Mined) -> None:
    rows = mined("random-gelu", mixed_lines(), sign="both").triggers()
    order = rows.assign(sign=-rows["sign"])[["layer", "key", "sign", "rank"]]
    assert list(order.itertuples(index=False)) == sorted(order.itertuples(index=False))
    assert set(rows["sign"]) == {1, -1}


def test_there_is_a_row_for_every_key_of_every_mined_layer(mined: Mined) -> None:
    keys = mined("random-gelu", mixed_lines(), layers=[0, 2]).keys()
    places = list(zip(keys["layer"], keys["key"], strict=True))
    assert places == [(layer, key) for layer in (0, 2) for key in range(40)]
    assert not keys.isna().any(axis=None)


def test_sentences_are_exactly_those_that_triggers_use(mined: Mined) -> None:
    lines = mixed_lines()
    run = mined("planted-relu", lines, top_k=2, layers=[1])
    used = set(run.triggers()["sentence_id"])
    sentences = run.sentences()
    assert 0 < len(used) < len(lines)
    assert sorted(used) == list(sentences.index)
    assert list(sentences["text"]) == [lines[i] for i in sentences.index]


@pytest.mark.parametrize("name", ["bytes-relu", "bytes-gelu-begin", "random-relu-begin"])
def test_a_prefix_is_the_text_up_to_its_last_tokens_end(mined: Mined, name: str) -> None:
    lines = mixed_lines() if name.startswith("random") else MULTI_BYTE
    run = mined(name, lines, per_sentence="all", top_k=50)
    sentences = run.sentences()
    for row in run.triggers().itertuples():
        sentence = sentences.loc[row.sentence_id]
        assert row.prefix == sentence["text"][: sentence["token_ends"][row.position]]
        last = row.position + 1 == len(sentence["token_ids"])
        assert row.next_token_id == (-1 if last else sentence["token_ids"][row.position + 1])
        if last:
            assert row.next_token == ""


@pytest.mark.parametrize("name", ["bytes-relu", "bytes-gelu-begin"])
def test_token_ends_are_character_offsets_also_where_characters_are_split(
    mined: Mined, checkpoint: ByName, name: str
) -> None:
    tokenizer = Tokenizer.from_file(str(checkpoint(name).folder / "tokenizer.json"))
    split = 0
    run = mined(name, MULTI_BYTE, per_sentence="all", top_k=1000)
    assert len(run.sentences()) > 8
    for sentence in run.sentences().itertuples():
        ids, ends, text = list(sentence.token_ids), list(sentence.token_ends), sentence.text
        assert ids == tokenizer.encode(text, add_special_tokens=False).ids
        assert len(ends) == len(ids) and ends == sorted(ends) and ends[-1] == len(text)
        for position, end in enumerate(ends):
            # Byte-level BPE loses nothing: the tokens so far spell the text so far, but for a
            # character whose bytes are still to come, which counts as part of the prefix.
            spelt = tokenizer.decode(ids[: position + 1], skip_special_tokens=False)
            whole = spelt.rstrip("\ufffd")
            split += spelt != whole
            assert text[:end] == whole or text[: end - 1] == whole == text[: len(whole)]
    assert split > 5


@pytest.mark.parametrize("name", ["bytes-relu", "random-relu"])
def test_the_next_token_is_named_as_it_is_written(
    mined: Mined, checkpoint: ByName, name: str
) -> None:
    lines = mixed_lines() if name.startswith("random") else MULTI_BYTE
    run = mined(name, lines, per_sentence="all", top_k=50)
    sentences = run.sentences()
    seen = 0
    for row in run.triggers().itertuples():
        if row.next_token_id == -1:
            continue
        ends = sentences.loc[row.sentence_id, "token_ends"]
        written = sentences.loc[row.sentence_id, "text"][
            ends[row.position] : ends[row.position + 1]
        ]
        if written.strip() and not set(written) & {IGNORED} and written.isascii():
            assert row.next_token.strip() == written.strip()
            seen += 1
        assert "\ufffd" not in row.prefix
    assert seen > 50


def test_token_ids_and_ends_are_those_of_the_sentences_own_text(
    mined: Mined, checkpoint: ByName
) -> None:
    tokenizer = Tokenizer.from_file(str(checkpoint("random-relu-begin").folder / "tokenizer.json"))
    run = mined("random-relu-begin", mixed_lines())
    for row in run.sentences().itertuples():
        own = tokenizer.encode(row.text, add_special_tokens=False)
        assert list(row.token_ids) == own.ids
        assert list(row.token_ends) == [end for _, end in own.offsets]


def test_document_ids_are_the_corpus_own(loaded: Loaded, tmp_path: Path) -> None:
    source = tmp_path / "corpus.txt"
    source.write_text("a cat sat . the dog ran .\n\nbird\n", encoding="utf-8")
    mine(loaded("random-relu"), open_corpus(str(source)), tmp_path / "run", MiningOptions())
    sentences = RunFolder.open(tmp_path / "run").sentences()
    assert list(sentences["document_id"]) == [0, 0, 1]
    assert list(sentences["text"]) == ["a cat sat .", "the dog ran .", "bird"]


def test_the_manifest_says_what_the_run_was_made_from(mined: Mined, checkpoint: ByName) -> None:
    run = mined("random-gelu", ["the cat", f"{IGNORED}", "a unheard dog"], top_k=7, sign="both")
    stored = json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))
    expected = {
        "schema": 1,
        "architecture": "GPT2LMHeadModel",
        "layers": 3,
        "mined_layers": [0, 1, 2],
        "d_model": 24,
        "d_ff": 40,
        "activation": "gelu_new",
        "gated": False,
        "bos": False,
        "top_k": 7,
        "per_sentence": "one",
        "sign": "both",
        "dtype": "float32",
        "device": "cpu",
    }
    assert {name: stored[name] for name in expected} == expected
    for digest in ("weights_sha256", "tokenizer_sha256", "corpus_sha256"):
        assert re.fullmatch("[0-9a-f]{64}", stored[digest])
    for text in ("model", "corpus", "ranked"):
        assert isinstance(stored[text], str) and stored[text]
    assert str(stored["corpus"]).endswith(".txt")
    assert {"torch", "transformers", "tokenizers"} <= set(stored["versions"])
    assert isinstance(stored["command_line"], list) and isinstance(stored["seed"], int)
    assert stored["wall_seconds"] > 0 and stored["tokens_per_second"] > 0
    assert stored["model_revision"] is None or isinstance(stored["model_revision"], str)


def test_the_manifest_counts_what_was_read_and_what_was_passed_over(mined: Mined) -> None:
    lines = ["the cat", IGNORED, "a unheard dog", " ".join(["red"] * 40)]
    manifest = mined("random-relu", lines).manifest
    counts = {reason: count for reason, count in manifest.skipped.items() if count}
    assert counts == {
        "empty_sentences": 1,
        "special_token_positions": 1,  # the unknown word
        "sentences_split": 1,
    }
    assert manifest.sentences == 5
    assert manifest.tokens == 2 + 3 + 40


def test_digests_follow_the_text_and_the_weights(mined: Mined) -> None:
    first = mined("random-relu", ["the cat", "a dog"]).manifest
    same = mined("random-relu", ["the cat", "", "a dog"]).manifest
    turned = mined("random-relu", ["a dog", "the cat"]).manifest
    joined = mined("random-relu", ["the cat a", "dog"]).manifest
    other = mined("random-relu-begin", ["the cat", "a dog"]).manifest
    assert first.corpus_sha256 == same.corpus_sha256
    assert len({first.corpus_sha256, turned.corpus_sha256, joined.corpus_sha256}) == 3
    assert first.weights_sha256 == turned.weights_sha256 != other.weights_sha256
    assert first.tokenizer_sha256 == turned.tokenizer_sha256 != other.tokenizer_sha256


def test_the_manifest_is_written_after_every_table(mined: Mined) -> None:
    run = mined("random-relu", mixed_lines())
    written = {path.name: path.stat().st_mtime_ns for path in run.path.iterdir()}
    assert written["manifest.json"] == max(written.values())


def test_one_key_can_be_read_by_itself(mined: Mined) -> None:
    run = mined("random-relu", mixed_lines())
    every = run.triggers()
    one = run.triggers(layer=1, key=5)
    wanted = every[(every["layer"] == 1) & (every["key"] == 5)].reset_index(drop=True)
    assert len(one) > 3
    pd.testing.assert_frame_equal(one.reset_index(drop=True), wanted)


# What RunFolder.open refuses.


def test_what_is_no_folder_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    for name in ("nowhere", "file"):
        with pytest.raises(RunFolderError, match=f"{name} is not a folder"):
            RunFolder.open(tmp_path / name)


def test_a_folder_without_a_manifest_is_no_complete_run(mined: Mined) -> None:
    run = mined("planted-relu", ["the cat"])
    (run.path / "manifest.json").unlink()
    with pytest.raises(RunFolderError, match=r"manifest\.json"):
        RunFolder.open(run.path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "schema None"),
        (b'"text"', "schema None"),
        (b'{"schema": 2}', "schema 2"),
        (b'{"schema": 1}', "incomplete"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_refused(mined: Mined, content: bytes, said: str) -> None:
    run = mined("planted-relu", ["the cat"])
    (run.path / "manifest.json").write_bytes(content)
    with pytest.raises(RunFolderError, match=said):
        RunFolder.open(run.path)


def test_a_manifest_of_a_later_version_with_more_fields_is_read(mined: Mined) -> None:
    run = mined("planted-relu", ["the cat"])
    path = run.path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "later": 1}))
    assert RunFolder.open(run.path).manifest == run.manifest


@pytest.mark.parametrize("damage", [b"", b"PAR1 is not enough", None])
def test_a_damaged_or_missing_table_is_refused_by_name(mined: Mined, damage: bytes | None) -> None:
    run = mined("planted-relu", ["the cat"])
    for table, read in (
        ("triggers", run.triggers),
        ("keys", run.keys),
        ("sentences", run.sentences),
    ):
        path = run.path / f"{table}.parquet"
        path.unlink() if damage is None else path.write_bytes(damage)
        with pytest.raises(RunFolderError, match=rf"{table}\.parquet"):
            read()
