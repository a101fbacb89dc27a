"""Train the bundled model: `python -m mining.demo.train --tokens 15000000 --out FOLDER`.

A GPT-2 layout with ReLU, in bfloat16 autocast over float32 weights, one sentence a context, as
mining will read it. Its feed-forward keys are the point, so keys that stopped firing are pushed
back to life while training: a dead key has no trigger examples and nothing to label.
"""

import argparse
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors, trainers
from tokenizers.models import BPE
from torch.nn import functional
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from mining.demo import corpus

BOUNDARY = "<|endoftext|>"  # begins a sentence and ends it, as in GPT-2
LONGEST = 128  # tokens of one sentence, boundaries included
PHASES = "training.json"  # steps, tokens and epochs of each training that made a checkpoint
FIRING = 0.1  # a key whose highest pre-activation in a batch is below this counts as silent

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Recipe:
    """Everything the trained weights depend on besides the corpus."""

    layers: int = 8
    width: int = 192
    d_ff: int = 768
    heads: int = 6
    vocabulary: int = 4864
    tokens_per_batch: int = 6144
    peak_rate: float = 1.5e-3
    warmup: float = 0.03  # share of the training
    weight_decay: float = 0.1
    dropout: float = 0.1  # of the embeddings
    revival: float = 1e-3  # weight of the push on keys that fire nowhere in a batch
    seed: int = 0


def train_tokenizer(sentences: list[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE that puts a boundary token before each sentence by default."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[BOUNDARY],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(
                single=f"{BOUNDARY} $A",
                special_tokens=[(BOUNDARY, tokenizer.token_to_id(BOUNDARY))],
            ),
        ]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=BOUNDARY, eos_token=BOUNDARY, model_max_length=LONGEST
    )


def encode(tokenizer: PreTrainedTokenizerFast, sentences: list[str]) -> list[Ids]:
    """Token ids of each sentence between two boundaries, cut at LONGEST tokens."""
    boundary = tokenizer.bos_token_id
    encoded = tokenizer(sentences, add_special_tokens=False)["input_ids"]
    return [np.array([boundary, *ids[: LONGEST - 2], boundary], dtype=np.int64) for ids in encoded]


def batches(
    examples: list[Ids], tokens_per_batch: int, random: np.random.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """One epoch of (ids, targets) [sentences, length], of like lengths, in random order."""
    noise = random.uniform(0, 4, len(examples))
    order = np.argsort(np.array([len(example) for example in examples]) + noise)
    groups: list[list[int]] = [[]]
    for index in order:
        if (len(groups[-1]) + 1) * len(examples[index]) > tokens_per_batch:
            groups.append([])
        groups[-1].append(index)
    for group in random.permutation(np.array(groups, dtype=object)):
        length = max(len(examples[index]) for index in group)
        ids = np.zeros((len(group), length), dtype=np.int64)
        targets = np.full((len(group), length), -100, dtype=np.int64)
        for row, index in enumerate(group):
            example = examples[index]
            ids[row, : len(example)] = example
            targets[row, : len(example) - 1] = example[1:]
        yield torch.from_numpy(ids), torch.from_numpy(targets)


class KeyRevival:
    """Adds up, over the layers of one forward pass, how far each silent key is from firing."""

    def __init__(self, model: GPT2LMHeadModel) -> None:
        self.penalty = torch.zeros(())
        self._real: torch.Tensor | None = None  # [sentences, length], False at padding
        for block in model.transformer.h:
            block.mlp.c_fc.register_forward_hook(self._measure)

    def start(self, targets: torch.Tensor) -> None:
        """Begin a forward pass whose padding is where `targets` are -100."""
        self.penalty, self._real = torch.zeros(()), targets != -100

    def stop(self) -> None:
        """Measure nothing until the next start."""
        self._real = None

    def _measure(self, _module: object, _inputs: object, before_relu: torch.Tensor) -> None:
        if self._real is None:
            return
        padding = ~self._real[..., None]
        with torch.no_grad():
            highest = before_relu.masked_fill(padding, -torch.inf).amax(dim=(0, 1))
            silent = (highest < FIRING).nonzero().squeeze(1)
        if len(silent):
            nearest = before_relu[..., silent].masked_fill(padding, -torch.inf).amax(dim=(0, 1))
            self.penalty = self.penalty + (FIRING - nearest.float()).sum()


@torch.no_grad()
def perplexity(model: GPT2LMHeadModel, examples: list[Ids]) -> float:
    """exp of the mean negative log-likelihood a token, closing boundary included."""
    model.eval()
    loss, count = 0.0, 0
    for ids, targets in batches(examples, 8192, np.random.default_rng(0)):
        logits = model(ids).logits
        loss += float(
            functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
        )
        count += int((targets != -100).sum())
    model.train()
    return float(np.exp(loss / count))


def new_model(recipe: Recipe) -> GPT2LMHeadModel:
    """An untrained model of the recipe's shape."""
    torch.manual_seed(recipe.seed)
    config = GPT2Config(
        vocab_size=recipe.vocabulary, n_positions=LONGEST, n_embd=recipe.width,
        n_layer=recipe.layers, n_head=recipe.heads, n_inner=recipe.d_ff, activation_function="relu",
        resid_pdrop=0.0, embd_pdrop=recipe.dropout, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
        use_cache=False, attn_implementation="eager",  # the faster one for sentences this short
    )  # fmt: skip
    return GPT2LMHeadModel(config).train()


def train(
    model: GPT2LMHeadModel,
    recipe: Recipe,
    examples: list[Ids],
    held_out: list[Ids],
    tokens: int,
    save: Callable[[GPT2LMHeadModel], None],
) -> dict[str, int]:
    """Train `model` on so many tokens; the rate falls linearly to zero at the end of them.

    Every 1,000 steps the held-out perplexity is printed and `save` called. Returns
    how many steps, tokens and epochs it saw.
    """
    revival, optimizer = KeyRevival(model), _optimizer(model, recipe)
    random = np.random.default_rng(recipe.seed)
    step, seen = 0, 0
    for epoch in itertools.count(1):
        for ids, targets in batches(examples, recipe.tokens_per_batch, random):
            done = seen / tokens
            if done >= 1:
                return {"steps": step, "tokens": seen, "epochs": epoch}
            for group in optimizer.param_groups:
                group["lr"] = _rate(recipe, done)
            revival.start(targets)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(ids).logits
                loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            total = loss + recipe.revival * revival.penalty
            total.backward()  # type: ignore[no-untyped-call]
            revival.stop()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step, seen = step + 1, seen + int((targets != -100).sum())
            if step % 50 == 0:
                print(f"step {step}, epoch {epoch}, {done:.0%}: loss {loss.item():.3f}", flush=True)
            if step % 1000 == 0:
                print(f"held-out perplexity {perplexity(model, held_out):.2f}", flush=True)
                save(model)
    raise AssertionError("unreachable: the loop above ends by its count of tokens")


def _optimizer(model: GPT2LMHeadModel, recipe: Recipe) -> torch.optim.AdamW:
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.peak_rate, betas=(0.9, 0.98), fused=True)


def _rate(recipe: Recipe, done: float) -> float:
    """Learning rate after this share of the tokens: a short rise, then a straight line to zero."""
    return recipe.peak_rate * min(done / recipe.warmup + 0.01, (1 - done) / (1 - recipe.warmup))


def main() -> None:
    """Train on this installation's sentences and write the checkpoint."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--tokens", type=int, default=15_000_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--go-on", type=Path, help="a checkpoint of this recipe to begin with")
    parser.add_argument("--cache", type=Path, default=Path("data/cache"))
    arguments = parser.parse_args()
    recipe = Recipe()
    training, held_out = corpus.split_held_out(corpus.read_sentences(arguments.cache))
    phases = []
    if arguments.go_on:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(arguments.go_on)
        model = GPT2LMHeadModel.from_pretrained(
            arguments.go_on, dtype=torch.float32, attn_implementation="eager"
        ).train()
        phases = json.loads((arguments.go_on / PHASES).read_text(encoding="utf-8"))
    else:
        tokenizer, model = train_tokenizer(training, recipe.vocabulary), new_model(recipe)
    tokenizer.save_pretrained(arguments.out)
    phases.append(
        train(
            model, recipe, encode(tokenizer, training), encode(tokenizer, held_out),
            arguments.tokens, lambda snapshot: snapshot.save_pretrained(arguments.out),
        )
    )  # fmt: skip
    model.half().save_pretrained(arguments.out)
    (arguments.out / PHASES).write_text(json.dumps(phases) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
