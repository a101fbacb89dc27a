"""Whatever the tokenizer: prefixes are pieces of the sentence, and the model was fed as trained.

Expected values come from the tokenizer called as a user calls it, from how each one was made, and
from the transformers model run on one sentence alone.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from corpora import lines_of
from hypothesis import given, settings
from hypothesis import strategies as st
from stumbling_texts import FEW, TEXT
from tiny_models import Case, coefficients_alone
from tokenizer_kinds import TOKENIZERS
from transformers.convert_slow_tokenizer import bytes_to_unicode

from mining.corpus import Sentence
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel
from mining.run_folder import RunFolder
from mining.trigger_tables import read_again

ByName = Callable[[str], Case]

KNOWN = "the cat sat 東京の川"  # something of it is a token of every one of them


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
