"""Rounding decides nothing: near ties end with each sentence's own float32 numbers.

The models here are built for trouble: coefficients that are what is left of large terms, and
prefixes that differ by nothing but the order in which a processor adds.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import WORDS, Checkpoint, random_checkpoint, word_tokenizer
from comparison import BATCHES, EVERYTHING, assert_all_the_same
from corpora import mixed_lines
from oracle import Oracle
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    BloomForCausalLM,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
)

from mining.models import LoadedModel, load_model
from mining.run_folder import RunFolder

Run = Callable[..., RunFolder]


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Checkpoint]:
    """A random GPT-2 after a change to its weights."""
    saved: dict[str, Checkpoint] = {}

    def by_change(change: Callable[[GPT2LMHeadModel], None], activation: str) -> Checkpoint:
        if change.__name__ not in saved:
            folder = tmp_path_factory.mktemp(change.__name__) / "model"
            saved[change.__name__] = random_checkpoint(
                folder, word_tokenizer(), activation=activation
            )
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
            with torch.no_grad():
                change(model)
            model.save_pretrained(folder)
        return saved[change.__name__]

    return by_change


def assert_brute_force_up_to_rounding(
    run: RunFolder, oracle: Oracle, *, top_k: int, per_sentence: str
) -> None:
    """What is listed has its own coefficient; what is not, rounding apart, has no claim to be."""
    rows = run.triggers()
    ranked = set(oracle.ranked_positions())
    for layer, key in np.ndindex(oracle.layers, oracle.keys):
        rounding = 1e-6 * float(oracle.scale[layer, key])
        listed = rows[(rows["layer"] == layer) & (rows["key"] == key)]
        places = list(zip(listed["sentence_id"], listed["position"], strict=True))
        for (sentence, position), coefficient in zip(places, listed["coefficient"], strict=True):
            alone = oracle.coefficients[sentence][layer, position, key]
            assert abs(coefficient - alone) <= rounding
        order = list(
            zip(-listed["coefficient"], listed["sentence_id"], listed["position"], strict=True)
        )
        assert order == sorted(order)
        holders = {tuple(oracle.token_ids[s][: p + 1]): s for s, p in places}
        assert len(holders) == len(places) <= top_k
        last = float(listed["coefficient"].iloc[-1]) if len(places) == top_k else 0.0
        for sentence, ids in enumerate(oracle.token_ids):
            values = oracle.coefficients[sentence][layer, :, key].astype(np.float64)
            values[[p for p in range(len(ids)) if (sentence, p) not in ranked]] = -np.inf
            listed_here = [p for s, p in places if s == sentence]
            best = float(values.max(initial=-np.inf))
            if per_sentence == "one":
                assert all(values[p] >= best - 2 * rounding for p in listed_here)
                claims = [np.flatnonzero(values >= best - 2 * rounding)] if not listed_here else []
            else:
                claims = [np.array([p]) for p in range(len(ids)) if p not in listed_here]
            for claim in claims:  # of several a rounding apart, one that another holds is enough
                holds = [holders.get(tuple(ids[: p + 1]), sentence) < sentence for p in claim]
                assert any(holds) or values[claim].max(initial=-np.inf) <= last + 2 * rounding


def small_remainders(model: GPT2LMHeadModel) -> None:
    """An outlier dimension, as trained models have it, that the keys' biases just make up for."""
    for block in model.transformer.h:
        block.ln_2.bias[0] = 100.0
        block.mlp.c_fc.weight[0] = 5.0
        block.mlp.c_fc.bias.fill_(-500.0)


def no_positions(model: GPT2LMHeadModel) -> None:
    """After "ha", the model knows no difference between "ha" and "ha ha ha"."""
    model.transformer.wpe.weight.zero_()


# -- near ties --------------------------------------------------------------------------------


@pytest.mark.parametrize("per_sentence", ["one", "all"])
@pytest.mark.parametrize(
    ("top_k", "batches"), [(25, BATCHES), (500, (150, EVERYTHING))], ids=["best", "every"]
)
def test_coefficients_that_are_small_remainders_of_large_terms_keep_their_order(
    changed: Callable[..., Checkpoint],
    run: Run,
    top_k: int,
    batches: Sequence[int],
    per_sentence: str,
) -> None:
    checkpoint = changed(small_remainders, "gelu_new")
    lines = mixed_lines(seed=11, sentences=28, longest=8)
    oracle = Oracle(checkpoint, lines)
    assert len(oracle.ranked_positions()) < 500  # so that every one of them has a place
    loaded = load_model(str(checkpoint.folder), device="cpu")
    runs = [
        run(loaded, lines, top_k=top_k, per_sentence=per_sentence, batch_tokens=tokens)
        for tokens in batches
    ]
    assert_brute_force_up_to_rounding(runs[0], oracle, top_k=top_k, per_sentence=per_sentence)
    assert_all_the_same(runs)


def repeated(words: Sequence[str] = WORDS) -> list[str]:
    """ "ha ha", "ho ho ho ho ho" and so on, some with something after it."""
    draw = random.Random(1)
    return [
        " ".join([word] * (2 + 3 * (number % 5)) + draw.choices(WORDS, k=number % 4))
        for number, word in enumerate(words)
    ]


def near_ties(oracle: Oracle) -> int:
    """How many coefficients lie a rounding, but not nothing, above another of their sentence."""
    count = 0
    for of_sentence in oracle.coefficients:
        above = np.diff(np.sort(of_sentence, axis=1), axis=1)
        count += int(((above > 0) & (above < 1e-6) & (of_sentence[:, 1:] > 0)).sum())
    return count


@pytest.mark.parametrize("per_sentence", ["one", "all"])
@pytest.mark.parametrize("words", [WORDS, WORDS[:6] * 4], ids=["apart", "alike"])
def test_prefixes_a_rounding_apart_are_told_apart_alike_in_every_batch(
    changed: Callable[..., Checkpoint], run: Run, words: list[str], per_sentence: str
) -> None:
    # Where sentences begin alike, which of "ha ha" and "ha ha ha" a sentence offers says whether
    # it repeats another one; and up to 14 of them crowd about the last place.
    checkpoint = changed(no_positions, "relu")
    lines = repeated(words)
    oracle = Oracle(checkpoint, lines)
    assert near_ties(oracle) > 500
    loaded = load_model(str(checkpoint.folder), device="cpu")
    runs = [
        run(loaded, lines, per_sentence=per_sentence, batch_tokens=tokens) for tokens in BATCHES
    ]
    assert_brute_force_up_to_rounding(runs[0], oracle, top_k=25, per_sentence=per_sentence)
    assert_all_the_same(runs)


def bloom(vocabulary: int) -> PreTrainedModel:
    return BloomForCausalLM(
        BloomConfig(vocab_size=vocabulary, hidden_size=16, n_layer=2, n_head=2)
    )  # fmt: skip


def llama(vocabulary: int) -> PreTrainedModel:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2,
        )
    )  # fmt: skip


@pytest.mark.parametrize("make", [bloom, llama])
def test_models_with_relative_positions_only(
    make: Callable[[int], PreTrainedModel], run: Run, tmp_path: Path
) -> None:
    tokenizer = word_tokenizer()
    torch.manual_seed(3)
    model = make(len(tokenizer))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" not in name:
                weight.normal_(std=0.3)
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    loaded = load_model(str(tmp_path / "model"), device="cpu")
    lines = repeated(WORDS[:20] * 2)
    runs = [run(loaded, lines, sign="both", batch_tokens=tokens) for tokens in BATCHES]
    assert_all_the_same(runs)


# -- the price --------------------------------------------------------------------------------


class Counting(nn.Module):
    """A model that counts its forward passes."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.passes = 0

    def forward(self, input_ids: torch.Tensor, use_cache: bool) -> object:
        self.passes += 1
        return self.model(input_ids=input_ids, use_cache=use_cache)


@pytest.mark.parametrize(("sign", "share"), [("positive", 0.1), ("both", 0.5)])
def test_few_sentences_of_an_ordinary_model_are_run_again(
    loaded: Callable[[str], LoadedModel], run: Run, sign: str, share: float
) -> None:
    # With "both", GELU's least value is what the most negative coefficients of each key all but
    # reach; even so, not every sentence is.
    counting = Counting(loaded("random-gelu").model)
    lines = mixed_lines(seed=13, sentences=500)
    found = run(replace(loaded("random-gelu"), model=counting), lines, sign=sign)
    assert len(found.sentences()) > 300
    of_one_length = 32  # batches at most that the pass itself has
    assert counting.passes <= of_one_length + share * len(found.sentences())
