"""What is remembered of one layer while the corpus streams by: its best places and statistics.

Shapes: B sentences, T of their own tokens, F keys, N (sentence, key) pairs that reach a place.
"""

from dataclasses import dataclass, replace

import torch

from mining.activity import BatchFigures, KeyActivity, reduce_batch
from mining.batches import PlacedBatch
from mining.topk import Places, RunningTopK, place

CPU_LOOKUPS, GPU_LOOKUPS = 1 << 22, 1 << 26  # coefficients looked up at a time


class LayerMemory:
    """The state of one layer: [F keys, R places] a sign, whatever the length of the corpus."""

    def __init__(
        self,
        keys: int,
        places: int,
        device: torch.device,
        *,
        signs: tuple[int, ...],
        every: bool,
        only: torch.Tensor | None = None,
    ) -> None:
        """`every`: rank all prefixes of a sentence, not only its best one.

        `only`: these keys of the layer, as many as `keys`; they are numbered from 0 here.
        """
        self.best = {sign: RunningTopK(keys, places, device) for sign in signs}
        self.activity = KeyActivity(keys, device)
        self._every = every
        self._only = only
        self._seen: tuple[BatchFigures, int, int] | None = None

    def see(self, coefficient_BTF: torch.Tensor, batch: PlacedBatch) -> None:
        """Take what one batch offers. Seeing a batch again, as after a failure, changes nothing."""
        if self._only is not None:
            coefficient_BTF = coefficient_BTF.index_select(-1, self._only)
        figures = reduce_batch(coefficient_BTF, batch)
        self._seen = figures, batch.positions, batch.window
        for sign, best in self.best.items():
            best_BF = figures.highest_BF if sign == 1 else -figures.lowest_BF
            reaching = Reaching(best, best_BF, batch.apart_B, sign, self._every)
            for offers, repeated_N in reaching.offers(coefficient_BTF, batch):
                best.offer(offers, repeated_N)

    def commit(self) -> torch.Tensor:
        """Count the batch last seen; a boolean: whether all coefficients so far are finite."""
        assert self._seen is not None
        self.activity.add(*self._seen)
        self._seen = None
        return self.activity.window_F.isfinite().all()

    def append(self, following: "LayerMemory", sentences: int) -> None:
        """Take what was found in the windows that follow, where ids begin after so many sentences.

        It is as if these had been seen here: what holds no place there holds none in both.
        """
        for sign, best in self.best.items():
            places = following.best[sign].result()
            moved = replace(
                places, at_N=places.at_N + place(torch.tensor(sentences), torch.tensor(0))
            )
            best.offer(moved, torch.zeros(len(moved), dtype=torch.bool))
            best.merge()
        self.activity.append(following.activity)

    def tensors(self) -> dict[str, torch.Tensor]:
        """All of the state, by name; the tensors themselves, not copies."""
        for best in self.best.values():
            best.merge()
        held = {
            f"held/{sign}/{index}": column_FR
            for sign, best in self.best.items()
            for index, column_FR in enumerate(best.held_FR)
        }
        return held | self.activity.tensors()

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Go on from a stored state."""
        for sign, best in self.best.items():
            for index, column_FR in enumerate(best.held_FR):
                column_FR.copy_(tensors[f"held/{sign}/{index}"])
        self.activity.restore(tensors)


@dataclass(frozen=True)
class Reaching:
    """The (sentence, key) pairs of a batch whose best coefficient reaches a place."""

    best: RunningTopK
    best_BF: torch.Tensor
    apart_B: torch.Tensor
    sign: int
    every: bool

    def pairs(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(row, key) of each pair, row by row."""
        reaching_BF = (self.best_BF >= self.best.threshold_F) & (self.best_BF > 0)
        row_N, key_N = reaching_BF.nonzero(as_tuple=True)
        keys, places = self.best.held_FR[0].shape
        if len(row_N) > 2 * keys * places and len(self.apart_B) >= places:
            # Too many, as at the start. Sentences apart offer different prefixes, so whatever is
            # below the last place among them alone cannot win one.
            apart_FB = self.best_BF[self.apart_B].T.contiguous()
            floor_F = apart_FB.topk(places, sorted=False).values.amin(1)
            kept_N = self.best_BF[row_N, key_N] >= floor_F[key_N]
            row_N, key_N = row_N[kept_N], key_N[kept_N]
        return row_N, key_N

    def offers(
        self, coefficient_BTF: torch.Tensor, batch: PlacedBatch
    ) -> list[tuple[Places, torch.Tensor]]:
        """What these pairs offer, and which offers share a prefix with another sentence.

        Where the best of a sentence stands is looked up here, for the few that matter.
        """
        row_N, key_N = self.pairs()
        at_once = CPU_LOOKUPS if coefficient_BTF.device.type == "cpu" else GPU_LOOKUPS
        step = max(1, at_once // coefficient_BTF.shape[1])
        return [
            self._look_up(coefficient_BTF, batch, rows, keys)
            for rows, keys in zip(torch.split(row_N, step), torch.split(key_N, step), strict=True)
        ]

    def _look_up(
        self,
        coefficient_BTF: torch.Tensor,
        batch: PlacedBatch,
        row_N: torch.Tensor,
        key_N: torch.Tensor,
    ) -> tuple[Places, torch.Tensor]:
        value_NT = coefficient_BTF[row_N, :, key_N].float()
        if self.sign < 0:
            value_NT = -value_NT
        if batch.unranked_BT is not None:
            value_NT.masked_fill_(batch.unranked_BT[row_N], -torch.inf)
        if self.every:
            threshold_N1 = self.best.threshold_F[key_N][:, None]
            pair_N, position_N = ((value_NT >= threshold_N1) & (value_NT > 0)).nonzero(
                as_tuple=True
            )
            coefficient_N = value_NT[pair_N, position_N]
            row_N, key_N = row_N[pair_N], key_N[pair_N]
            margin_N = torch.full_like(coefficient_N, torch.inf)  # nothing else had to be beaten
        else:
            position_N = value_NT.argmax(1)  # the first of equals
            coefficient_N = value_NT.gather(1, position_N[:, None])[:, 0]
            value_NT.scatter_(1, position_N[:, None], -torch.inf)
            margin_N = coefficient_N - value_NT.amax(1)
        at_N = place(batch.sentence_B[row_N], position_N)
        prefix_N = batch.prefix_BT[row_N, position_N]
        offers = Places(key_N, coefficient_N, at_N, prefix_N, margin_N)
        return offers, batch.repeated_BT[row_N, position_N]
