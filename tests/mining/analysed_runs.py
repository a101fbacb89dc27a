"""Mined runs for the tests of analyses: a GPT-2 and a gated Llama, each with its oracle."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import pandas as pd
import torch
from analysis_oracle import AnalysisOracle
from checkpoints import Checkpoint, random_checkpoint, word_tokenizer
from corpora import mixed_lines
from oracle import Trigger
from tiny_models import tiny_model

from mining.analyse import analyse
from mining.corpus import open_corpus
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel, load_model
from mining.run_folder import RunFolder

LINES = mixed_lines(seed=8)
MOST_TRIGGERS = 50  # that an analysis looks at
FEW = {"prefixes": 150, "keys_per_layer": 6}  # of some 450 ranked positions, and 64 or 12 keys


def gpt2(folder: Path) -> Checkpoint:
    """ReLU, biases everywhere, tied embeddings, and a token fed before each sentence."""
    return random_checkpoint(folder, word_tokenizer(begin=True), memories=64, seed=11)


def llama(folder: Path) -> Checkpoint:
    """Gated, no bias, an output embedding of its own, and nothing fed before a sentence."""
    tokenizer = word_tokenizer()
    model = tiny_model(len(tokenizer), llama=True, context=32, seed=12)
    with torch.no_grad():
        model.model.norm.weight.uniform_(0.5, 2.0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return Checkpoint(folder, (), frozenset(tokenizer.all_special_ids), 32)


MODELS: dict[str, tuple[Callable[[Path], Checkpoint], dict[str, object]]] = {
    "gpt2": (gpt2, {"top_k": 25}),
    "llama": (llama, {"top_k": 7, "per_sentence": "all", "sign": "both"}),
}


@dataclass
class Mined:
    """A mined run that is analysed in copies of itself, one for each choice of options."""

    home: Path
    checkpoint: Checkpoint
    loaded: LoadedModel
    lines: Sequence[str]
    options: MiningOptions
    done: dict[str, RunFolder] = field(default_factory=dict)
    oracles: dict[str, AnalysisOracle] = field(default_factory=dict)
    ranked: dict[tuple[int, int], list[Trigger]] = field(default_factory=dict)

    def fresh(self) -> RunFolder:
        """A copy that is not analysed yet."""
        copy = self.home / f"copy{len(list(self.home.glob('copy*')))}"
        shutil.copytree(self.home / "run", copy)
        return RunFolder.open(copy)

    def analysed(self, **options: object) -> RunFolder:
        """Analysed with these options; the same options give the same folder, for reading only."""
        name = repr(sorted(options.items()))
        if name not in self.done:
            run = self.fresh()
            analyse(run, self.loaded, **{**FEW, **options})
            self.done[name] = RunFolder.open(run.path)
        return self.done[name]

    def oracle(self, variant: str = "plain") -> AnalysisOracle:
        if variant not in self.oracles:
            self.oracles[variant] = AnalysisOracle(self.checkpoint, self.lines, variant)
        return self.oracles[variant]

    def triggers(self, layer: int, key: int, top_k: int) -> list[Trigger]:
        """A key's first positive triggers by the oracle, ranked as the run ranks them."""
        if (layer, key) not in self.ranked:
            self.ranked[layer, key] = self.oracle().triggers(
                layer, key, top_k=MOST_TRIGGERS, per_sentence=self.options.per_sentence
            )
        return self.ranked[layer, key][:top_k]

    @property
    def places(self) -> list[tuple[int, int]]:
        """(layer, key) of every memory, in order."""
        return [*product(range(self.oracle().layers), range(self.oracle().keys))]


def mined_at(home: Path, checkpoint: Checkpoint, lines: Sequence[str], **options: object) -> Mined:
    """Mine these lines, one sentence a line."""
    home.mkdir(exist_ok=True)
    source = home / "corpus.txt"
    source.write_text("\n".join(lines), encoding="utf-8")
    loaded = load_model(str(checkpoint.folder), device="cpu", readout=True)
    chosen = MiningOptions(**options)  # type: ignore[arg-type]
    mine(loaded, open_corpus(str(source)), home / "run", chosen)
    return Mined(home, checkpoint, loaded, lines, chosen)


def table(run: RunFolder, name: str) -> pd.DataFrame:
    """A table of the analyses, as it lies on the disk."""
    return pd.read_parquet(run.path / f"{name}.parquet")
