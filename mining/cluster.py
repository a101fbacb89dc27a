"""Mining on a cluster: shards of the corpus to workers, their files put together in a tree.

The driver reads the corpus, hands out its windows as text, and in the end settles and writes the
run as one process does. It keeps no result: finished shards are files in the run's folder, which
all nodes share, so that a driver that was killed goes on from there. The run is the same to the
byte as one process's, but for its timings and command line.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mining import reading
from mining.checkpoint import read_about, refuse_difference
from mining.collect import Progress
from mining.corpus import Corpus, Sentence
from mining.errors import CorpusError, Interrupted, KeyholeError, RunFolderError
from mining.interrupts import stop_requests
from mining.merging import MEND, Part
from mining.miner import Mined, MiningOptions, asked_of, command_line, finish
from mining.models import DEMO, LoadedModel
from mining.ray_tasks import Tasks, connected
from mining.reading import Counts, Reading
from mining.run_folder import (
    CHECKPOINT,
    MANIFEST,
    SHARDS,
    Manifest,
    RunFolder,
    new_run_folder,
    write_whole,
)
from mining.shard_tree import Node, ShardTree, hash_of
from mining.shards import ABOUT, Order, Refused, Shard, merge_parts, mine_shard

Connect = Callable[[str, bool, Callable[[str], None]], AbstractContextManager[Tasks]]
CPU_WINDOWS, GPU_WINDOWS = 1, 4  # of a shard: minutes of work, beside which a file costs little


@torch.inference_mode()
def mine_on_cluster(
    loaded: LoadedModel,
    corpus: Corpus,
    out: Path,
    options: MiningOptions,
    address: str,
    progress: Progress = lambda _mined, _expected: None,
    notice: Callable[[str], None] = lambda _line: None,
    connect: Connect = connected,
) -> Manifest:
    """Write the run folder `out` as `mine` does, with the workers of the cluster at `address`.

    Tasks run on the kind of device that `loaded` is on. If it fails it leaves nothing, or finished
    shards that `resume` can go on from.
    """
    options.check()
    asked = asked_of(loaded, corpus, options.chosen_layers(len(loaded.values)), options)
    with new_run_folder(out, resume=options.resume) as writer:
        if (out / MANIFEST).exists():
            complete = RunFolder.open(out).manifest
            refuse_difference(complete.extra["asked"], asked, out)
            return complete
        if (out / CHECKPOINT).exists():
            raise RunFolderError(
                f"{out} was begun without --cluster; go on without it, or mine into another --out."
            )
        run = _Run.begin(loaded, corpus, out / SHARDS, options, asked)
        run.progress, run.notice = progress, notice
        gpus = loaded.device.type == "cuda"
        try:
            with connect(address, gpus, notice) as tasks, stop_requests():
                mined = run.mine(tasks)
            with stop_requests():
                return finish(writer, mined, options, asked, lambda: run.seconds, notice)
        except Interrupted as request:
            if not run.tree.find():
                raise
            advice = "; go on with the same command and --resume"
            raise Interrupted(request.asked, advice) from None


@dataclass
class _Run:
    """One run on a cluster, as the driver sees it."""

    order: Order
    reading: Reading
    tree: ShardTree
    windows: int  # of a shard
    begun: dict[str, Any]  # what is known of a run from its beginning, in ABOUT
    progress: Progress = lambda _mined, _expected: None
    notice: Callable[[str], None] = lambda _line: None
    _tokens: int = 0  # mined
    _sentences: int = 0  # of the corpus's own, mined
    _read: int = 0  # of the corpus's own, in this reading
    _ends: dict[Node, tuple[int, str]] = field(default_factory=dict)  # shard after, text's digest
    _started: float = field(default_factory=time.monotonic)

    @classmethod
    def begin(
        cls,
        loaded: LoadedModel,
        corpus: Corpus,
        folder: Path,
        options: MiningOptions,
        asked: dict[str, Any],
    ) -> "_Run":
        """Begin a run, or go on with the one in this folder."""
        windows = CPU_WINDOWS if loaded.device.type == "cpu" else GPU_WINDOWS
        whole = asked | {"sentences a shard": windows * reading.window_of(loaded.device)}
        begun = {"asked": whole, "command_line": command_line(), "seconds": 0.0}
        folder = folder.resolve()
        if (folder / ABOUT).exists():
            begun = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            refuse_difference(begun["asked"], whole, folder.parent)
        folder.mkdir(exist_ok=True)
        model = Path(loaded.name)
        local = loaded.name != DEMO and model.exists()
        order = Order(
            str(model.resolve()) if local else loaded.name, loaded.dtype,
            loaded.device.type, 1, options, asked, folder,
        )  # fmt: skip
        tree = ShardTree(folder, hash_of(whole))
        run = cls(order, Reading(corpus, loaded, options.max_sentences), tree, windows, begun)
        run._note()
        return run

    @property
    def seconds(self) -> float:
        """Wall-clock seconds spent on this run so far."""
        spent: float = self.begun["seconds"]
        return spent + time.monotonic() - self._started

    def mine(self, tasks: Tasks) -> Mined:
        """Mine what is left, put it together, and load it."""
        order = tasks.share(self.order)
        for node in self.tree.find():
            about = read_about(self.tree.path(node), MEND)
            self._ends[node] = about["end"], about["digest"]
            self._count(Counts(**about["counts"]))
        self._merge_due(tasks, order)
        number = 0
        for number, shard in enumerate(self._shards(), start=1):
            if self.tree.covers(shard.number) is None:
                node = Node(0, shard.number)
                self._ends[node] = number, shard.digest
                target = self.tree.path(node)
                tasks.submit(node, mine_shard, order, shard, target, forward=True)
            else:
                self._check_text(shard)
            while tasks.full:
                self._take(tasks, order)
        if any(end > number for end, _ in self._ends.values()):
            raise self._other_text()
        self.tree.shards = number
        self._merge_due(tasks, order)
        while number and self.tree.root() is None:
            self._take(tasks, order)
        return self._result()

    def _shards(self) -> Iterator[Shard]:
        """The corpus, read once."""
        corpus, digest = self.reading.corpus, self.reading.digest
        sentences: Iterator[Sentence] = islice(corpus, self.reading.max_sentences)
        number = 0
        while read := list(islice(sentences, self.windows * self.reading.window)):
            for sentence in read:
                digest.update(sentence.text.encode() + b"\n")
            self._read += len(read)
            yield Shard(
                number, number * self.windows, self.reading.window, corpus.name,
                [sentence.text for sentence in read],
                np.array([sentence.document_id for sentence in read], dtype=np.int64),
                digest.hexdigest(),
            )  # fmt: skip
            number += 1

    def _check_text(self, shard: Shard) -> None:
        """CorpusError if what was mined before an interruption is not what is read now."""
        node = self.tree.covers(shard.number)
        assert node is not None
        end, digest = self._ends[node]
        if end == shard.number + 1 and digest != shard.digest:
            raise self._other_text()

    def _other_text(self) -> CorpusError:
        return CorpusError(
            f"{self.reading.corpus.name} is not what this run began with: its first {self._read:,}"
            " sentences differ. Mine it into a new folder."
        )

    def _take(self, tasks: Tasks, order: Any) -> None:
        """Wait for a task, and hand out what its file makes possible."""
        node, answer = tasks.answer()
        if isinstance(answer, Refused):
            raise KeyholeError(answer.mistake)
        for line in answer.notices:
            self.notice(line)
        self.tree.add(node)
        self._count(answer.counts)
        self._note()
        self._merge_due(tasks, order)

    def _merge_due(self, tasks: Tasks, order: Any) -> None:
        for parent, parts in self.tree.due():
            self._ends[parent] = end, digest = self._ends[parts[-1]]
            files, about = [self.tree.path(part) for part in parts], {"end": end, "digest": digest}
            target = self.tree.path(parent)
            tasks.submit(parent, merge_parts, order, files, target, about, forward=False)

    def _count(self, counts: Counts) -> None:
        self._tokens += counts.tokens
        self._sentences += counts.read
        limit = self.reading.max_sentences
        share = max(self.reading.corpus.share_read, self._read / limit if limit else 0.0)
        if self._sentences and share:
            whole = max(self._sentences, self._read / share)
            self.progress(self._tokens, round(self._tokens / self._sentences * whole))
        else:
            self.progress(self._tokens, 0)

    def _note(self) -> None:
        """Keep how long it has taken, for a driver that goes on."""
        text = json.dumps(self.begun | {"seconds": self.seconds}, ensure_ascii=False)
        write_whole(self.order.folder / ABOUT, text)

    def _result(self) -> Mined:
        root = self.tree.root()
        if root is None:
            name = self.reading.corpus.name
            raise CorpusError(f"{name} holds no sentence with a token to mine.")
        part = Part.load(self.tree.path(root))
        self.reading.counts = part.counts
        return Mined(
            part.memory, self.reading, self.begun["command_line"], part.halved,
            part.counts.tokens / self.seconds, part.sentences,
        )  # fmt: skip
