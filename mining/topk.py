"""The running exact top-k of every key of one layer: pure tensors, no model, no text.

The state is [F keys, R places], whatever the length of the corpus. Places are ordered by
coefficient (descending), then sentence, then position, and a prefix seen in several sentences
holds one place, with the lowest sentence. An empty place has the coefficient 0, so the last place
of a key is at once the threshold that an offer must reach: only positive coefficients count.

Shapes: F keys, R places, N offers, K keys that an offer reached, M offers to one key, C = R + M.
"""

from dataclasses import dataclass

import torch

_POSITION_BITS = 20  # a place is sentence · 2²⁰ + position, so that one comparison orders both
_NO_PREFIX = 0
_EMPTY = (0.0, 2**63 - 1, _NO_PREFIX, 0.0)  # an empty place: coefficient, at, prefix, margin
_DTYPES = (torch.float32, torch.int64, torch.int64, torch.float32)
WAITING = 2  # offers wait until they are this part of the places
_IN_BULK = 2  # and, to be merged in bulk, until they are so many times the places
_ABREAST = 8  # offers to one key merged at a time
_CROWDED = 4  # offers to one key, in multiples of the places, before they are thinned out first


@dataclass(frozen=True)
class Places:
    """Offers or places, one row each."""

    key_N: torch.Tensor  # int64
    coefficient_N: torch.Tensor  # float32
    at_N: torch.Tensor  # int64, see `place`
    prefix_N: torch.Tensor  # int64 hash of the token ids from the sentence's start
    margin_N: torch.Tensor  # float32: how far the sentence's next best coefficient lies below

    def __len__(self) -> int:
        return len(self.key_N)

    def __getitem__(self, index: torch.Tensor) -> "Places":
        return Places(*(column_N[index] for column_N in self.columns()))

    def columns(self) -> tuple[torch.Tensor, ...]:
        """All columns, in order."""
        return self.key_N, self.coefficient_N, self.at_N, self.prefix_N, self.margin_N

    def cpu(self) -> "Places":
        """The same on the processor."""
        return Places(*(column_N.cpu() for column_N in self.columns()))

    @property
    def sentence_N(self) -> torch.Tensor:
        """Sentence ids."""
        return split_place(self.at_N)[0]

    @property
    def position_N(self) -> torch.Tensor:
        """Index of each prefix's last token in its sentence."""
        return split_place(self.at_N)[1]

    @staticmethod
    def concatenate(parts: list["Places"]) -> "Places":
        """All rows of several, in order."""
        return Places(*map(torch.cat, zip(*(part.columns() for part in parts), strict=True)))


def place(sentence_N: torch.Tensor, position_N: torch.Tensor) -> torch.Tensor:
    """Sentence and position as one number that orders by both."""
    return (sentence_N << _POSITION_BITS) | position_N


def split_place(at_N: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(sentence, position) of places."""
    return at_N >> _POSITION_BITS, at_N & ((1 << _POSITION_BITS) - 1)


class RunningTopK:
    """The best `places` positive coefficients of each of `keys` keys, exactly.

    `in_bulk`: merge seldom and by sorting everything, which a GPU does in a few steps.
    """

    def __init__(
        self, keys: int, places: int, device: torch.device, *, in_bulk: bool = False
    ) -> None:
        self.places = places
        self._in_bulk = in_bulk
        shape = (keys, places)
        # In the order of Places' columns, the key left out: it is the row.
        self.held_FR = tuple(
            torch.full(shape, empty, dtype=dtype, device=device)
            for empty, dtype in zip(_EMPTY, _DTYPES, strict=True)
        )
        # Kept, and written to in turn: what is made anew for each merge would lie about among the
        # model's large, short-lived tensors, and their freed memory fall to pieces.
        self._spare_FR = tuple(map(torch.empty_like, self.held_FR))
        room = _IN_BULK * keys * places if in_bulk else max(1, keys * places // WAITING)
        self._waiting = tuple(
            torch.empty(room, dtype=dtype, device=device)
            for dtype in (torch.int64, *_DTYPES, torch.bool)
        )  # Places' columns, and which of them are repeated
        self._waiting_rows = 0

    @property
    def threshold_F(self) -> torch.Tensor:
        """What an offer must reach; an equal one may still win its place by a lower sentence."""
        return self.held_FR[0][:, -1].contiguous()

    def offer(self, offers: Places, repeated_N: torch.Tensor) -> None:
        """Take those among these positive offers that belong to the best, in any order.

        `repeated_N`: which may stand among them more than once, and so crowd a key.
        """
        room = len(self._waiting[0])
        if self._waiting_rows + len(offers) > room:
            self.merge()
        for start in range(0, len(offers), room):
            end = min(start + room, len(offers))
            rows = slice(self._waiting_rows, self._waiting_rows + end - start)
            for column, new_N in zip(self._waiting, (*offers.columns(), repeated_N), strict=True):
                column[rows].copy_(new_N[start:end])
            self._waiting_rows = rows.stop
            if self._waiting_rows == room:
                self.merge()

    def merge(self) -> None:
        """Let the offers that wait take their places: in bulk, since a merge has its fixed cost."""
        if not self._waiting_rows:
            return
        *columns, repeated_N = (column[: self._waiting_rows] for column in self._waiting)
        offers = Places(*columns)
        if self._in_bulk:
            self._hold(Places.concatenate([self._held(), offers]))
            self._waiting_rows = 0
            return
        if bool(repeated_N.any()):
            offers = Places.concatenate([offers[~repeated_N], distinct(offers[repeated_N])])
        offers = offers[torch.argsort(offers.key_N, stable=True)]
        rank_N = rank_within_key(offers.key_N)
        if int(rank_N.max()) >= _CROWDED * self.places:
            offers = ranked(distinct(offers))
            rank_N = rank_within_key(offers.key_N)
            offers, rank_N = offers[rank_N < self.places], rank_N[rank_N < self.places]
        for start in range(0, int(rank_N.max()) + 1, _ABREAST):
            turn_N = (rank_N >= start) & (rank_N < start + _ABREAST)
            self._merge_abreast(offers[turn_N], rank_N[turn_N] - start)
        # Last, so that nothing is lost if memory runs out: offers may be made twice.
        self._waiting_rows = 0

    def result(self) -> Places:
        """The places held, ordered by key and within a key by rank."""
        self.merge()
        return self._held()

    def _held(self) -> Places:
        held_FR = self.held_FR[0] > 0
        return Places(held_FR.nonzero()[:, 0], *(column_FR[held_FR] for column_FR in self.held_FR))

    def _hold(self, all_N: Places) -> None:
        """Let the best among these take the places, whoever held them."""
        best = ranked(distinct(all_N))
        rank_N = rank_within_key(best.key_N)
        best, rank_N = best[rank_N < self.places], rank_N[rank_N < self.places]
        for spare_FR, column_N, empty in zip(
            self._spare_FR, best.columns()[1:], _EMPTY, strict=True
        ):
            spare_FR.fill_(empty)
            spare_FR[best.key_N, rank_N] = column_N
        self.held_FR, self._spare_FR = self._spare_FR, self.held_FR  # all columns, or none of them

    def _merge_abreast(self, offers: Places, rank_N: torch.Tensor) -> None:
        """Merge a few offers to each key; `rank_N` counts those to one key from 0."""
        keys_K, row_N = torch.unique_consecutive(offers.key_N, return_inverse=True)
        both_KC = []
        for held_FR, offered_N, empty in zip(
            self.held_FR, offers.columns()[1:], _EMPTY, strict=True
        ):
            offered_KM = held_FR.new_full((len(keys_K), int(rank_N.max()) + 1), empty)
            offered_KM[row_N, rank_N] = offered_N
            both_KC.append(torch.cat([held_FR[keys_K], offered_KM], 1))
        coefficient_KC, at_KC, prefix_KC, _ = both_KC
        held_NR = self.held_FR[2][offers.key_N]
        repeated_K = torch.zeros_like(keys_K, dtype=torch.bool)
        repeated_K[row_N[(held_NR == offers.prefix_N[:, None]).any(1)]] = True
        for column in range(self.places + 1, prefix_KC.shape[1]):
            new_K1 = prefix_KC[:, column : column + 1]
            same_KM = (prefix_KC[:, self.places : column] == new_K1) & (new_K1 != _NO_PREFIX)
            repeated_K |= same_KM.any(1)
        drop_repetitions(coefficient_KC, at_KC, prefix_KC, repeated_K.nonzero().flatten())
        best_KR = best_first(coefficient_KC, at_KC)[:, : self.places]
        for spare_FR, held_FR, column_KC in zip(self._spare_FR, self.held_FR, both_KC, strict=True):
            spare_FR.copy_(held_FR).index_copy_(0, keys_K, column_KC.gather(1, best_KR))
        self.held_FR, self._spare_FR = self._spare_FR, self.held_FR  # all columns, or none of them


def drop_repetitions(
    coefficient_KC: torch.Tensor, at_KC: torch.Tensor, prefix_KC: torch.Tensor, keys: torch.Tensor
) -> None:
    """In these keys' rows, empty all but the lowest place of each prefix."""
    if not len(keys):
        return
    at_kC, prefix_kC = at_KC[keys], prefix_KC[keys]
    column_C = torch.arange(at_kC.shape[1], device=at_kC.device)
    lower_kCC = at_kC[:, None, :] < at_kC[:, :, None]
    lower_kCC |= (at_kC[:, None, :] == at_kC[:, :, None]) & (column_C < column_C[:, None])
    dropped_kC = ((prefix_kC[:, None, :] == prefix_kC[:, :, None]) & lower_kCC).any(2)
    coefficient_KC[keys] = coefficient_KC[keys].masked_fill(dropped_kC, 0.0)
    prefix_KC[keys] = prefix_kC.masked_fill(dropped_kC, _NO_PREFIX)


def distinct(offers: Places) -> Places:
    """One row for each prefix of each key: the one in the lowest sentence."""
    identity_N = mixed(offers.key_N) ^ offers.prefix_N
    order_N = torch.argsort(identity_N, stable=True)
    if not bool((identity_N[order_N][1:] == identity_N[order_N][:-1]).any()):
        return offers
    order_N = torch.argsort(offers.at_N, stable=True)
    order_N = order_N[torch.argsort(identity_N[order_N], stable=True)]
    sorted_N = identity_N[order_N]
    first_N = torch.ones_like(sorted_N, dtype=torch.bool)
    first_N[1:] = sorted_N[1:] != sorted_N[:-1]
    return offers[order_N[first_N]]


def ranked(offers: Places) -> Places:
    """Rows by key, then coefficient descending, sentence, position."""
    order_N = torch.argsort(offers.at_N, stable=True)
    for column_N in (-offers.coefficient_N, offers.key_N):
        order_N = order_N[torch.argsort(column_N[order_N], stable=True)]
    return offers[order_N]


def best_first(coefficient_KC: torch.Tensor, at_KC: torch.Tensor) -> torch.Tensor:
    """The order of each row's columns: coefficient descending, of equals the lowest place."""
    order_KC = torch.argsort(coefficient_KC, dim=1, descending=True, stable=True)
    sorted_KC = coefficient_KC.gather(1, order_KC)
    tied_K = ((sorted_KC[:, 1:] == sorted_KC[:, :-1]) & (sorted_KC[:, 1:] > 0)).any(1)
    if bool(tied_K.any()):
        by_place_KC = torch.argsort(at_KC[tied_K], dim=1)
        coefficient_KC = coefficient_KC[tied_K].gather(1, by_place_KC)
        best_KC = torch.argsort(coefficient_KC, dim=1, descending=True, stable=True)
        order_KC[tied_K] = by_place_KC.gather(1, best_KC)
    return order_KC


def rank_within_key(key_N: torch.Tensor) -> torch.Tensor:
    """0, 1, 2, … within each run of equal keys; keys must be ascending."""
    count_K = torch.bincount(key_N)
    first_K = count_K.cumsum(0) - count_K
    return torch.arange(len(key_N), device=key_N.device) - first_K[key_N]


def prefix_hashes(ids_BT: torch.Tensor) -> torch.Tensor:
    """A 64-bit hash of ids[b, :t+1] at each [b, t]: equal for equal prefixes (wraps mod 2⁶⁴)."""
    place_T = torch.arange(1, ids_BT.shape[1] + 1, device=ids_BT.device)
    return mixed(mixed(ids_BT + 1) + place_T * _STEP).cumsum(1)


_STEP = -7046029254386353131  # 2⁶⁴ / golden ratio, odd, as a signed integer
_MIX = (-4658895280553007687, -7723592293110705685)  # splitmix64's multipliers, signed


def mixed(value: torch.Tensor) -> torch.Tensor:
    """Spread 64-bit integers evenly (the finisher of splitmix64; shifts made logical by masks)."""
    value = value * _STEP
    value = (value ^ ((value >> 30) & ((1 << 34) - 1))) * _MIX[0]
    value = (value ^ ((value >> 27) & ((1 << 37) - 1))) * _MIX[1]
    return value ^ ((value >> 31) & ((1 << 33) - 1))
