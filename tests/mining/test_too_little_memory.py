"""Too little memory: the batch is halved until it fits, and nothing but time is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from corpora import lines_of, mixed_lines
from torch import nn

from mining.errors import ModelError
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel
from mining.run_folder import Manifest, RunFolder

ByName = Callable[[str], LoadedModel]

# As PyTorch words it on a GPU, on a processor, and on Windows; and Python itself.
FAILURES = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory:"
        " you tried to allocate 2147483648 bytes. Error code 12 (Cannot allocate memory)"
    ),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 80 bytes."),
    MemoryError(),
]
NAMES = ["cuda", "processor", "windows", "python"]


class Narrow(nn.Module):
    """A model that fails whenever it is fed more than so many ids."""

    def __init__(self, model: nn.Module, most: int, failure: BaseException) -> None:
        super().__init__()
        self.model, self.most, self.failure = model, most, failure
        self.fed: list[int] = []

    def forward(self, input_ids: torch.Tensor, use_cache: bool) -> object:
        if input_ids.numel() > self.most:
            raise self.failure
        self.fed.append(input_ids.numel())
        return self.model(input_ids=input_ids, use_cache=use_cache)


@contextmanager
def narrow_layer(loaded: LoadedModel, layer: int, most: int) -> Iterator[None]:
    """Let a layer fail on more than so many tokens, when those before it have been read."""

    def fail(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if inputs[0].shape[:2].numel() > most:
            raise FAILURES[0]

    hook = loaded.values[layer].register_forward_pre_hook(fail)
    try:
        yield
    finally:
        hook.remove()


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[RunFolder, list[str]]]:
    """Mine these lines; the run and what was said meanwhile."""

    def of(loaded: LoadedModel, lines: list[str], **options: object) -> tuple[RunFolder, list[str]]:
        said: list[str] = []
        corpus = lines_of(tmp_path / "texts.txt", lines)
        out = tmp_path / f"run{len(list(tmp_path.iterdir()))}"
        mine(loaded, corpus, out, MiningOptions(**options), notice=said.append)
        return RunFolder.open(out), said

    return of


def assert_same(narrow: RunFolder, plenty: RunFolder, *, bitwise: bool) -> None:
    for table in ("triggers", "keys"):
        found, expected = getattr(narrow, table)(), getattr(plenty, table)()
        inexact = [c for c in ("coefficient", "mean", "max", "min") if c in found]
        pd.testing.assert_frame_equal(found.drop(columns=inexact), expected.drop(columns=inexact))
        for column in inexact:
            # A mean is a sum over batches: other batches, another order of the same numbers.
            rounding = 0.0 if bitwise and column != "mean" else 1e-5
            np.testing.assert_allclose(
                found[column], expected[column], rtol=rounding, atol=rounding
            )
    pd.testing.assert_frame_equal(narrow.sentences(), plenty.sentences())


def without_options(manifest: Manifest) -> dict[str, object]:
    return {name: value for name, value in manifest.extra.items() if name != "asked"}


@pytest.mark.parametrize("failure", FAILURES, ids=NAMES)
@pytest.mark.parametrize("name", ["planted-gelu", "random-gelu"])
def test_a_batch_too_large_is_halved_and_the_run_is_the_same(
    loaded: ByName, run: Callable[..., tuple[RunFolder, list[str]]], name: str, failure: Exception
) -> None:
    lines = mixed_lines(seed=20)
    options = {"sign": "both", "batch_tokens": 1_000_000, "top_k": 5}
    plenty, silence = run(loaded(name), lines, **options)
    model = Narrow(loaded(name).model, most=90, failure=failure)
    narrow, said = run(replace(loaded(name), model=model), lines, **options)
    assert_same(narrow, plenty, bitwise=name.startswith("planted"))
    assert narrow.manifest.extra["batches_halved"] == len(said) > 0
    assert len(said) < 8  # each batch from then on begins at a size that fitted
    assert all(line.startswith("out of memory: going on with ") for line in said)
    assert not any("\n" in line for line in said)
    assert silence == [] and "batches_halved" not in without_options(plenty.manifest)


def test_the_size_that_fitted_is_the_size_to_go_on_with(
    loaded: ByName, run: Callable[..., tuple[RunFolder, list[str]]]
) -> None:
    lines = ["the cat sat on mat"] * 200
    model = Narrow(loaded("random-relu").model, most=130, failure=FAILURES[0])
    _, said = run(replace(loaded("random-relu"), model=model), lines, batch_tokens=500)
    # Two batches of 500: the first is halved twice, and then it is known that 125 ids fit.
    assert said == [
        "out of memory: going on with 250 tokens a batch",
        "out of memory: going on with 125 tokens a batch",
    ]
    assert max(model.fed) <= 125
    assert model.fed.count(125) == 8


@pytest.mark.parametrize("per_sentence", ["one", "all"])
@pytest.mark.parametrize(
    ("name", "layer"), [("random-gelu", 2), ("random-gelu", 1), ("planted-gelu", 1)]
)
def test_running_out_in_the_middle_of_the_layers_counts_no_layer_twice(
    loaded: ByName,
    run: Callable[..., tuple[RunFolder, list[str]]],
    name: str,
    layer: int,
    per_sentence: str,
) -> None:
    lines = mixed_lines(seed=21)
    options = {"sign": "both", "per_sentence": per_sentence, "batch_tokens": 1_000_000}
    plenty, _ = run(loaded(name), lines, **options)
    with narrow_layer(loaded(name), layer, most=70):
        narrow, said = run(loaded(name), lines, **options)
    assert len(said) > 1
    assert_same(narrow, plenty, bitwise=name.startswith("planted"))


@pytest.mark.parametrize("was_there", [False, True])
@pytest.mark.parametrize("failure", FAILURES, ids=NAMES)
def test_a_single_sentence_too_large_ends_in_one_line_and_leaves_nothing(
    loaded: ByName, tmp_path: Path, failure: Exception, was_there: bool
) -> None:
    out = tmp_path / "runs" / "run"
    if was_there:
        out.mkdir(parents=True)
    model = Narrow(loaded("random-relu").model, most=10, failure=failure)
    corpus = lines_of(tmp_path / "texts.txt", ["the cat sat", "the dog", "a " * 12])
    with pytest.raises(ModelError, match="single sentence of 12 tokens") as refused:
        mine(replace(loaded("random-relu"), model=model), corpus, out, MiningOptions())
    assert "\n" not in str(refused.value)
    left = {path.name for path in tmp_path.rglob("*")} - {"texts.txt"}
    assert left == ({"runs", "run"} if was_there else set())
    assert not any(value._forward_pre_hooks for value in loaded("random-relu").values)
    corpus = lines_of(tmp_path / "texts.txt", ["the cat sat"])
    assert mine(loaded("random-relu"), corpus, out, MiningOptions()).sentences == 1


def test_other_failures_are_not_taken_for_a_lack_of_memory(loaded: ByName, tmp_path: Path) -> None:
    failure = RuntimeError("mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)")
    model = Narrow(loaded("random-relu").model, most=10, failure=failure)
    corpus = lines_of(tmp_path / "texts.txt", mixed_lines(seed=22))
    with pytest.raises(RuntimeError) as raised:
        mine(replace(loaded("random-relu"), model=model), corpus, tmp_path / "run", MiningOptions())
    assert raised.value is failure
    assert not (tmp_path / "run").exists()
    assert not any(value._forward_pre_hooks for value in loaded("random-relu").values)
