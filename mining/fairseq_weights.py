"""The tensors of a fairseq language model, each once and under one name.

A checkpoint may hold a tied tensor under both of its names, and older files keep q, k and v in one.
Whatever is missing, left over or of another shape than the rest asks for is named.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from mining.errors import ModelError
from mining.fairseq_checkpoint import FairseqCheckpoint

EMBEDDING = "decoder.embed_tokens.embeddings"
SOFTMAX = "decoder.adaptive_softmax"
_NAMED = 5  # names of a kind in one message

Shape = tuple[int, ...]


@dataclass
class Weights:
    """A checkpoint's tensors by the names they have in it; tied ones by the embedding's name."""

    path: Path
    tensors: dict[str, torch.Tensor]
    tied: dict[str, str] = field(default_factory=dict)  # the softmax's name → the embedding's

    @classmethod
    def of(cls, stored: FairseqCheckpoint) -> "Weights":
        """Take them out of a checkpoint; ModelError if tensors that are tied differ."""
        weights = cls(stored.path, dict(stored.tensors))
        weights._split()
        if weights.tied_words:
            tied = stored.flag("tie_adaptive_proj")
            if tied is None and (apart := stored.flag("no_tie_adaptive_proj")) is not None:
                tied = not apart  # as it was called before
            weights._tie(tied)
        return weights

    @property
    def tied_words(self) -> bool:
        """Whether the softmax's words are the embedding's."""
        return f"{SOFTMAX}.head.weight" not in self.tensors

    @property
    def bands(self) -> int:
        """How many bands of words there are: two tensors of a band show it, or one and the head."""
        classes = self.shape(f"{SOFTMAX}.head.class_proj.weight") or (0,)
        count = 0
        while True:
            stems = [f"{EMBEDDING}.{count}", f"{SOFTMAX}.tail.{count - 1}"][: 1 + self.tied_words]
            names = {f"{stem}.{part}.weight" for stem in stems for part in (0, 1, 2)}
            shown = len(names & self.tensors.keys())
            if not shown or (shown == 1 and self.tied_words and count > classes[0]):
                return count
            count += 1

    def shape(self, name: str) -> Shape | None:
        """The shape of a tensor; None: there is no such one."""
        return tuple(self.tensors[name].shape) if name in self.tensors else None

    def run(self, *names: str) -> int:
        """How many numbers from 0 on there is a tensor for, under any of these names."""
        number = 0
        while any(name.format(number) in self.tensors for name in names):
            number += 1
        return number

    def _split(self) -> None:
        """q, k and v from the one tensor of older files."""
        for name in [*self.tensors]:
            before, in_proj, kind = name.rpartition("in_proj_")
            parts = [f"{before}{part}_proj.{kind}" for part in "qkv"]
            whole = self.tensors[name]
            if not in_proj or self.tensors.keys() & set(parts):
                continue  # what is there twice is left over, and named
            if not whole.ndim or not len(whole) or len(whole) % 3:
                raise ModelError(
                    f"{self.path}: {name} has the shape {times(tuple(whole.shape))}; it must hold"
                    " as many rows of q as of k and of v."
                )
            del self.tensors[name]
            self.tensors.update(zip(parts, whole.chunk(3), strict=True))

    def _tie(self, projections: bool | None) -> None:
        """Keep what the softmax shares with the embedding once, under the embedding's name.

        `projections`: what the settings say of the tails' projections; None: nothing.
        """
        for words in ("word_proj", "word_proj.1"):  # the latter where the band is narrower
            self._share(f"{SOFTMAX}.head.{words}.weight", f"{EMBEDDING}.0.0.weight")
        for band in range(1, self.bands):
            tail, projection = f"{SOFTMAX}.tail.{band - 1}", f"{EMBEDDING}.{band}.1.weight"
            self._share(f"{tail}.2.weight", f"{EMBEDDING}.{band}.0.weight")
            own, table = self.shape(f"{tail}.0.weight"), self.shape(f"{EMBEDDING}.{band}.0.weight")
            if own is None:
                apart = projections is False  # and missing, so that it is named
            else:  # one of its own has [width, d_model], the embedding's [d_model, width]
                apart = own[:1] == (table or ())[1:] and (
                    projections is False or (projections is None and own[0] != own[-1])
                )
            if not apart:
                self._share(f"{tail}.0.weight", projection)

    def _share(self, name: str, embedding: str) -> None:
        """`name` stands for the embedding's tensor; one of the two may be absent."""
        self.tied[name] = embedding
        tensor = self.tensors.pop(name, None)
        if tensor is None:
            return
        other = self.tensors.setdefault(embedding, tensor)
        if other.shape != tensor.shape or not torch.equal(other, tensor):
            raise ModelError(
                f"{self.path}: {name} and {embedding} are tied, so one tensor, but they differ;"
                " is the checkpoint damaged?"
            )

    def check(self, expected: Mapping[str, Shape]) -> None:
        """ModelError that names what is missing, left over or of another shape, in one line."""
        wanted = {self.tied.get(name, name): shape for name, shape in expected.items()}
        found = {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}
        shared = wanted.keys() & found.keys()
        kinds = (
            ("lacks", wanted.keys() - found.keys()),
            ("has no place for", found.keys() - wanted.keys()),
            ("has in another shape than the rest asks for", {
                f"{name} ({times(found[name])}, not {times(wanted[name])})"
                for name in shared if found[name] != wanted[name]
            }),
        )  # fmt: skip
        said = [f"{kind} {_some(sorted(names))}" for kind, names in kinds if names]
        if said:
            raise ModelError(f"The model in {self.path} {'; it '.join(said)}.")

    def place(
        self,
        module: nn.Module,
        before: str,
        device: torch.device,
        dtype: torch.dtype,
        tied_to: nn.Module | None = None,
    ) -> None:
        """Move tensors into a module of the meta device, each out of here as it is copied.

        `before`: what stands before the module's own names in the checkpoint. Tensors that are tied
        are those of `tied_to`, the decoder.
        """
        placed = {} if tied_to is None else tied_to.state_dict()
        state = {}
        for name in module.state_dict():
            whole = f"{before}.{name}"
            if whole in self.tied:
                state[name] = placed[self.tied[whole].partition(".")[2]]
            else:
                state[name] = self.tensors.pop(whole).to(
                    device, dtype, copy=True, memory_format=torch.contiguous_format
                )
        module.load_state_dict(state, assign=True)


def times(shape: Shape) -> str:
    """A shape as people write it."""
    return " × ".join(map(str, shape)) or "a single number"


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
