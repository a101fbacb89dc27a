"""Whatever the tokenizer: prefixes are pieces of the sentence, and the model was fed as trained.

Expected values come from the tokenizer called as a user calls it, from how each one was made, and
from the transformers model run on one sentence alone.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from more_checkpoints import (
    TOKENIZERS,
    bpe,
    coefficients_alone,
    lines_of,
    metaspace,
    save_kind,
    tiny_model,
    unigram,
)
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import bytes_to_unicode

from mining.corpus import Sentence
from mining.errors import CorpusError
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel, load_model
from mining.reading import fit
from mining.run_folder import RunFolder
from mining.trigger_tables import read_again


@dataclass(frozen=True)
class Case:
    """A checkpoint as mining loads it, and the same as transformers does."""

    loaded: LoadedModel
    whole: PreTrainedModel
    leads: list[int]
    ends: list[int]


ByName = Callable[[str], Case]

# Words the tokenizers know, others, and what tokenizers stumble over: compositions and their parts,
# compatibility characters, lower case that is longer, joined emoji, right-to-left and odd spaces.
PIECES = [
    "the", " cat", " sat", " on", "Zürich", "İstanbul", "STRASSE", "ﬁ", "㎢", "Ａ", "ｆｕｌｌ", "½",
    "日本語", "東京の川", " 東京の川", "の", "e\u0301", "é", "n\u0303a", "\u1112\u1161\u11ab",
    "한국", "שלום", "مرحبا", "\u200f", "👩\u200d👩\u200d👧", "👍🏽", "🇩🇪", "😀", "  ", "\t", " ",
    "\u00a0", "\u3000", "\u200b", "'s", "…", "x", "@-@", "<unk>", " <mask>", "<s>",
    "<|endoftext|>", "▁", "Ġ", "<0x41>", "\u00ad",
]  # fmt: skip
KNOWN = "the cat sat 東京の川"  # something of it is a token of every one of them
TEXT = (
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=9)
    .map(lambda pieces: "".join(pieces).strip())
    .filter(bool)
)
FEW = settings(
    max_examples=3, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> ByName:
    made: dict[str, Case] = {}

    def by_name(name: str) -> Case:
        if name not in made:
            kind = TOKENIZERS[name]
            folder = save_kind(kind, tmp_path_factory.mktemp(name) / name)
            loaded = load_model(str(folder), device="cpu")
            ids = loaded.tokenizer.get_vocab()
            whole = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
            made[name] = Case(
                loaded, whole, [ids[one] for one in kind.leads], [ids[one] for one in kind.ends]
            )
        return made[name]

    return by_name


def mined(loaded: LoadedModel, texts: list[str], folder: Path, **options: object) -> RunFolder:
    corpus = lines_of(folder / "texts.txt", texts)
    mine(loaded, corpus, folder / "run", MiningOptions(**options))
    return RunFolder.open(folder / "run")


@pytest.mark.parametrize("name", TOKENIZERS)
def test_what_is_fed_before_a_sentence_is_what_the_tokenizer_puts_there(
    case: ByName, name: str
) -> None:
    loaded, tokenizer = case(name).loaded, case(name).loaded.tokenizer
    assert list(loaded.lead_ids) == case(name).leads
    for text in ("a sentence", "the cat sat", "日本の川", "Qq", "<s> a", "x"):
        own = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer(text)["input_ids"] == [*loaded.lead_ids, *own, *case(name).ends]


def alone(case: Case, text: str) -> tuple[list[int], list[int], torch.Tensor]:
    """A sentence's own ids, character ends and [layers, tokens, keys], fed as a user would."""
    fed = case.loaded.tokenizer(text, return_offsets_mapping=True)
    own = slice(len(case.leads), len(fed["input_ids"]) - len(case.ends))
    ends = np.maximum.accumulate([end for _, end in fed["offset_mapping"]][own])
    coefficients = coefficients_alone(case.whole, fed["input_ids"])[:, own]
    return fed["input_ids"][own], ends.tolist(), coefficients


@pytest.mark.parametrize("name", TOKENIZERS)
@FEW
@given(texts=st.lists(TEXT, min_size=1, max_size=6), batch_tokens=st.sampled_from([1, 1000]))
def test_every_prefix_and_its_next_token_are_a_piece_of_the_sentence(
    case: ByName, name: str, texts: list[str], batch_tokens: int
) -> None:
    loaded, texts = case(name).loaded, [KNOWN, *texts]
    options = {"top_k": 200, "per_sentence": "all", "sign": "both", "batch_tokens": batch_tokens}
    with tempfile.TemporaryDirectory() as folder:
        run = mined(loaded, texts, Path(folder), **options)
        sentences, rows, keys = run.sentences(), run.triggers(), run.keys()
    special = set(loaded.tokenizer.all_special_ids)
    ranked = []
    for sentence_id, text in enumerate(texts):
        ids, ends, coefficients = alone(case(name), text)
        ranked.append(coefficients[:, [token not in special for token in ids]])
        of_sentence = rows[rows["sentence_id"] == sentence_id]
        if not len(of_sentence):  # only repetitions, or special tokens
            continue
        assert sentences.loc[sentence_id, "text"] == text
        assert sentences.loc[sentence_id, "token_ids"].tolist() == ids
        assert sentences.loc[sentence_id, "token_ends"].tolist() == ends
        assert ends[0] >= 0 and ends[-1] <= len(text)
        expected = coefficients[
            [*of_sentence["layer"]], [*of_sentence["position"]], [*of_sentence["key"]]
        ]  # fmt: skip
        np.testing.assert_allclose(of_sentence["coefficient"], expected, rtol=1e-5, atol=1e-5)
        columns = ["position", "next_token_id", "prefix", "next_token"]
        for position, next_id, prefix, next_token in set(
            of_sentence[columns].itertuples(index=False, name=None)
        ):
            assert text.startswith(prefix + next_token)
            assert len(prefix) == ends[position]
            assert len(prefix + next_token) == [*ends, ends[-1]][position + 1]
            assert next_id == [*ids, -1][position + 1]
            assert ids[position] not in special
    # What every key did over the corpus, at every token of the text but the special ones.
    over_all = torch.cat(ranked, 1).double()
    for column, expected in (
        ("active_share", (over_all > 0).double().mean(1)), ("mean", over_all.mean(1)),
        ("max", over_all.amax(1)), ("min", over_all.amin(1)),
    ):  # fmt: skip
        np.testing.assert_allclose(keys[column], expected.flatten(), rtol=1e-5, atol=1e-5)


def test_a_tokenizer_that_counts_back_does_not_take_text_back() -> None:
    encoding = SimpleNamespace(ids=[5, 6, 7, 8], offsets=[(0, 1), (1, 4), (1, 2), (4, 5)])
    backend = SimpleNamespace(encode_batch=lambda texts, add_special_tokens: [encoding])
    loaded = SimpleNamespace(tokenizer=SimpleNamespace(backend_tokenizer=backend))
    read = read_again(loaded, [Sentence(3, 0, "abcde")])
    assert read[3].token_ends.tolist() == [1, 4, 4, 5]


@pytest.mark.parametrize("name", [n for n, kind in TOKENIZERS.items() if kind.bytes_as_letters])
@settings(FEW, max_examples=5)
@given(text=TEXT)
def test_a_byte_level_prefix_is_the_bytes_fed_and_no_more_than_the_character_they_end_in(
    case: ByName, name: str, text: str
) -> None:
    loaded = case(name).loaded
    letters = {letter: byte for byte, letter in bytes_to_unicode().items()}
    with tempfile.TemporaryDirectory() as folder:
        run = mined(loaded, [text, "the cat"], Path(folder), top_k=200, per_sentence="all")
        sentences, rows = run.sentences(), run.triggers()
    for sentence_id, position, prefix in set(
        rows[["sentence_id", "position", "prefix"]].itertuples(index=False, name=None)
    ):
        ids = sentences.loc[sentence_id, "token_ids"][: position + 1]
        fed = b"".join(
            token.encode() if token == "<|endoftext|>" else bytes(letters[one] for one in token)
            for token in loaded.tokenizer.convert_ids_to_tokens(ids)
        )
        shown = prefix.encode()
        assert shown.startswith(fed)
        assert len(shown[len(fed) :].decode(errors="ignore")) == 0  # the rest of one character


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
        assert ids == encode(part, add_special_tokens=False).ids


@pytest.mark.parametrize("name", ["bytes-begin", "llama", "unigram-never", "word-piece"])
def test_sentences_that_were_split_are_counted_once(
    case: ByName, name: str, tmp_path: Path
) -> None:
    loaded = replace(case(name).loaded, context=12)
    long = "日本語 the cat sat on the mat and the dog ran 😀 to the river"
    run = mined(loaded, ["the cat", long, "the dog", long + " x"], tmp_path, per_sentence="all")
    assert run.manifest.skipped["sentences_split"] == 2
    assert run.manifest.sentences >= 6
    sentences = run.sentences()
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


def test_a_word_of_a_hundred_thousand_characters_is_mined(case: ByName, tmp_path: Path) -> None:
    loaded = replace(case("bpe-always").loaded, context=8)
    text = "日本語のテ" * 20_000
    run = mined(loaded, ["the cat", text], tmp_path, layers=[0], top_k=3)
    assert run.manifest.skipped["sentences_split"] == 1
    assert run.manifest.tokens >= len(text) / len("▁日本語のテキスト")
    assert all(len(ids) <= 8 for ids in run.sentences()["token_ids"])


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
    assert fit(loaded, [text]) == ([text], [whole], [0])


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
