"""Tiny checkpoints, saved as transformers saves them, for tests to mine.

A *random* checkpoint is a GPT-2 of a few thousand weights. In a *planted* one the test decides
which key fires on which word: attention and the values are switched off, so every layer reads the
bare word, and each key has one non-zero weight, so no sum can be reordered by batching and
coefficients must come out bitwise equal however the sentences are batched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

UNKNOWN, BEGIN, PAD, END = "<unk>", "<s>", "<pad>", "</s>"
IGNORED = "¤"  # the word tokenizer drops this character: a sentence of nothing else has no tokens
WORDS = (
    "the a cat dog bird sat ran flew on under mat tree house red blue old new and or but "
    "one two three four five six seven eight nine ten river stone light dark"
).split()


@dataclass(frozen=True)
class Checkpoint:
    """A saved checkpoint and what the oracle must know of it without asking our own code."""

    folder: Path
    begins_with: tuple[int, ...]  # ids that the tokenizer feeds before each sentence by default
    special_ids: frozenset[int]
    context: int  # tokens, those of `begins_with` included


def word_tokenizer(
    words: Iterable[str] = WORDS, *, begin: bool = False, end: bool = False
) -> PreTrainedTokenizerFast:
    """One token a word between white space; `begin` and `end` add specials by default."""
    vocabulary = {token: i for i, token in enumerate([UNKNOWN, BEGIN, PAD, END, *words])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    inner.normalizer = normalizers.Replace(IGNORED, "")
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    template = f"{BEGIN + ' ' if begin else ''}$A{' ' + END if end else ''}"
    if begin or end:
        inner.post_processor = processors.TemplateProcessing(
            single=template, special_tokens=[(BEGIN, 1), (END, 3)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        unk_token=UNKNOWN,
        bos_token=BEGIN,
        pad_token=PAD,
        eos_token=END,
    )


def byte_tokenizer(texts: Sequence[str], *, begin: bool = False) -> PreTrainedTokenizerFast:
    """Byte-level BPE as GPT-2 has it: characters may be split over tokens; no padding token."""
    only_special = "<|endoftext|>"
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=[only_special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(list(texts) * 5, trainer)
    if begin:
        inner.post_processor = processors.TemplateProcessing(
            single=f"{only_special} $A", special_tokens=[(only_special, 0)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        unk_token=only_special,
        bos_token=only_special,
        eos_token=only_special,
    )


def random_checkpoint(
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    *,
    activation: str = "relu",
    layers: int = 2,
    width: int = 16,
    memories: int = 24,
    context: int = 32,
    seed: int = 0,
) -> Checkpoint:
    """Save a random GPT-2. Of each layer key 0 is dead; key 1 is below zero on every token."""
    torch.manual_seed(seed)
    model = _empty_gpt2(tokenizer, activation, layers, width, memories, context, heads=2)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.3)  # large enough that attention moves every coefficient
        for block in model.transformer.h:
            block.ln_1.weight.fill_(1.0)
            block.ln_2.weight.fill_(1.0)
            block.mlp.c_fc.weight[:, :2] = 0.0
            block.mlp.c_fc.bias[0] = -50.0
            block.mlp.c_fc.weight[0, 1] = 0.01
            block.mlp.c_fc.bias[1] = -1.0
    return _save(folder, model, tokenizer)


@dataclass(frozen=True)
class Fires:
    """A planted key: how strongly each word moves it, from -1 to 1; other words: `otherwise`."""

    on: Mapping[str, float]
    otherwise: float = -1.0


@dataclass(frozen=True)
class Constant:
    """A planted key whose coefficient is f(`value`) on every token: everything is an exact tie."""

    value: float


def planted_checkpoint(
    folder: Path,
    plan: Sequence[Sequence[Fires | Constant]],
    *,
    activation: str = "relu",
    words: Sequence[str] = WORDS,
    begin: bool = False,
    end: bool = False,
    context: int = 32,
) -> Checkpoint:
    """Save a GPT-2 whose layer i has the keys of plan[i]; each layer is filled up to 32 dead keys.

    Each word's embedding holds one number a key, its negative (so that the layer norm's mean is
    zero) and a remainder (so that all words have the same variance); words with equal numbers have
    equal rows. 32 keys fill whole vector registers, so GELU too is computed alike in any batch.
    """
    tokenizer = word_tokenizer(words, begin=begin, end=end)
    firing = [
        (layer, index, key)
        for layer, keys in enumerate(plan)
        for index, key in enumerate(keys)
        if isinstance(key, Fires)
    ]
    width = 2 * len(firing) + 2
    model = _empty_gpt2(tokenizer, activation, len(plan), width, 32, context, heads=1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.zero_()
        for token, row in tokenizer.get_vocab().items():
            strengths = [key.on.get(token, key.otherwise) for _, _, key in firing]
            rest = (len(firing) + 1 - sum(s * s for s in strengths)) ** 0.5
            numbers = [*strengths, rest, *(-s for s in strengths), -rest]
            model.transformer.wte.weight[row] = torch.tensor(numbers)
        for block in model.transformer.h:
            block.ln_2.weight.fill_(1.0)
        for column, (layer, index, _) in enumerate(firing):
            model.transformer.h[layer].mlp.c_fc.weight[column, index] = 1.0
        for layer, keys in enumerate(plan):
            for index, key in enumerate(keys):
                if isinstance(key, Constant):
                    model.transformer.h[layer].mlp.c_fc.bias[index] = key.value
    return _save(folder, model, tokenizer)


def _empty_gpt2(
    tokenizer: PreTrainedTokenizerFast,
    activation: str,
    layers: int,
    width: int,
    memories: int,
    context: int,
    heads: int,
) -> GPT2LMHeadModel:
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=context,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        n_inner=memories,
        activation_function=activation,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    return GPT2LMHeadModel(config).eval()


def _save(folder: Path, model: GPT2LMHeadModel, tokenizer: PreTrainedTokenizerFast) -> Checkpoint:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    fed = tokenizer.backend_tokenizer.encode("the").ids
    bare = tokenizer.backend_tokenizer.encode("the", add_special_tokens=False).ids
    return Checkpoint(
        folder=folder,
        begins_with=tuple(fed[: fed.index(bare[0])]),
        special_ids=frozenset(tokenizer.all_special_ids),
        context=model.config.n_positions,
    )
