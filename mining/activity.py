"""How each key of one layer fires over the corpus, in the same pass: share, mean, extremes."""

import torch


class KeyActivity:
    """Running figures over ranked positions; sums in float64, since there may be billions."""

    def __init__(self, keys: int, device: torch.device) -> None:
        self.positions = 0
        self.active_F = torch.zeros(keys, dtype=torch.int64, device=device)
        self.total_F = torch.zeros(keys, dtype=torch.float64, device=device)
        self.highest_F = torch.full((keys,), -torch.inf, device=device)
        self.lowest_F = torch.full((keys,), torch.inf, device=device)

    def add(self, coefficient_XYF: torch.Tensor) -> None:
        """Count these positions [X, Y], padding and special tokens already left out."""
        rows, columns, _ = coefficient_XYF.shape
        if not rows * columns:
            return
        self.positions += rows * columns
        # One dimension at a time: on a CPU both at once takes 20 to 60 times as long.
        above_XYF = coefficient_XYF.clamp(0, 1).ceil_()  # 1 where positive, else 0
        self.active_F += above_XYF.sum(1, dtype=torch.float32).sum(0).long()
        self.total_F += coefficient_XYF.sum(1, dtype=torch.float32).sum(0)
        highest_F, lowest_F = coefficient_XYF.amax(1).amax(0), coefficient_XYF.amin(1).amin(0)
        self.highest_F = torch.maximum(self.highest_F, highest_F.float())
        self.lowest_F = torch.minimum(self.lowest_F, lowest_F.float())

    def active_share_F(self) -> torch.Tensor:
        """Share of positions where the key's coefficient is above zero (figure 6, per key)."""
        return self.active_F.double() / max(1, self.positions)

    def mean_F(self) -> torch.Tensor:
        """Mean coefficient over positions."""
        return self.total_F / max(1, self.positions)
