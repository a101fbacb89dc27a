"""What the tests of this room share: small checkpoints, each loaded once, and what mines them."""

import os
import runpy
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no test asks the network

import pytest
import torch
from analysed_runs import LINES, MODELS, Mined, mined_at
from checkpoints import (
    Checkpoint,
    Constant,
    Fires,
    byte_tokenizer,
    planted_checkpoint,
    random_checkpoint,
    word_tokenizer,
)
from corpora import MULTI_BYTE, lines_of, mixed_lines
from terminal import Ended, Typed
from tiny_models import Case, save_kind
from tokenizer_kinds import TOKENIZERS
from transformers import AutoModelForCausalLM

from mining.corpus import open_corpus
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel, load_model
from mining.run_folder import RunFolder

torch.set_num_threads(1)  # such small tensors only wait for their threads

# Layers 0 and 1 of the planted checkpoints.
PLAN = (
    (
        Fires({"cat": 1.0}),
        Fires({"cat": 0.5, "dog": 0.5}),  # two words in an exact tie
        Fires({"cat": 0.25, "dog": 0.5, "bird": 0.75, "the": 1.0}),
        Fires({}),  # below zero on every word: GELU keeps a negative coefficient, ReLU none
        Fires({"cat": -0.5, "dog": -0.25}),  # never positive, and differently negative
        Constant(0.0),  # exactly zero everywhere: dead
        Constant(-50.0),  # GELU gives -0.0: dead too
        Constant(1.0),  # every prefix in one great tie
        Constant(-1.0),  # and below zero, for GELU
    ),
    (
        Fires({"sat": 1.0, "ran": 1.0}, otherwise=0.5),  # positive on every word
        Fires({"<unk>": 1.0, "<s>": 1.0}),  # fires on special tokens only: dead
        Fires({"the": 1.0, "<unk>": 1.0}),
    ),
)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Checkpoint]:
    """A checkpoint by its name in RECIPES, saved when first asked for."""
    saved: dict[str, Checkpoint] = {}

    def by_name(name: str) -> Checkpoint:
        if name not in saved:
            saved[name] = RECIPES[name](tmp_path_factory.mktemp(name) / name)
        return saved[name]

    return by_name


RECIPES: dict[str, Callable[[Path], Checkpoint]] = {
    "random-relu": lambda to: random_checkpoint(to, word_tokenizer()),
    "random-gelu": lambda to: random_checkpoint(
        to, word_tokenizer(), activation="gelu_new", layers=3, width=24, memories=40, seed=1
    ),
    "random-relu-begin": lambda to: random_checkpoint(to, word_tokenizer(begin=True), seed=2),
    "random-relu-begin-end": lambda to: random_checkpoint(
        to, word_tokenizer(begin=True, end=True), seed=3
    ),
    "bytes-relu": lambda to: random_checkpoint(
        to, byte_tokenizer(MULTI_BYTE), memories=32, context=48, seed=4
    ),
    "bytes-gelu-begin": lambda to: random_checkpoint(
        to,
        byte_tokenizer(MULTI_BYTE, begin=True),
        activation="gelu_new",
        memories=32,
        context=48,
        seed=5,
    ),
    "planted-relu": lambda to: planted_checkpoint(to, PLAN),
    "planted-gelu": lambda to: planted_checkpoint(to, PLAN, activation="gelu_pytorch_tanh"),
    "planted-relu-begin": lambda to: planted_checkpoint(to, PLAN, begin=True),
}


@pytest.fixture(scope="session")
def loaded(checkpoint: Callable[[str], Checkpoint]) -> Callable[[str], LoadedModel]:
    """The model as mining loads it; one model serves many runs, so no run may leave a hook."""
    models: dict[str, LoadedModel] = {}

    def by_name(name: str) -> LoadedModel:
        if name not in models:
            models[name] = load_model(str(checkpoint(name).folder), device="cpu")
        return models[name]

    return by_name


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Case]:
    """A tokenizer's checkpoint by its name in TOKENIZERS, saved when first asked for."""
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


@pytest.fixture(scope="session")
def analyses(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Mined]:
    """A mined run by the name of its model in MODELS, mined when first asked for."""
    runs: dict[str, Mined] = {}

    def by_name(name: str) -> Mined:
        if name not in runs:
            home = tmp_path_factory.mktemp(f"analyses-{name}")
            make, options = MODELS[name]
            runs[name] = mined_at(home, make(home / "model"), LINES, **options)
        return runs[name]

    return by_name


@pytest.fixture
def mined(loaded: Callable[[str], LoadedModel], tmp_path: Path) -> Callable[..., RunFolder]:
    """Mine lines of text, one sentence a line, with a checkpoint; the complete run, opened."""
    runs = 0

    def run(name: str, lines: list[str], **options: object) -> RunFolder:
        nonlocal runs
        runs += 1
        source = tmp_path / f"corpus{runs}.txt"
        source.write_text("\n".join(lines), encoding="utf-8")
        out = tmp_path / f"run{runs}"
        mine(loaded(name), open_corpus(str(source)), out, MiningOptions(**options))
        return RunFolder.open(out)

    return run


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., RunFolder]:
    """Mine these sentences with a model; the complete run, opened."""

    def of(loaded: LoadedModel, lines: Sequence[str], **options: object) -> RunFolder:
        out = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        corpus = lines_of(tmp_path / "texts.txt", lines)
        mine(loaded, corpus, out, MiningOptions(**options))
        return RunFolder.open(out)

    return of


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A text of some hundred small batches."""
    path = tmp_path / "corpus.txt"
    lines = [line for seed in range(3) for line in mixed_lines(seed=seed)]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], desk: Path) -> Typed:
    """Run `python -m mining ARGUMENTS` on the desk."""

    def run(*arguments: object) -> Ended:
        monkeypatch.chdir(desk)
        monkeypatch.setattr(sys, "argv", ["mining", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "80")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("mining", run_name="__main__", alter_sys=False)
        captured = capsys.readouterr()
        code = ended.value.code
        return Ended(0 if code is None else int(code), captured.out, captured.err)

    return run


@pytest.fixture
def desk(tmp_path: Path, checkpoint: Callable[[str], Checkpoint]) -> Path:
    """A folder with a model and a text, in which every command is typed."""
    folder = tmp_path / "desk"
    folder.mkdir()
    (folder / "text.txt").write_text("the cat sat\na dog ran\nthe bird\n", encoding="utf-8")
    (folder / "model").symlink_to(checkpoint("planted-relu").folder)
    return folder
