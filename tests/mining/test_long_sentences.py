"""A sentence or a word longer than the context is cut into parts that fit and lose nothing."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stumbling_texts import FEW, TEXT
from tiny_models import Case, tiny_model
from tokenizer_kinds import TOKENIZERS, bpe, metaspace, unigram
from transformers import PreTrainedTokenizerFast

from mining.errors import CorpusError
from mining.models import load_model
from mining.reading import fit
from mining.run_folder import RunFolder

ByName = Callable[[str], Case]
Run = Callable[..., RunFolder]


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(FEW, max_examples=10)
@given(texts=st.lists(TEXT, min_size=1, max_size=5), room=st.sampled_from([8, 9, 13]))
def test_a_sentence_too_long_is_cut_into_parts_that_fit_and_lose_nothing(
    case: ByName, name: str, texts: list[str], room: int
) -> None:
    loaded = replace(case(name).loaded, context=room + len(case(name).loaded.lead_ids))
    encode = loaded.tokenizer.backend_tokenizer.encode
    texts = [*texts, "".join(texts) * 3]
    parts, token_ids, owners = fit(loaded, texts)
    assert owners == sorted(owners)
    for owner, text in enumerate(texts):
        own = [part for part, of in zip(parts, owners, strict=True) if of == owner]
        if len(encode(text, add_special_tokens=False).ids) <= room:
            assert own == [text]
        else:
            assert len(own) > 1
        assert not any(part != part.strip() for part in own)
        assert "".join("".join(own).split()) == "".join(text.split())
    for part, ids in zip(parts, token_ids, strict=True):
        assert len(ids) <= room
        assert list(ids) == encode(part, add_special_tokens=False).ids


@pytest.mark.parametrize("name", ["bytes-begin", "llama", "unigram-never", "word-piece"])
def test_sentences_that_were_split_are_counted_once(case: ByName, run: Run, name: str) -> None:
    loaded = replace(case(name).loaded, context=12)
    long = "日本語 the cat sat on the mat and the dog ran 😀 to the river"
    found = run(loaded, ["the cat", long, "the dog", long + " x"], per_sentence="all")
    assert found.manifest.skipped["sentences_split"] == 2
    assert found.manifest.sentences >= 6
    sentences = found.sentences()
    assert all(len(ids) <= loaded.room for ids in sentences["token_ids"])
    assert list(sentences["document_id"]) == sorted(sentences["document_id"])
    whole = "".join("".join(sentences.loc[sentences["document_id"] == 1, "text"]).split())
    assert whole == "".join(long.split())  # every part has a trigger


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("bytes", "abcdefghi9"),
        ("bpe-always", "東京の川日本語のテキ"),
        ("unigram-bytes", "東京の川日本語のテキ"),
        ("word-piece", "abcdefghi9"),
    ],
)
def test_a_word_of_a_hundred_thousand_characters_is_read_to_its_end(
    case: ByName, name: str, word: str
) -> None:
    loaded = replace(case(name).loaded, context=8)
    parts, token_ids, owners = fit(loaded, ["the cat", word * 10_000, "the dog"])
    assert "".join(parts[1:-1]) == word * 10_000
    assert max(map(len, token_ids)) <= loaded.room
    assert owners[:2] == [0, 1] and owners[-2:] == [1, 2]


def test_a_word_of_a_hundred_thousand_characters_is_mined(case: ByName, run: Run) -> None:
    loaded = replace(case("bpe-always").loaded, context=8)
    text = "日本語のテ" * 20_000
    found = run(loaded, ["the cat", text], layers=[0], top_k=3)
    assert found.manifest.skipped["sentences_split"] == 1
    assert found.manifest.tokens >= len(text) / len("▁日本語のテキスト")
    assert all(len(ids) <= 8 for ids in found.sentences()["token_ids"])


def test_a_run_of_unknown_characters_longer_than_the_context_is_split(case: ByName) -> None:
    # Unigram makes one unknown of the whole run and gives each of its bytes all of its characters.
    loaded = replace(case("unigram-bytes").loaded, context=16)
    unknown = "ㄅㄆㄇㄈㄉㄊㄋㄌ" * 3
    parts, token_ids, _ = fit(loaded, [unknown])
    assert "".join(parts) == unknown
    assert max(map(len, token_ids)) <= 16


def folder_with(tokenizer: PreTrainedTokenizerFast, folder: Path) -> Path:
    tiny_model(len(tokenizer), llama=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_a_sentence_of_long_words_that_fits_the_context_is_not_split(tmp_path: Path) -> None:
    # A token of 27 characters: nine of them are longer than a context of 16 at 8 characters each.
    word = "donaudampfschiffahrtskunde"
    tokenizer = bpe(metaspace("always"), lines=[f"{word} {word}"] * 20)
    loaded = load_model(str(folder_with(tokenizer, tmp_path / "model")), device="cpu")
    loaded = replace(loaded, context=16)
    text = " ".join([word] * 9)
    whole = tokenizer(text)["input_ids"]
    assert len(whole) <= 16
    parts, token_ids, owners = fit(loaded, [text])
    assert (parts, [*map(list, token_ids)], owners) == ([text], [whole], [0])


def test_a_part_never_ends_within_a_token_of_the_whole_sentence(tmp_path: Path) -> None:
    word = "donaudampfschiffahrtskunde"
    tokenizer = bpe(metaspace("always"), lines=[f"{word} {word}"] * 20)
    loaded = load_model(str(folder_with(tokenizer, tmp_path / "model")), device="cpu")
    loaded = replace(loaded, context=8)
    text = " ".join([word] * 50)
    parts, token_ids, _ = fit(loaded, [text])
    assert [*map(len, token_ids)] == [8] * 6 + [2]
    assert [*chain.from_iterable(token_ids)] == tokenizer(text)["input_ids"]
    assert " ".join(parts) == text


def test_a_context_too_short_for_one_character_is_said_in_a_line(tmp_path: Path) -> None:
    folder = folder_with(unigram("always", byte_fallback=True), tmp_path / "model")
    loaded = replace(load_model(str(folder), device="cpu"), context=2)
    with pytest.raises(CorpusError, match="too short for one character") as refused:
        fit(loaded, ["😃😃😃"])
    assert "\n" not in str(refused.value)
