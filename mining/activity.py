"""One pass over a layer's memory coefficients: what top-k and statistics need, and nothing kept.

Coefficients are reduced in blocks of sentences of one length, so that padding is never looked at,
and small enough for a processor's cache, so that the second look at a number costs little.

Shapes: B sentences, T tokens, F keys, b sentences of a block, L tokens of each of them.
"""

from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

import torch

from mining.batches import PlacedBatch
from mining.ordered_sum import OrderedSum

CPU_BLOCK, GPU_BLOCK = 1 << 20, 1 << 27  # coefficients reduced at a time


@dataclass
class Standing:
    """Where the best of each sentence stands, for each key, and what it beat."""

    position_BF: torch.Tensor  # int32; the first of equals
    second_BF: torch.Tensor  # the next best, as it is ranked: negated where the lowest are best


@dataclass
class BatchFigures:
    """What one batch says of one layer."""

    highest_BF: torch.Tensor  # over each sentence's ranked positions; −∞ where it has none
    lowest_BF: torch.Tensor  # +∞ where it has none; empty: not asked for
    highest_F: torch.Tensor  # of the batch, in float32
    lowest_F: torch.Tensor
    active_F: torch.Tensor  # int64: ranked positions with a coefficient above zero
    total_F: torch.Tensor  # float64
    standing: dict[int, Standing] = field(default_factory=dict)  # by sign; empty: to be looked up


def reduce_batch(coefficient_BTF: torch.Tensor, batch: PlacedBatch) -> BatchFigures:
    """Highest and lowest of each sentence, sums of all, over ranked positions only."""
    sentences, _, keys = coefficient_BTF.shape
    device = coefficient_BTF.device
    figures = BatchFigures(
        highest_BF=coefficient_BTF.new_empty((sentences, keys)),
        lowest_BF=coefficient_BTF.new_empty((sentences, keys)),
        highest_F=torch.full((keys,), -torch.inf, device=device),
        lowest_F=torch.full((keys,), torch.inf, device=device),
        active_F=torch.zeros(keys, dtype=torch.int64, device=device),
        total_F=torch.zeros(keys, dtype=torch.float64, device=device),
    )
    at_once = CPU_BLOCK if device.type == "cpu" else GPU_BLOCK
    most = max(batch.longest * keys, min(at_once, coefficient_BTF.numel()))
    above = coefficient_BTF.new_empty(most)
    for start, stop, length in batch.blocks:
        step = max(1, at_once // (length * keys))
        for row in range(start, stop, step):
            end = min(row + step, stop)
            _reduce_block(coefficient_BTF[row:end, :length], figures, slice(row, end), above)
    for row, column_L in batch.interrupted:
        figures.highest_BF[row], figures.lowest_BF[row] = -torch.inf, torch.inf
        if len(column_L):
            block_1LF = coefficient_BTF[row, column_L][None]
            _reduce_block(block_1LF, figures, slice(row, row + 1), above)
    figures.highest_F = figures.highest_BF.amax(0).float()
    figures.lowest_F = figures.lowest_BF.amin(0).float()
    return figures


def _reduce_block(
    block_bLF: torch.Tensor, figures: BatchFigures, rows: slice, above: torch.Tensor
) -> None:
    # One dimension at a time: on a CPU both at once takes 20 to 60 times as long.
    torch.amax(block_bLF, 1, out=figures.highest_BF[rows])
    torch.amin(block_bLF, 1, out=figures.lowest_BF[rows])
    figures.total_F += block_bLF.sum(1, dtype=torch.float32).sum(0)
    above_bLF = above[: block_bLF.numel()].view(block_bLF.shape)
    torch.gt(block_bLF, 0, out=above_bLF)  # written as numbers, which add up faster than booleans
    figures.active_F += above_bLF.sum(1, dtype=torch.float32).sum(0).long()


@cache
def obstacle(device: torch.device, kernels: str = "mining.one_look") -> str:
    """Why this module's kernels do not run here; empty: they do."""
    if device.type != "cuda":
        return "it is for GPUs"
    try:
        import_module(kernels).try_out(device)
    except Exception as mistake:  # whatever is lacking, or too old: the slower way gives the same
        return (str(mistake).strip() or type(mistake).__name__).splitlines()[0]
    return ""


def slower(work: str, device: torch.device, kernels: str = "mining.one_look") -> str:
    """What to tell the user where these kernels do not run, although it is no CPU; empty: nothing.

    `work` is what takes longer then, such as `Mining`.
    """
    if device.type == "cpu" or not (reason := obstacle(device, kernels)):
        return ""
    return (
        f"{work} takes longer than it could: its kernels do not run here ({reason})."
        " They need Triton, which torch for CUDA brings on Linux, and a C compiler."
    )


class KeyActivity:
    """How each key of a layer fires over the corpus; float64, since positions may be billions.

    Its figures over two ranges of windows can be put together, to the bit (ordered_sum.py).
    """

    def __init__(self, keys: int, device: torch.device) -> None:
        self.positions = torch.zeros((), dtype=torch.int64)
        self.active_F = torch.zeros(keys, dtype=torch.int64, device=device)
        self.highest_F = torch.full((keys,), -torch.inf, device=device)
        self.lowest_F = torch.full((keys,), torch.inf, device=device)
        self.window = 0  # the one that is being summed
        self.window_F = torch.zeros(keys, dtype=torch.float64, device=device)
        self.before = OrderedSum()  # of the windows before it

    def begin(self, window: int) -> None:
        """Begin with this window of the corpus."""
        self.window, self.before = window, OrderedSum(window, window)

    def add(self, figures: BatchFigures, positions: int, window: int) -> None:
        """Count a batch of a window that has so many ranked positions."""
        if window != self.window:
            self.close(window)
        self.positions += positions
        self.active_F += figures.active_F
        self.window_F += figures.total_F
        torch.maximum(self.highest_F, figures.highest_F, out=self.highest_F)
        torch.minimum(self.lowest_F, figures.lowest_F, out=self.lowest_F)

    def close(self, next_window: int) -> None:
        """Have done with the windows before this one."""
        if next_window == self.window:
            return
        self.before.add(self.window, self.window_F)
        self.before.reach(next_window)
        self.window, self.window_F = next_window, torch.zeros_like(self.window_F)

    def append(self, following: "KeyActivity") -> None:
        """Count the windows that follow; both have closed all of theirs."""
        assert self.window == following.before.first
        self.positions += following.positions
        self.active_F += following.active_F
        torch.maximum(self.highest_F, following.highest_F, out=self.highest_F)
        torch.minimum(self.lowest_F, following.lowest_F, out=self.lowest_F)
        self.before.append(following.before)
        self.window = following.window

    @property
    def total_F(self) -> torch.Tensor:
        """Sum of the coefficients over positions."""
        before_F = self.before.total()
        return self.window_F if before_F is None else before_F + self.window_F

    def active_share_F(self) -> torch.Tensor:
        """Share of positions where the key's coefficient is above zero (figure 6, per key)."""
        return self.active_F.double() / self.positions.clamp(min=1).item()

    def mean_F(self) -> torch.Tensor:
        """Mean coefficient over positions."""
        return self.total_F / self.positions.clamp(min=1).item()

    def tensors(self) -> dict[str, torch.Tensor]:
        """All of the state, by name; the tensors themselves, not copies."""
        return {
            "positions": self.positions,
            "active": self.active_F,
            "highest": self.highest_F,
            "lowest": self.lowest_F,
            "window": self.window_F,
            "windows": torch.tensor([self.before.first, self.before.end, self.window]),
        } | {f"before/{level}/{at}": sum_F for (level, at), sum_F in self.before.branches.items()}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Go on from a stored state."""
        device = self.active_F.device
        first, end, self.window = tensors["windows"].tolist()
        self.before = OrderedSum(first, end)
        for name, tensor in tensors.items():
            if name.startswith("before/"):
                _, level, at = name.split("/")
                self.before.branches[int(level), int(at)] = tensor.to(device)
        self.window_F = tensors["window"].to(device)
        for name in ("positions", "active", "highest", "lowest"):
            self.tensors()[name].copy_(tensors[name])
