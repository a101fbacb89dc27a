"""What a worker of a cluster does: mine one shard into a file, or put files together.

A shard is a whole number of the corpus's reading windows, handed over as text, so that a worker
needs to see the model and the run's folder only. What a task cannot do is returned, not raised: a
mistake the user can mend is not to be tried again, and keeps its one line.
"""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from mining.corpus import Corpus, Sentence
from mining.errors import KeyholeError, ModelError, RunFolderError
from mining.interrupts import StopRequests
from mining.merging import Part, merge_files
from mining.miner import MiningOptions, fetch, new_pass, places_held, versions
from mining.models import LoadedModel, load_model
from mining.reading import Counts

ABOUT = "about.json"  # in the folder of the shards: what the run was begun with


@dataclass(frozen=True)
class Order:
    """What every task of a run is told."""

    model: str
    dtype: str
    device: str
    threads: int
    options: MiningOptions
    asked: dict[str, Any]
    folder: Path  # of the shards, shared by all nodes


@dataclass(frozen=True)
class Shard:
    """Some windows of a corpus, as text."""

    number: int
    first_window: int
    window: int  # sentences of each
    corpus: str
    texts: list[str]
    document_N: npt.NDArray[np.int64]
    digest: str  # of the corpus's sentences, up to the end of this shard


@dataclass(frozen=True)
class Done:
    """A file that has been written."""

    counts: Counts
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A mistake the user can mend, in one line."""

    mistake: str


Answer = Done | Refused


class GivenSentences(Corpus):
    """A part of a corpus, split into sentences already; ids count from 0."""

    def __init__(self, shard: Shard) -> None:
        super().__init__(shard.corpus, [], Path())
        self._shard = shard

    def __iter__(self) -> Iterator[Sentence]:
        documents = self._shard.document_N.tolist()
        for number, (text, document) in enumerate(zip(self._shard.texts, documents, strict=True)):
            yield Sentence(number, document, text)


def mine_shard(order: Order, shard: Shard, target: Path) -> Answer:
    """A task: mine a shard into a file."""

    def work() -> Done:
        loaded = _same_model(order)
        notices: list[str] = []
        part = mined_part(loaded, shard, order.options, notices.append)
        part.save(target, {"end": shard.number + 1, "digest": shard.digest})
        return Done(part.counts, tuple(notices))

    first = shard.first_window * shard.window
    where = f"Among sentences {first:,} to {first + len(shard.texts) - 1:,}, counted from there: "
    return _answer(order, work, where)


def merge_parts(order: Order, files: list[Path], target: Path, about: dict[str, Any]) -> Answer:
    """A task: put files together that follow one another."""

    def work() -> Done:
        if not target.exists():  # or a worker was lost between writing it and saying so
            merge_files(files, target, about)
        return Done(Counts())

    return _answer(order, work, "")


@torch.inference_mode()
def mined_part(
    loaded: LoadedModel,
    shard: Shard,
    options: MiningOptions,
    notice: Callable[[str], None] = lambda _line: None,
) -> Part:
    """Everything found in a shard, as one process would find it there."""
    one_pass = new_pass(loaded, GivenSentences(shard), None, options, {})
    one_pass.begin(shard.first_window, shard.window)
    one_pass.notice = notice
    reading = one_pass.run(StopRequests())
    sentences = fetch(places_held(one_pass.memory), reading)
    return Part(one_pass.memory, reading.counts, sentences, one_pass.halved)


def _answer(order: Order, work: Callable[[], Done], where: str) -> Answer:
    node = platform.node()
    torch.set_num_threads(order.threads)
    try:
        if not (order.folder / ABOUT).is_file():
            raise RunFolderError(
                f"{order.folder} is not there on node {node}; --out must lie in storage that every"
                " node of the cluster shares, under the same path."
            )
        if versions() != order.asked["library versions"]:
            differing = {
                name: version
                for name, version in versions().items()
                if version != order.asked["library versions"][name]
            }
            told = ", ".join(f"{name} {version}" for name, version in differing.items())
            raise KeyholeError(
                f"Node {node} has other versions ({told}) than the node that the run was begun on;"
                " install the same on both."
            )
        return work()
    except ModelError as mistake:
        return Refused(f"{where}{mistake} (node {node})")
    except KeyholeError as mistake:
        return Refused(str(mistake))
    except OSError as mistake:
        place = f" ({mistake.filename})" if mistake.filename else ""
        return Refused(f"node {node}: {mistake.strerror or mistake}{place}")


def _same_model(order: Order) -> LoadedModel:
    loaded = _model(order.model, order.dtype, order.device)
    found = loaded.weights_sha256, loaded.tokenizer_sha256
    if found != (order.asked["model (weights)"], order.asked["model (tokenizer)"]):
        raise ModelError(
            f"{order.model} is not the model that the run was begun with; give every node the same"
            " files."
        )
    return loaded


@lru_cache(maxsize=1)
def _model(name: str, dtype: str, device: str) -> LoadedModel:
    """Loaded once a worker, whatever the number of shards it mines."""
    return load_model(name, dtype=dtype, device=device)
