"""What part of a corpus yields, and how the parts that follow one another become one.

A part counts sentences from its own first one, since nobody knows how many the sentences before it
were split into until those have been read. When parts are put together the later one's ids move up
by the sentences of the earlier; the order of places does not change by that, so the result is what
one pass over both would have held.
"""

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from mining.checkpoint import read_state, write_state
from mining.collect import below, memory_tensors
from mining.layer_memory import LayerMemory
from mining.miner import places_held, winners
from mining.reading import Counts
from mining.winning_sentences import WinningSentences

MEND = "delete it and go on with the same command and --resume"


@dataclass
class Part:
    """All that is known of some adjoining windows of a corpus."""

    memory: dict[int, LayerMemory]  # by layer, on the processor
    counts: Counts
    sentences: WinningSentences  # those that hold a place, by their ids here
    halved: int = 0  # times that memory ran out

    def append(self, following: "Part") -> None:
        """Take the part that follows this one."""
        offset = self.counts.sentences
        for layer, memory in self.memory.items():
            memory.append(following.memory[layer], offset)
        self.sentences.append(following.sentences, offset)
        ours, theirs = asdict(self.counts), asdict(following.counts)
        self.counts = Counts(**{name: ours[name] + theirs[name] for name in ours})
        self.halved += following.halved

    def let_go(self) -> None:
        """Forget the sentences that hold no place any more."""
        self.sentences = self.sentences.only(winners(places_held(self.memory)))

    def save(self, path: Path, about: dict[str, Any]) -> None:
        """Write it to a file that appears whole, whoever else writes the same one."""
        described = about | {
            "counts": asdict(self.counts),
            "halved": self.halved,
            "layers": [*self.memory],
            "signs": [*next(iter(self.memory.values())).best],
        }
        arrays = self.sentences.arrays()
        tensors = {f"sentences/{name}": torch.tensor(array) for name, array in arrays.items()}
        partial = path.with_name(f"{path.stem}-{uuid.uuid4().hex}.partial")
        write_state(path, partial, described, tensors | memory_tensors(self.memory))

    @classmethod
    def load(cls, path: Path) -> "Part":
        """Read such a file."""
        about, tensors = read_state(path, MEND)
        device = torch.device("cpu")
        memory = {}
        for layer in about["layers"]:
            stored = below(tensors, layer)
            keys, places = stored[f"held/{about['signs'][0]}/0"].shape
            memory[layer] = LayerMemory(keys, places, device, signs=about["signs"], every=False)
            memory[layer].restore(stored)
        arrays = {name: one.numpy() for name, one in below(tensors, "sentences").items()}
        sentences = WinningSentences.of_arrays(arrays)
        return cls(memory, Counts(**about["counts"]), sentences, about["halved"])


def merge_files(files: Sequence[Path], target: Path, about: dict[str, Any]) -> None:
    """Put the parts in these files, which follow one another, into one file."""
    merged = Part.load(files[0])
    for file in files[1:]:
        merged.append(Part.load(file))
    merged.let_go()
    merged.save(target, about)
