"""What is remembered of one layer while the corpus streams by: its best places and statistics.

Shapes: B sentences, T of their own tokens, F keys, N (sentence, key) pairs that reach a place.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from mining.activity import BatchFigures, KeyActivity, Standing, reduce_batch
from mining.batches import PlacedBatch
from mining.topk import Places, RunningTopK, place

_LEAST = 2.0**-149  # the lowest float32 above zero: only positive coefficients count
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
        once: bool = False,
    ) -> None:
        """`every`: rank all prefixes of a sentence, not only its best one.

        `only`: these keys of the layer, as many as `keys`; they are numbered from 0 here.
        `once`: look at coefficients once, by the kernel of one_look.py, and merge in bulk.
        """
        self.best = {sign: RunningTopK(keys, places, device, in_bulk=once) for sign in signs}
        self.activity = KeyActivity(keys, device)
        self._every = every
        self._only = only
        self._once = once
        self._seen: tuple[BatchFigures, PlacedBatch] | None = None
        self._offered = True

    def see(self, coefficient_BTF: torch.Tensor, batch: PlacedBatch) -> None:
        """Take what one batch offers. Seeing a batch again, as after a failure, changes nothing."""
        if self._only is not None:
            coefficient_BTF = coefficient_BTF.index_select(-1, self._only)
        if self._once:
            from mining.one_look import look_once

            figures = look_once(coefficient_BTF, batch, both=-1 in self.best)
        else:
            figures = reduce_batch(coefficient_BTF, batch)
        self._seen = figures, batch
        # What can wait does: to count the offers, a GPU must have done all that it was told to do,
        # and until it is told more, it idles.
        self._offered = self._every or not figures.standing
        if self._offered:
            self._offer(figures, batch, coefficient_BTF)

    def _offer(
        self, figures: BatchFigures, batch: PlacedBatch, coefficient_BTF: torch.Tensor | None
    ) -> None:
        """`coefficient_BTF`: to look up places in; None: the figures tell where they are."""
        for sign, best in self.best.items():
            best_BF = figures.highest_BF if sign == 1 else -figures.lowest_BF
            reaching = Reaching(best, best_BF, batch, sign, self._every)
            if coefficient_BTF is None:
                best.offer(*reaching.offers_standing(figures.standing[sign]))
                continue
            for offers, repeated_N in reaching.offers(coefficient_BTF):
                best.offer(offers, repeated_N)

    def offer_seen(self) -> None:
        """Make the offers of the batch last seen that could wait until the model had run."""
        assert self._seen is not None
        if not self._offered:
            self._offer(*self._seen, None)
            self._offered = True

    def commit(self) -> torch.Tensor:
        """Count the batch last seen; a boolean: whether all coefficients so far are finite."""
        assert self._seen is not None and self._offered
        figures, batch = self._seen
        self.activity.add(figures, batch.positions, batch.window)
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
    batch: PlacedBatch
    sign: int
    every: bool

    def pairs(
        self, distinct_BF: Callable[[], torch.Tensor] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(row, key) of each pair, row by row.

        `distinct_BF`: the best coefficients, −∞ where another sentence has that prefix.
        """
        reaching_BF = self.best_BF >= self.best.threshold_F.clamp(min=_LEAST)
        row_N, key_N = reaching_BF.nonzero(as_tuple=True)
        keys, places = self.best.held_FR[0].shape
        apart_B = self.batch.apart_B
        rows = len(apart_B) if distinct_BF is None else len(self.best_BF)
        if len(row_N) > 2 * keys * places and rows >= places:
            # Too many, as at the start. What is below the last place among different prefixes
            # alone cannot win one; sentences apart offer such.
            apart_BF = self.best_BF[apart_B] if distinct_BF is None else distinct_BF()
            floor_F = apart_BF.T.contiguous().topk(places, sorted=False).values.amin(1)
            kept_N = self.best_BF[row_N, key_N] >= floor_F[key_N]
            row_N, key_N = row_N[kept_N], key_N[kept_N]
        return row_N, key_N

    def offers(self, coefficient_BTF: torch.Tensor) -> list[tuple[Places, torch.Tensor]]:
        """What these pairs offer, and which offers share a prefix with another sentence.

        Where the best of a sentence stands is looked up here, for the few that matter.
        """
        row_N, key_N = self.pairs()
        at_once = CPU_LOOKUPS if coefficient_BTF.device.type == "cpu" else GPU_LOOKUPS
        step = max(1, at_once // coefficient_BTF.shape[1])
        return [
            self._look_up(coefficient_BTF, rows, keys)
            for rows, keys in zip(torch.split(row_N, step), torch.split(key_N, step), strict=True)
        ]

    def offers_standing(self, standing: Standing) -> tuple[Places, torch.Tensor]:
        """The same, where it is known already where the best of each sentence stands."""

        def distinct_BF() -> torch.Tensor:
            repeated_BF = self.batch.repeated_BT.gather(1, standing.position_BF.long())
            return self.best_BF.masked_fill(repeated_BF, -torch.inf)

        row_N, key_N = self.pairs(distinct_BF)
        coefficient_N = self.best_BF[row_N, key_N].float()
        margin_N = coefficient_N - standing.second_BF[row_N, key_N].float()
        position_N = standing.position_BF[row_N, key_N].long()
        return self._placed(row_N, key_N, position_N, coefficient_N, margin_N)

    def _look_up(
        self, coefficient_BTF: torch.Tensor, row_N: torch.Tensor, key_N: torch.Tensor
    ) -> tuple[Places, torch.Tensor]:
        value_NT = coefficient_BTF[row_N, :, key_N].float()
        if self.sign < 0:
            value_NT = -value_NT
        if self.batch.unranked_BT is not None:
            value_NT.masked_fill_(self.batch.unranked_BT[row_N], -torch.inf)
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
        return self._placed(row_N, key_N, position_N, coefficient_N, margin_N)

    def _placed(
        self,
        row_N: torch.Tensor,
        key_N: torch.Tensor,
        position_N: torch.Tensor,
        coefficient_N: torch.Tensor,
        margin_N: torch.Tensor,
    ) -> tuple[Places, torch.Tensor]:
        at_N = place(self.batch.sentence_B[row_N], position_N)
        prefix_N = self.batch.prefix_BT[row_N, position_N]
        offers = Places(key_N, coefficient_N, at_N, prefix_N, margin_N)
        return offers, self.batch.repeated_BT[row_N, position_N]
