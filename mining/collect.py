"""The one pass of the model over a corpus: every layer's memory, batch by batch, to the end.

It can be interrupted at any moment and taken up again from its last checkpoint; it makes do with
less memory when there is too little, and stops where a coefficient is not a finite number.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch

from mining.batches import Batch, PlacedBatch, ahead, batches
from mining.capture import memory_coefficients
from mining.checkpoint import Checkpoints, load_checkpoint, refuse_difference
from mining.errors import Interrupted, ModelError
from mining.interrupts import StopRequests
from mining.layer_memory import LayerMemory
from mining.models import LoadedModel
from mining.reading import Counts, Reading
from mining.spare_memory import give_back

Progress = Callable[[int, int], None]  # (tokens mined, tokens expected or 0)


@dataclass
class Pass:
    """One pass in progress: what is mined, what has been found, and how far it has come."""

    loaded: LoadedModel
    reading: Reading
    memory: dict[int, LayerMemory]  # by layer
    asked: dict[str, Any]  # what must be the same for a run to be resumed
    command_line: list[str]
    checkpoints: Checkpoints | None  # None: an interrupted pass begins again
    batch_tokens: int
    progress: Progress = lambda _mined, _expected: None
    notice: Callable[[str], None] = lambda _line: None
    seconds_before: float = 0.0  # spent before an interruption
    halved: int = 0  # times that memory ran out
    _most: int | None = None  # ids a forward pass may have, once memory has run out
    _mined: int = 0  # tokens
    _last: Batch | None = None
    _started: float = field(default_factory=time.monotonic)

    def begin(self, window: int, sentences: int) -> None:
        """Mine a part of a corpus that begins with this window of so many sentences."""
        self.reading = replace(self.reading, first_window=window, window=sentences)
        for memory in self.memory.values():
            memory.activity.begin(window)

    def run(self, stops: StopRequests) -> Reading:
        """Mine what is left; Interrupted where somebody asks for it, with a checkpoint written."""
        start, digest, done = self._restore()
        try:
            for batch, placed in ahead(self._stream(start, digest, done)):
                if self._last is not None and batch.window is not self._last.window:
                    give_back()
                with stops.batch():
                    self.take(batch, placed)
                    self._last = batch
                self._mined += batch.tokens
                self.progress(self._mined, batch.window.expected_tokens)
                if self.checkpoints is not None and self.checkpoints.due:
                    self._save(self.checkpoints)
        except Interrupted as request:
            if self._last is None or self.checkpoints is None:
                raise
            self._save(self.checkpoints)
            raise Interrupted(request.asked, "; go on with the same command and --resume") from None
        for memory in self.memory.values():
            memory.activity.close(self.reading.end_window)
        # What follows can take its time too. A run resumed after its last batch has nothing to add.
        if (
            self.checkpoints is not None
            and self._last is not None
            and self.seconds > self.checkpoints.seconds
        ):
            self._save(self.checkpoints)
        give_back()
        return self.reading

    @property
    def seconds(self) -> float:
        """Wall-clock seconds spent on this run so far."""
        return self.seconds_before + time.monotonic() - self._started

    def _stream(
        self, start: Counts | None, digest: str | None, done: int
    ) -> Iterator[tuple[Batch, PlacedBatch]]:
        mixed = self.loaded.device.type != "cpu"
        for window in self.reading.windows(start, digest):
            for batch in batches(window, self.loaded, self.batch_tokens, mixed=mixed):
                if batch.index >= done:
                    yield batch, PlacedBatch.of(batch, self.loaded.device)
                else:
                    self._mined += batch.tokens
            done = 0

    def take(self, batch: Batch, placed: PlacedBatch | None = None) -> None:
        """Run a batch, in parts if memory is short."""
        waiting = [batch]
        while waiting:
            part = waiting.pop(0)
            on_device = placed if part is batch else None
            several = len(part.length_B) > 1
            if several and self._most is not None and part.ids_BU.size > self._most:
                waiting[:0] = part.halves()
            elif not self._fits(part, on_device):
                if not several:
                    raise ModelError(
                        f"Out of memory on a single sentence of {part.tokens} tokens; use another"
                        " --device, or a smaller model."
                    )
                self._most = part.ids_BU.size // 2
                self.halved += 1
                self.notice(f"out of memory: going on with {self._most:,} tokens a batch")
                waiting[:0] = part.halves()

    def _fits(self, batch: Batch, placed: PlacedBatch | None) -> bool:
        """Run a batch; False if it takes more memory than there is."""
        try:
            placed = placed or PlacedBatch.of(batch, self.loaded.device)
            self._forward(placed, lambda layer, value: self.memory[layer].see(value, placed))
            for memory in self.memory.values():
                memory.offer_seen()
        except (RuntimeError, MemoryError) as mistake:
            if not _out_of_memory(mistake):
                raise
            torch.cuda.empty_cache()
            return False
        finite = torch.stack([memory.commit() for memory in self.memory.values()])
        if not bool(finite.all()):
            raise self._not_finite(batch, placed)
        return True

    def _forward(self, placed: PlacedBatch, consumer: Callable[[int, torch.Tensor], None]) -> None:
        """One forward pass; the consumer gets [B, T, F], without the leading special tokens."""
        rows, width = placed.fed_RU.shape
        sentences = len(placed.sentence_B)
        lead = len(self.loaded.lead_ids)

        def own(layer: int, coefficient: torch.Tensor) -> None:
            consumer(layer, coefficient.reshape(rows, width, -1)[:sentences, lead:])

        with memory_coefficients(self.loaded.values, self.memory, own):
            self.loaded.model(input_ids=placed.fed_RU, use_cache=False)

    def _not_finite(self, batch: Batch, placed: PlacedBatch) -> ModelError:
        """Which coefficient it is that is infinite or no number."""
        found: list[tuple[int, int, int, int]] = []

        def look(layer: int, coefficient_BTF: torch.Tensor) -> None:
            bad_BTF = ~coefficient_BTF.isfinite()
            if placed.unranked_BT is not None:
                bad_BTF &= ~placed.unranked_BT[..., None]
            if not found and bool(bad_BTF.any()):
                row, position, key = bad_BTF.nonzero()[0].tolist()
                found.append((layer, key, int(batch.sentence_B[row]), position))

        self._forward(placed, look)
        if not found:
            layer, memory = next(
                at for at in self.memory.items() if not at[1].activity.window_F.isfinite().all()
            )
            key = int(memory.activity.window_F.isfinite().int().argmin())
            return ModelError(
                f"Layer {layer}, key {key} has coefficients so large that their sum is infinite;"
                " the weights are damaged."
            )
        layer, key, sentence, position = found[0]
        text = batch.window.sentences[sentence - batch.window.before.sentences].text
        return ModelError(
            f"Layer {layer}, key {key} has a coefficient that is infinite or no number, at token"
            f" {position} of sentence {sentence} ({text[:60]!r}); the weights are damaged, or the"
            " numbers are too large for this --dtype."
        )

    def _save(self, checkpoints: Checkpoints) -> None:
        assert self._last is not None
        about = {
            "asked": self.asked,
            "command_line": self.command_line,
            "counts": asdict(self._last.window.before),
            "digest": self._last.window.digest_before,
            "batches_done": self._last.index + 1,
            "seconds": self.seconds,
            "most": self._most,
            "halved": self.halved,
        }
        checkpoints.save(about, memory_tensors(self.memory))

    def _restore(self) -> tuple[Counts | None, str | None, int]:
        """Where to read on: (what was read before the window at hand, its digest, batches done)."""
        folder = self.checkpoints.folder if self.checkpoints is not None else None
        stored = load_checkpoint(folder) if folder is not None else None
        if folder is None or stored is None:
            return None, None, 0
        about, tensors = stored
        refuse_difference(about["asked"], self.asked, folder)
        for layer, memory in self.memory.items():
            memory.restore(below(tensors, layer))
        counts = Counts(**about["counts"])
        self.command_line = about["command_line"]
        self.seconds_before = about["seconds"]
        self._most, self.halved, self._mined = about["most"], about["halved"], counts.tokens
        return counts, about["digest"], about["batches_done"]


def memory_tensors(memory: dict[int, LayerMemory]) -> dict[str, torch.Tensor]:
    """All of the state of several layers, by name."""
    return {
        f"{layer}/{name}": tensor
        for layer, of_layer in memory.items()
        for name, tensor in of_layer.tensors().items()
    }


def below(tensors: dict[str, torch.Tensor], part: int | str) -> dict[str, torch.Tensor]:
    """One part of a stored state, such as a layer's."""
    before = f"{part}/"
    return {name[len(before) :]: one for name, one in tensors.items() if name.startswith(before)}


def _out_of_memory(mistake: BaseException) -> bool:
    if isinstance(mistake, (torch.OutOfMemoryError, MemoryError)):
        return True
    # The allocator for processors raises no class of its own.
    return "can't allocate memory" in str(mistake) or "not enough memory" in str(mistake)
