"""How fast the analyses are, beside the plainest way to the same numbers.

`ratio` here is the time of ours over the time of what it is compared with: below 1 is faster.
Weights are random, since only shapes matter.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from mining.alone import TOGETHER, equal_lengths
from mining.bench import Benchmark, Setting, figures, random_gpt2, timed
from mining.composition import Prefixes, composition_table, sample_prefixes
from mining.corpus import open_corpus
from mining.distributions import CPU_SCORES, GPU_SCORES, summarise
from mining.models import LoadedModel
from mining.readout import OutputEmbedding, OutputHead, Readout
from mining.run_tables import TOP_TOKENS
from mining.values import value_rows

PAPER_WORDS, PAPER_WIDTH = 267_744, 1_024
_PREFIXES = 200


@dataclass(frozen=True)
class _Values:
    """Some value vectors and what reads them as words."""

    readout: Readout
    rows_FD: torch.Tensor
    next_F: torch.Tensor

    def ours(self) -> None:
        """Everything that values.parquet needs."""
        for _ in summarise(self.readout, "plain", self.rows_FD, self.next_F, TOP_TOKENS):
            pass

    def others(self) -> "_Values":
        """As many other vectors, read by the same embedding."""
        return replace(self, rows_FD=torch.randn_like(self.rows_FD))

    def plain(self) -> None:
        """The distributions alone, as many rows at a time, each in arrays of their own.

        Where freed memory goes back to the system, the page faults of these are part of it.
        """
        on_cpu = self.rows_FD.device.type == "cpu"
        weight_VD = self.readout.output.weight_VD
        assert isinstance(weight_VD, torch.Tensor)
        step = max(1, (CPU_SCORES if on_cpu else GPU_SCORES) // len(weight_VD))
        for start in range(0, len(self.rows_FD), step):
            torch.softmax(self.rows_FD[start : start + step] @ weight_VD.T, dim=1)


def random_values(words: int, width: int, rows: int, device: str = "cpu") -> _Values:
    """Random value vectors, and a random output embedding."""
    random = torch.Generator().manual_seed(0)
    weight_VD, rows_FD = (
        torch.randn(count, width, generator=random).to(device) for count in (words, rows)
    )
    output = OutputEmbedding(weight_VD)
    next_F = torch.randint(words, (rows,), generator=random).to(device)
    return _Values(Readout(output, output, None, words), rows_FD, next_F)


@torch.inference_mode()
def values(words: int, width: int, rows: int, setting: Setting) -> dict[str, Any]:
    """Figures 4 and 5 of some values against a chunked softmax(V · E)."""
    work = random_values(words, width, rows, setting.device)
    work.ours()
    seconds = _interleaved(work.ours, work.plain, setting)
    return _figures(seconds, rows) | {"values": rows, "words": words, "width": width}


_PEAK = """
import resource, sys
import torch
from mining.bench_analyses import random_values
words, width, layers, keys = map(int, sys.argv[1:])
with torch.inference_mode():
    each = [random_values(words, width, keys)]
    each += [each[0].others() for _ in range(layers - 1)]
    model = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for work in each:
        work.ours()
print(model * 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def values_memory(words: int, width: int, layers: int, keys: int, _: Setting) -> dict[str, Any]:
    """Peak resident memory of figures 4 and 5 beyond the weights themselves."""
    sizes = (words, width, layers, keys)
    ended = subprocess.run(
        [sys.executable, "-c", _PEAK, *map(str, sizes)], check=True, capture_output=True, text=True
    )
    model, peak = map(int, ended.stdout.split())
    return {
        "gib_beyond_the_model": round((peak - model) / 2**30, 2),
        "gib_of_the_model": round(model / 2**30, 2),
        "values": layers * keys, "words": words, "width": width,
    }  # fmt: skip


@torch.inference_mode()
def composition(shape: str, setting: Setting) -> dict[str, Any]:
    """Figures 6 to 10 of some prefixes against the bare forward pass of them, head included.

    top(v_i), made once a run by figure 4, is given.
    """
    loaded, whole = random_gpt2(shape, setting)
    head = whole.get_submodule("lm_head")
    assert isinstance(head, torch.nn.Linear)
    readout = Readout(
        OutputEmbedding(head.weight), OutputHead(head, None, None),
        loaded.model.get_submodule("ln_f"), head.weight.shape[0],
    )  # fmt: skip
    loaded = replace(loaded, readout=readout)
    prefixes = sample_prefixes(loaded, open_corpus(setting.corpus), _PREFIXES, 0, 2_000)
    layers = [*range(len(loaded.values))]
    top = {
        layer: torch.zeros(len(value_rows(value)), dtype=torch.int64, device=loaded.device)
        for layer, value in enumerate(loaded.values)
    }
    ours = partial(composition_table, loaded, prefixes, layers, top)
    bare = partial(_bare, loaded, whole, prefixes)
    bare()
    seconds = _interleaved(ours, bare, setting)
    tokens = sum(map(len, prefixes.token_ids))
    return _figures(seconds, _PREFIXES) | {"prefixes": _PREFIXES, "tokens": tokens}


def _bare(loaded: LoadedModel, whole: torch.nn.Module, prefixes: Prefixes) -> None:
    """The model as transformers gives it, over the same batches."""
    token_ids = dict(enumerate(prefixes.token_ids))
    for group in equal_lengths(token_ids, token_ids, TOGETHER):
        ids_BT = torch.tensor([token_ids[sample].tolist() for sample in group])
        whole(input_ids=ids_BT.to(loaded.device), use_cache=False)


def _interleaved(
    ours: Callable[[], object], other: Callable[[], object], setting: Setting
) -> list[tuple[float, float]]:
    """Seconds of both, run by turns, each first half of the times."""
    spent = []
    for number in range(setting.rounds):
        seconds = [0.0, 0.0]
        for which in (number % 2, 1 - number % 2):
            seconds[which] = timed((ours, other)[which], setting.device)
        spent.append((seconds[0], seconds[1]))
    return spent


def _figures(seconds: list[tuple[float, float]], items: int) -> dict[str, Any]:
    own, other = (sorted(column)[len(column) // 2] for column in zip(*seconds, strict=True))
    return figures([ours / plain for ours, plain in seconds]) | {
        "seconds_per_1000": round(1000 * own / items, 3),
        "compared_seconds_per_1000": round(1000 * other / items, 3),
    }


BENCHMARKS: dict[str, Benchmark] = {
    "values-demo": partial(values, 4_864, 192, 8_000),
    "values-paper": partial(values, PAPER_WORDS, PAPER_WIDTH, 500),
    "values-memory": partial(values_memory, PAPER_WORDS, PAPER_WIDTH, 16, 4_096),
    "composition-8x128": partial(composition, "8x128"),
    "composition-gpt2-small": partial(composition, "gpt2-small"),
}
