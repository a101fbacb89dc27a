"""The running exact top-k of every key of one layer: pure tensors, no model, no text.

The state is [F keys, R places], whatever the length of the corpus. Offers below a key's current
R-th place are dropped at once; the rest wait in a buffer and are merged in bulk, so that the cost
falls as the stream goes on. Places are ordered by coefficient (descending), then sentence, then
position, and a prefix seen in several sentences holds one place, with the lowest sentence.

Shapes: B sentences, T tokens, F keys, R places, N offers.
"""

from dataclasses import dataclass

import torch

MERGE_AT = 4  # offers waiting before they are merged, as a multiple of the places there are


@dataclass(frozen=True)
class Places:
    """Offers or places, one row each; `key` is ascending once merged."""

    key_N: torch.Tensor  # int64
    coefficient_N: torch.Tensor  # float32
    sentence_N: torch.Tensor  # int64
    position_N: torch.Tensor  # int64, index of the prefix's last token in the sentence
    prefix_N: torch.Tensor  # int64 hash of the token ids from the sentence's start

    def __len__(self) -> int:
        return len(self.key_N)

    def __getitem__(self, index: torch.Tensor) -> "Places":
        return Places(*(tensor[index] for tensor in self._tensors()))

    def _tensors(self) -> tuple[torch.Tensor, ...]:
        return self.key_N, self.coefficient_N, self.sentence_N, self.position_N, self.prefix_N

    @staticmethod
    def concatenate(parts: list["Places"]) -> "Places":
        """All rows of several, in order."""
        columns = zip(*(part._tensors() for part in parts), strict=True)
        return Places(*(torch.cat(column) for column in columns))


class RunningTopK:
    """The best `places` positive coefficients of each of `keys` keys, exactly."""

    def __init__(self, keys: int, places: int, device: torch.device) -> None:
        self.places = places
        self._merge_at = MERGE_AT * keys * places
        # Only positive coefficients count, so the first threshold is zero, not minus infinity.
        self.threshold_F = torch.zeros(keys, device=device)
        empty = torch.empty(0, dtype=torch.int64, device=device)
        self._held = Places(empty, empty.float(), empty, empty, empty)
        self._waiting: list[Places] = []
        self._waiting_rows = 0

    def offer_best(
        self,
        coefficient_BTF: torch.Tensor,
        sentence_B: torch.Tensor,
        prefix_BT: torch.Tensor,
    ) -> None:
        """Offer each sentence's best prefix to each key: the earliest of equals."""
        best_BF = coefficient_BTF.amax(1)
        row_N, key_N = self._reaching(best_BF)
        if not len(row_N):
            return
        # Where the best stands is looked up for the few that matter: it costs more than the best.
        equal_NT = coefficient_BTF[row_N, :, key_N] == best_BF[row_N, key_N][:, None]
        position_N = equal_NT.int().argmax(1)
        self._wait(
            Places(
                key_N, best_BF[row_N, key_N].float(), sentence_B[row_N], position_N,
                prefix_BT[row_N, position_N],
            )
        )  # fmt: skip

    def offer_all(
        self,
        coefficient_NF: torch.Tensor,
        sentence_N: torch.Tensor,
        position_N: torch.Tensor,
        prefix_N: torch.Tensor,
    ) -> None:
        """Offer every prefix (one row each) to every key."""
        row_M, key_M = self._reaching(coefficient_NF)
        if len(row_M):
            self._wait(
                Places(
                    key_M, coefficient_NF[row_M, key_M].float(), sentence_N[row_M],
                    position_N[row_M], prefix_N[row_M],
                )
            )  # fmt: skip

    def result(self) -> Places:
        """The places held, ordered by key and within a key by rank."""
        self._merge()
        return self._held

    def _reaching(self, coefficient_NF: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # An equal coefficient may still win its place by a lower sentence id.
        reaching = (coefficient_NF >= self.threshold_F) & (coefficient_NF > 0)
        row_M, key_M = reaching.nonzero(as_tuple=True)
        return row_M, key_M

    def _wait(self, offers: Places) -> None:
        self._waiting.append(offers)
        self._waiting_rows += len(offers)
        if self._waiting_rows >= self._merge_at:
            self._merge()

    def _merge(self) -> None:
        if not self._waiting:
            return
        merged = ranked(distinct(Places.concatenate([self._held, *self._waiting])))
        self._waiting, self._waiting_rows = [], 0
        rank_N = rank_within_key(merged.key_N)
        self._held = merged[rank_N < self.places]
        last = merged[rank_N == self.places - 1]
        self.threshold_F[last.key_N] = last.coefficient_N


def distinct(offers: Places) -> Places:
    """One row for each prefix of each key: the one in the lowest sentence."""
    order_N = torch.argsort(offers.sentence_N, stable=True)
    identity_N = _mixed(offers.key_N) ^ offers.prefix_N
    order_N = order_N[torch.argsort(identity_N[order_N], stable=True)]
    sorted_N = identity_N[order_N]
    first_N = torch.ones_like(sorted_N, dtype=torch.bool)
    first_N[1:] = sorted_N[1:] != sorted_N[:-1]
    return offers[order_N[first_N]]


def ranked(offers: Places) -> Places:
    """Rows by key, then coefficient descending, sentence, position."""
    order_N = torch.argsort(offers.position_N, stable=True)
    for column_N in (offers.sentence_N, -offers.coefficient_N, offers.key_N):
        order_N = order_N[torch.argsort(column_N[order_N], stable=True)]
    return offers[order_N]


def rank_within_key(key_N: torch.Tensor) -> torch.Tensor:
    """0, 1, 2, … within each run of equal keys; keys must be ascending."""
    index_N = torch.arange(len(key_N), device=key_N.device)
    starts_N = torch.ones_like(key_N, dtype=torch.bool)
    starts_N[1:] = key_N[1:] != key_N[:-1]
    return index_N - torch.where(starts_N, index_N, 0).cummax(0).values


def prefix_hashes(ids_BT: torch.Tensor) -> torch.Tensor:
    """A 64-bit hash of ids[b, :t+1] at each [b, t]: equal for equal prefixes (wraps mod 2⁶⁴)."""
    place_T = torch.arange(1, ids_BT.shape[1] + 1, device=ids_BT.device)
    return _mixed(_mixed(ids_BT + 1) + place_T * _STEP).cumsum(1)


_STEP = -7046029254386353131  # 2⁶⁴ / golden ratio, odd, as a signed integer
_MIX = (-4658895280553007687, -7723592293110705685)  # splitmix64's multipliers, signed


def _mixed(value: torch.Tensor) -> torch.Tensor:
    """Spread 64-bit integers evenly (the finisher of splitmix64; shifts made logical by masks)."""
    value = value * _STEP
    value = (value ^ ((value >> 30) & ((1 << 34) - 1))) * _MIX[0]
    value = (value ^ ((value >> 27) & ((1 << 37) - 1))) * _MIX[1]
    return value ^ ((value >> 31) & ((1 << 33) - 1))
