"""Settle what rounding could decide, so that triggers do not depend on how text was batched.

A matrix product may add its terms in another order for another batch, so that equal work gives
slightly different coefficients. How different is measured, on winners run again alone; wherever
two places, or two prefixes of one sentence, are closer than that could explain, the sentences are
run alone and those coefficients decide. Under bfloat16 every place is scored anew in this way.

Shapes: N places of a layer, T tokens of a sentence, F keys.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from mining.alone import TOGETHER, equal_lengths, feed_alone
from mining.models import LoadedModel
from mining.topk import (
    Places,
    distinct,
    mixed,
    place,
    prefix_hashes,
    rank_within_key,
    ranked,
    split_place,
)
from mining.winning_sentences import ReadSentence

# Places kept beyond top_k, by --per-sentence, so that near-ties at the last one can be settled. The
# prefixes of one sentence can nearly tie by the dozen ("ha ha ha").
SPARE = {"one": 3, "all": 25}
_SAMPLE = 12  # sentences that rounding is measured on
_SAFETY = 4  # what may be rounding, as a multiple of the largest difference measured

Found = dict[tuple[int, int], Places]  # (layer, sign) → places
Contexts = Mapping[int, ReadSentence]  # by sentence id


@dataclass
class Settler:
    """Places of a run, put in the order that each sentence alone would give them."""

    found: Found
    loaded: LoadedModel
    contexts: Contexts
    top_k: int
    every: bool  # all prefixes of a sentence were ranked, not only its best one
    alone: set[int] = field(default_factory=set)  # sentences run again

    def __post_init__(self) -> None:
        self._before = self.found
        self.found = {group: ranked(places) for group, places in self.found.items()}  # copies
        self._rounding: dict[int, float] = defaultdict(float)  # by layer, see `_tolerance`
        self._scale: dict[int, float] = defaultdict(float)
        for (layer, _), places in self.found.items():
            mean = float(places.coefficient_N.mean()) if len(places) else 0.0
            self._scale[layer] = max(self._scale[layer], mean)

    def rescore(self) -> None:
        """Score every place anew."""
        every = self._sentences(lambda places, _: torch.ones(len(places), dtype=torch.bool))
        self._run(every, TOGETHER)

    def settle(self) -> None:
        """Score anew what rounding could decide.

        Where the sample, of all lengths, comes out the same to the bit, only exact ties are left.
        """
        every = torch.cat([places.sentence_N for places in self.found.values()])
        held = torch.unique(every).tolist()
        held.sort(key=lambda sentence: len(self.contexts[sentence].token_ids))
        step = max(1, (len(held) - 1) / (_SAMPLE - 1))
        self._run({held[round(n * step)] for n in range(_SAMPLE) if round(n * step) < len(held)})
        together = 1 if self.loaded.device.type == "cpu" else TOGETHER
        while doubtful := self._sentences(self._doubtful) - self.alone:
            self._run(doubtful, together)

    def result(self) -> tuple[Found, int]:
        """The top k of each (layer, sign), and how many of those places changed hands."""
        moved, result = 0, {}
        for group, places in self.found.items():
            kept = ranked(distinct(places[places.coefficient_N > 0]))
            result[group] = kept[rank_within_key(kept.key_N) < self.top_k]
            before = self._before[group]
            before = before[rank_within_key(before.key_N) < self.top_k]
            moved += int((~torch.isin(_identity(result[group]), _identity(before))).sum())
        return result, moved

    def _tolerance(self, layer: int, coefficient_N: torch.Tensor) -> torch.Tensor:
        """How far rounding may move coefficients: in proportion to them, and to the layer's own.

        A small coefficient may be what is left of large terms, so it is not judged by itself.
        """
        rounding = _SAFETY * self._rounding[layer]
        return rounding * (coefficient_N + self._scale[layer])

    def _doubtful(self, places: Places, layer: int) -> torch.Tensor:
        """Rows [N] that stand too close to a neighbour, or to another prefix of their sentence."""
        rank_N = rank_within_key(places.key_N)
        tolerance_N = self._tolerance(layer, places.coefficient_N)
        gap_N = places.coefficient_N[:-1] - places.coefficient_N[1:]
        same_N = places.key_N[:-1] == places.key_N[1:]
        close_N = same_N & (gap_N <= tolerance_N[:-1]) & (rank_N[:-1] < self.top_k)
        doubtful_N = places.margin_N <= tolerance_N
        doubtful_N[:-1] |= close_N
        doubtful_N[1:] |= close_N
        return doubtful_N

    def _sentences(self, choose: Callable[[Places, int], torch.Tensor]) -> set[int]:
        """The sentences of chosen rows."""
        chosen: set[int] = set()
        for (layer, _), places in self.found.items():
            chosen.update(places.sentence_N[choose(places, layer)].tolist())
        return chosen

    def _run(self, sentences: set[int], together: int = 1) -> None:
        """Score all rows of sentences anew; up to `together` tokens of equal sentences at once."""
        self.alone |= sentences
        wanted = torch.tensor(sorted(sentences))
        rows = {group: _Rows.of(places, wanted) for group, places in self.found.items()}
        token_ids = {sentence: self.contexts[sentence].token_ids for sentence in wanted.tolist()}
        for equal in equal_lengths(token_ids, token_ids, together):
            self._run_equal(equal, [token_ids[sentence] for sentence in equal], rows)
        self.found = {group: ranked(places) for group, places in self.found.items()}

    def _run_equal(
        self,
        sentences: list[int],
        equal: Sequence[npt.NDArray[np.int32]],
        rows: "Mapping[tuple[int, int], _Rows]",
    ) -> None:
        """Run sentences of one length, ascending, and take what their rows need."""
        chosen = {group: of_group.of_sentences(sentences) for group, of_group in rows.items()}
        ids_BT = torch.tensor(np.array(equal, dtype=np.int64))
        special_BT = torch.isin(ids_BT, torch.tensor(self.loaded.tokenizer.all_special_ids))
        prefix_BT = prefix_hashes(ids_BT)
        special_BT = special_BT.to(self.loaded.device)

        def take(layer: int, coefficient_BTF: torch.Tensor) -> None:
            for (of_layer, sign), (row_N, at_N) in chosen.items():
                if of_layer != layer or not len(row_N):
                    continue
                places = self.found[layer, sign]
                on_N, key_N = at_N.to(special_BT.device), places.key_N[row_N].to(special_BT.device)
                value_NT = sign * coefficient_BTF[on_N, :, key_N].float()
                value_NT.masked_fill_(special_BT[on_N], -torch.inf)
                self._take(layer, places, row_N, value_NT, prefix_BT[at_N])

        layers = {layer for (layer, _), (row_N, _) in chosen.items() if len(row_N)}
        feed_alone(self.loaded, equal, layers, take, rows=self._rows_of(len(equal[0])))

    def _rows_of(self, length: int) -> int:
        """Sentences of this length in a forward pass; 0: as many as there are.

        A GPU's matrix products add in another order for another number of rows, so they are fed
        the same number each time.
        """
        return 0 if self.loaded.device.type == "cpu" else max(1, TOGETHER // length)

    def _take(
        self,
        layer: int,
        places: Places,
        row_N: torch.Tensor,
        value_NT: torch.Tensor,
        prefix_NT: torch.Tensor,
    ) -> None:
        """Put coefficients of sentences alone in these rows of theirs."""
        sentence_N, position_N = split_place(places.at_N[row_N])
        before_N = places.coefficient_N[row_N]
        after_N = value_NT.gather(1, position_N.to(value_NT.device)[:, None])[:, 0].cpu()
        change_N = (after_N - before_N).abs() / (before_N + self._scale[layer])
        self._rounding[layer] = max(self._rounding[layer], float(change_N.max()))
        if not self.every:
            position_N = value_NT.argmax(1)  # the first of equals
            after_N = value_NT.gather(1, position_N[:, None])[:, 0].cpu()
            position_N = position_N.cpu()
        places.coefficient_N[row_N] = after_N
        places.at_N[row_N] = place(sentence_N, position_N)
        places.prefix_N[row_N] = prefix_NT.gather(1, position_N[:, None])[:, 0]
        places.margin_N[row_N] = torch.inf  # decided


@dataclass(frozen=True)
class _Rows:
    """The places of a layer that sentences hold, by sentence."""

    row_N: npt.NDArray[np.int64]
    sentence_N: npt.NDArray[np.int64]  # ascending

    @classmethod
    def of(cls, places: Places, sentences: torch.Tensor) -> "_Rows":
        sentence_N = places.sentence_N
        row_N = torch.isin(sentence_N, sentences).nonzero().flatten()
        row_N = row_N[sentence_N[row_N].argsort(stable=True)]
        return cls(row_N.numpy(), sentence_N[row_N].numpy())

    def of_sentences(self, sentences: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Places of these sentences, and which of the sentences holds each."""
        start_B = np.searchsorted(self.sentence_N, sentences)
        count_B = np.searchsorted(self.sentence_N, sentences, side="right") - start_B
        at_N = np.repeat(np.arange(len(sentences)), count_B)
        shift_B = start_B - (np.cumsum(count_B) - count_B)
        row_N = self.row_N[shift_B[at_N] + np.arange(len(at_N))]
        return torch.from_numpy(row_N), torch.from_numpy(at_N)


def _identity(places: Places) -> torch.Tensor:
    """A number for each row's key, rank and place together."""
    return mixed((places.key_N << 20) + rank_within_key(places.key_N)) ^ places.at_N
