"""Measure the bundled model as stored, write its card: `python -m mining.demo.evaluate`.

Held-out perplexity beside what it has to beat, and the share of dead keys in each layer. The card
is written from these figures alone, so that no number in it can be a remembered one.
"""

import argparse
import json
from pathlib import Path
from string import Template

import numpy as np
import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

from mining.capture import memory_coefficients
from mining.demo import corpus
from mining.demo.ngrams import TrigramModel
from mining.demo.train import LONGEST, PHASES, Ids, Recipe, batches, encode, perplexity
from mining.models import DEMO_FOLDER

SAMPLE = 30_000  # sentences over which a key must fire at least once
CARD = Template("""\
---
language: en
pipeline_tag: text-generation
---
# The bundled model

A small causal language model, trained so that Keyhole has something to mine on any machine without
a download. It is good for looking at feed-forward keys and for nothing else.

- **Layout**: GPT-2 with ReLU, $layers layers, width $width, d_ff $d_ff, $heads heads,
  $parameters parameters, stored as float16.
- **Tokenizer**: its own byte-level BPE of $vocabulary tokens; a boundary token begins each
  sentence.
- **Data**: $training_sentences sentences ($training_tokens tokens with boundaries) of English
  docstrings and reference topics from the Python standard library and this project's pinned
  dependencies, extracted on the machine (`mining/demo/docstrings.py`), one sentence a context.
  $held_out_sentences sentences ($held_out_tokens tokens) were held out, chosen by hash of their
  text.
- **Training**: `python -m mining.demo.train`, on 2 CPU cores in bfloat16 autocast, in
  $phases, the later from the weights of the earlier (`--go-on`). In each, AdamW with
  peak rate $peak_rate, falling linearly to zero over the phase (in the first one by the clock);
  embedding dropout $dropout. Keys that fire nowhere in a batch are pushed back to life (weight
  $revival).

Perplexity on the held-out sentences, per token, closing boundary included, all on the same tokens:

| model | perplexity |
|---|---|
| unigram | $unigram |
| interpolated trigram | $trigram |
| **this model** | **$perplexity** |

Dead keys, which fire on no position of $sample sentences: $dead.

Measured by `python -m mining.demo.evaluate`.
""")


@torch.inference_mode()
def dead_shares(model: GPT2LMHeadModel, examples: list[Ids]) -> list[float]:
    """The share of each layer's keys that are above zero at no position of these sentences."""
    blocks = model.transformer.h
    fired = [torch.zeros(model.config.n_inner, dtype=torch.bool) for _ in blocks]
    real = torch.empty(0)

    def consume(layer: int, coefficient_BTF: torch.Tensor) -> None:
        fired[layer] |= (coefficient_BTF[real] > 0).any(dim=0)

    with memory_coefficients([block.mlp.c_proj for block in blocks], range(len(blocks)), consume):
        for ids, targets in batches(examples, 8192, np.random.default_rng(0)):
            real = targets != -100
            real[:, 0] = False  # the leading boundary is never ranked
            model.transformer(ids)
    return [1 - float(keys.float().mean()) for keys in fired]


def measure(folder: Path, cache: Path) -> dict[str, object]:
    """Every figure of the card."""
    sentences = corpus.read_sentences(cache)
    training, held_out = corpus.split_held_out(sentences)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32)
    seen, held = encode(tokenizer, training), encode(tokenizer, held_out)
    trigram = TrigramModel(seen, model.config.vocab_size)
    dead = dead_shares(model.eval(), encode(tokenizer, sentences[:SAMPLE]))
    return {
        "training_sentences": len(training), "training_tokens": sum(map(len, seen)),
        "held_out_sentences": len(held), "held_out_tokens": sum(map(len, held)),
        "parameters": model.num_parameters(), "perplexity": perplexity(model, held),
        "trigram": trigram.perplexity(held), "unigram": trigram.unigram_perplexity(held),
        "dead": dead, "longest": LONGEST,
    }  # fmt: skip


def card(figures: dict[str, object], phases: list[dict[str, int]]) -> str:
    """The model card's text."""
    recipe = Recipe()
    shown: dict[str, object] = {
        "sample": f"{SAMPLE:,}",
        "phases": " and ".join(
            f"{phase['steps']:,} steps ({phase['tokens']:,} tokens)" for phase in phases
        ),
        "layers": recipe.layers, "width": recipe.width, "d_ff": recipe.d_ff, "heads": recipe.heads,
        "vocabulary": f"{recipe.vocabulary:,}", "peak_rate": recipe.peak_rate,
        "dropout": recipe.dropout, "revival": recipe.revival,
    }  # fmt: skip
    for name, value in figures.items():
        if isinstance(value, list):
            shown[name] = ", ".join(f"layer {n} {share:.1%}" for n, share in enumerate(value))
        else:
            shown[name] = f"{value:.1f}" if isinstance(value, float) else f"{value:,}"
    return CARD.substitute(shown)


def main() -> None:
    """Measure the bundled model and write its card beside it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", type=Path, default=DEMO_FOLDER)
    parser.add_argument("--cache", type=Path, default=Path("data/cache"))
    arguments = parser.parse_args()
    phases = json.loads((arguments.model / PHASES).read_text(encoding="utf-8"))
    figures = measure(arguments.model, arguments.cache)
    (arguments.model / "README.md").write_text(card(figures, phases), encoding="utf-8")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
