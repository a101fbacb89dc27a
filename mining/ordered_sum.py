"""Sums over a corpus whose last bit does not depend on who added them up, or in which order.

Floating-point addition is not associative. So each reading window is summed by itself, and windows
are added in a fixed binary tree over their numbers: 0 + 1, 2 + 3, then (0 + 1) + (2 + 3), and so
on. Any adjoining ranges of windows, each summed somewhere else, add up to the same bits. Only the
largest whole branches are kept: some twenty tensors for millions of windows.
"""

from collections.abc import Iterable

import torch

Branch = tuple[int, int]  # (level, index): windows index · 2^level to (index + 1) · 2^level


class OrderedSum:
    """The sum of a value over windows `first` to `end`, as the branches of the tree it fills."""

    def __init__(self, first: int = 0, end: int = 0) -> None:
        self.first, self.end = first, end
        self.branches: dict[Branch, torch.Tensor] = {}  # one that is absent is zero

    def add(self, window: int, value_F: torch.Tensor) -> None:
        """Add a window, later than all before; those between hold nothing."""
        assert window >= self.end
        self.branches[0, window] = value_F
        self.reach(window + 1)

    def reach(self, end: int) -> None:
        """Count windows up to `end` as read, with nothing more in them."""
        assert end >= self.end
        self.end = end
        self._grow()

    def append(self, following: "OrderedSum") -> None:
        """Add the windows that follow these."""
        assert following.first == self.end
        self.branches.update(following.branches)
        self.end = following.end
        self._grow()

    def total(self) -> torch.Tensor | None:
        """The sum of all branches, first to last; None where nothing was ever added."""
        return _sum(self.branches[branch] for branch in sorted(self.branches, key=_begin))

    def _grow(self) -> None:
        """Let branches whose sibling lies within the range too become their parent."""
        level = 0
        while any(at >= level for at, _ in self.branches):
            for branch in sorted(one for one in self.branches if one[0] == level):
                parent = (level + 1, branch[1] // 2)
                begin = _begin(parent)
                if self.first <= begin and begin + (1 << parent[0]) <= self.end:
                    value_F, other_F = self.branches.pop(branch), self.branches.get(parent)
                    self.branches[parent] = value_F if other_F is None else other_F + value_F
            level += 1


def _begin(branch: Branch) -> int:
    level, index = branch
    return index << level


def _sum(values: Iterable[torch.Tensor]) -> torch.Tensor | None:
    total: torch.Tensor | None = None
    for value_F in values:
        total = value_F if total is None else total + value_F
    return total
