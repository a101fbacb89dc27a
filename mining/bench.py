"""How fast mining is, beside the bare model: benchmarks that print a JSON line each.

Ratios come from interleaved pairs in one run, since the machine may be shared: above 1 is faster
than what it is compared with. Weights are random where only the shape matters.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mining import __version__
from mining.batches import Batch, batches
from mining.collect import Pass
from mining.corpus import open_corpus
from mining.miner import CPU_BATCH_TOKENS, GPU_BATCH_TOKENS, MiningOptions, mine, new_pass
from mining.models import LoadedModel, find_memories, fuse_activations, load_model
from mining.reading import WINDOW, Reading

SHAPES = {"gpt2-small": (12, 768), "8x128": (8, 128), "paper": (16, 1024)}  # layers, d_model
SMALLER = {"8x128": 8}  # shapes so small that as many times the tokens take as long
NAIVE_BATCH = 32  # sentences, as a user would write it
MEMORY_TIMES = 10


@dataclass(frozen=True)
class Setting:
    """What all benchmarks share."""

    corpus: str
    tokens: int
    rounds: int
    device: str
    dtype: str


Benchmark = Callable[[Setting], dict[str, Any]]


def bench(name: str, benchmark: Benchmark, setting: Setting) -> dict[str, Any]:
    """Run one benchmark and give its line."""
    measured = benchmark(setting)
    hardware = f"{os.cpu_count()} cores, {platform.machine()}"
    if setting.device.startswith("cuda"):
        hardware = torch.cuda.get_device_name()
    return {
        "benchmark": name, **measured, "dtype": setting.dtype, "hardware": hardware,
        "torch": torch.__version__, "keyhole": __version__,
        "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip


def random_gpt2(shape: str, setting: Setting) -> tuple[LoadedModel, nn.Module]:
    """A GPT-2 of a shape with random weights and the demo's tokenizer, and the same with a head."""
    from transformers import GPT2Config, GPT2LMHeadModel

    layers, width = SHAPES[shape]
    torch.manual_seed(0)
    config = GPT2Config(n_layer=layers, n_embd=width, n_head=width // 64)
    dtype = getattr(torch, setting.dtype)
    whole = GPT2LMHeadModel(config).eval().requires_grad_(False).to(setting.device, dtype)
    demo = load_model("demo", device=setting.device)
    model = deepcopy(whole.transformer)  # as `load_model` prepares one; `whole` stays as it is
    fuse_activations(model)
    _, values = find_memories(model, "gpt2")
    loaded = replace(
        demo, name=f"random {shape}", model=model, values=values, d_model=width,
        d_ff=4 * width, context=config.n_positions, dtype=setting.dtype,
    )  # fmt: skip
    return loaded, whole


def token_batches(loaded: LoadedModel, setting: Setting) -> list[Batch]:
    """Batches as mining makes them of the corpus, of about so many tokens together."""
    by_device = CPU_BATCH_TOKENS if loaded.device.type == "cpu" else GPU_BATCH_TOKENS
    reading = Reading(open_corpus(setting.corpus), loaded, _sentences(loaded, setting))
    mixed = loaded.device.type != "cpu"
    return [
        batch
        for window in reading.windows()
        for batch in batches(window, loaded, by_device, mixed=mixed)
    ]


def _sentences(loaded: LoadedModel, setting: Setting) -> int:
    """How many sentences of the corpus hold about so many tokens."""
    reading = Reading(open_corpus(setting.corpus), loaded)
    for window in reading.windows():
        if reading.counts.tokens >= setting.tokens:
            share = (setting.tokens - window.before.tokens) / len(window.ids_N)
            return window.before.read + round(share * len(window.sentences))
    return reading.counts.read


@torch.inference_mode()
def mining_over_forward(shape: str) -> Callable[[Setting], dict[str, Any]]:
    """Mining against the model without its output head, over the same token batches."""

    def run(setting: Setting) -> dict[str, Any]:
        loaded, whole = random_gpt2(shape, setting)
        setting = replace(setting, tokens=setting.tokens * SMALLER.get(shape, 1))
        prepared = token_batches(loaded, setting)
        forwards = [torch.from_numpy(batch.ids_BU).to(loaded.device) for batch in prepared]
        tokens = sum(batch.tokens for batch in prepared)
        _bare(whole, forwards[-1])  # the first forward pass also sets things up, as does
        _fresh_pass(loaded, setting).take(prepared[-1])  # the first batch mined
        spent = []
        for number in range(setting.rounds):
            one_pass = _fresh_pass(loaded, setting)
            seconds = [0.0, 0.0]
            for index, (batch, ids_BU) in enumerate(zip(prepared, forwards, strict=True)):
                for which in (0, 1) if (number + index) % 2 else (1, 0):
                    work = partial(one_pass.take, batch) if which else partial(_bare, whole, ids_BU)
                    seconds[which] += timed(work, setting.device)
            spent.append(seconds)
        bare, mining = (statistics.median(column) for column in zip(*spent, strict=True))
        return figures([bare / mining for bare, mining in spent]) | {
            "tokens": tokens,
            "padding": round(1 - tokens / sum(ids_BU.numel() for ids_BU in forwards), 4),
            "bare_tokens_per_second": round(tokens / bare, 1),
            "mining_tokens_per_second": round(tokens / mining, 1),
        }

    return run


@torch.inference_mode()
def end_to_end(setting: Setting) -> dict[str, Any]:
    """A whole mining run, from text to run folder, against the bare model over its batches."""
    loaded, whole_model = random_gpt2("gpt2-small", setting)
    prepared = token_batches(loaded, setting)
    tokens = sum(batch.tokens for batch in prepared)
    corpus, sentences = open_corpus(setting.corpus), _sentences(loaded, setting)

    def bare() -> None:
        for batch in prepared:
            _bare(whole_model, torch.from_numpy(batch.ids_BU).to(loaded.device))

    def whole() -> None:
        with tempfile.TemporaryDirectory() as folder:
            options = MiningOptions(max_sentences=sentences)
            mine(loaded, corpus, Path(folder) / "run", options)

    return _pairs(bare, whole, setting) | {"tokens": tokens}


@torch.inference_mode()
def over_naive(setting: Setting) -> dict[str, Any]:
    """Mining against what a user would write: file order, output head, a topk a batch."""
    loaded, whole = random_gpt2("gpt2-small", setting)
    prepared = token_batches(loaded, setting)
    tokens = sum(batch.tokens for batch in prepared)
    by_place = {
        int(at): batch.ids_BU[row, : batch.length_B[row]].tolist()
        for batch in prepared
        for row, at in enumerate(batch.sentence_B)
    }
    in_order = [by_place[at] for at in sorted(by_place)]

    def naive() -> None:
        _naive(loaded, whole, in_order)

    def mining() -> None:
        one_pass = _fresh_pass(loaded, setting)
        for batch in prepared:
            one_pass.take(batch)

    return _pairs(naive, mining, setting) | {"tokens": tokens}


def _naive(loaded: LoadedModel, whole: nn.Module, sentences: list[list[int]]) -> None:
    best = [torch.full((loaded.d_ff, 25), -torch.inf, device=loaded.device) for _ in loaded.values]
    seen: dict[int, torch.Tensor] = {}
    _, values = find_memories(whole.get_submodule("transformer"), "gpt2")
    handles = [
        value.register_forward_pre_hook(lambda _m, inputs, n=n: seen.__setitem__(n, inputs[0]))
        for n, value in enumerate(values)
    ]
    for start in range(0, len(sentences), NAIVE_BATCH):
        rows = sentences[start : start + NAIVE_BATCH]
        width = max(map(len, rows))
        ids_BT = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        mask_BT = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        ids_BT, mask_BT = ids_BT.to(loaded.device), mask_BT.to(loaded.device)
        whole(input_ids=ids_BT, attention_mask=mask_BT)
        for layer, coefficient_BTF in seen.items():
            masked_BTF = coefficient_BTF.masked_fill(mask_BT[..., None] == 0, -torch.inf)
            columns_FN = torch.cat([best[layer], masked_BTF.flatten(0, 1).T], 1)
            best[layer] = columns_FN.topk(25, dim=1).values
    for handle in handles:
        handle.remove()


def memory(setting: Setting) -> dict[str, Any]:
    """Peak resident memory over a corpus, and over one ten times as long.

    The shorter one is a window of sentences, or nearly so: what one window needs is no growth.
    """
    whole = sum(1 for _ in open_corpus(setting.corpus))
    sentences = min(WINDOW, whole // MEMORY_TIMES)
    peaks = [
        [_peak(setting, times * sentences) for times in (1, MEMORY_TIMES)]
        for _ in range(setting.rounds)
    ]
    shorter, longer = (statistics.median(column) for column in zip(*peaks, strict=True))
    return figures([longer / shorter for shorter, longer in peaks]) | {
        "peak_mib": [round(peak / 2**20, 1) for peak in (shorter, longer)],
        "sentences": [sentences, MEMORY_TIMES * sentences],
    }


_PEAK = """
import resource, sys
from pathlib import Path
from mining.bench import Setting, random_gpt2
from mining.corpus import open_corpus
from mining.miner import MiningOptions, mine
corpus, out, sentences = sys.argv[1:]
loaded, _ = random_gpt2("8x128", Setting(corpus, 0, 0, "cpu", "float32"))
mine(loaded, open_corpus(corpus), Path(out), MiningOptions(max_sentences=int(sentences)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def _peak(setting: Setting, sentences: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(
            [sys.executable, "-c", _PEAK, setting.corpus, f"{folder}/run", str(sentences)],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    return int(ended.stdout.split()[-1])


def _fresh_pass(loaded: LoadedModel, setting: Setting) -> Pass:
    return new_pass(loaded, open_corpus(setting.corpus), Path(), MiningOptions(), {})


def _bare(whole: nn.Module, ids_BU: torch.Tensor) -> None:
    """The model as transformers gives it, without its output head."""
    whole.get_submodule("transformer")(input_ids=ids_BU, use_cache=False)


def timed(work: Callable[[], object], device: str) -> float:
    """Seconds of a piece of work."""
    started = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _pairs(
    other: Callable[[], None], mining: Callable[[], None], setting: Setting
) -> dict[str, Any]:
    ratios = []
    for number in range(setting.rounds):
        seconds = [0.0, 0.0]
        for which in (number % 2, 1 - number % 2):
            seconds[which] = timed((other, mining)[which], setting.device)
        ratios.append(seconds[0] / seconds[1])
    return figures(ratios)


def figures(ratios: list[float]) -> dict[str, Any]:
    """The median of ratios and how far they spread."""
    return {
        "ratio": round(statistics.median(ratios), 3),
        "spread": [round(min(ratios), 3), round(max(ratios), 3)],
        "rounds": len(ratios),
    }


BENCHMARKS: dict[str, Benchmark] = {
    "forward-gpt2-small": mining_over_forward("gpt2-small"),
    "forward-8x128": mining_over_forward("8x128"),
    "forward-paper": mining_over_forward("paper"),
    "end-to-end": end_to_end,
    "naive": over_naive,
    "memory": memory,
}
SLOW = {"forward-paper", "values-memory"}  # run only where asked for
