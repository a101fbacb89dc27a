"""Sentences run through the model by themselves: nothing is padded, nothing else is beside them.

Only sentences of one length share a forward pass. On a processor their coefficients are then the
same to the bit as those of the mining pass (`batches.py` says why).

Shapes: B sentences, T of their own tokens, U with the leading special ones, R rows as fed, F keys.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from mining.batches import at_least
from mining.capture import Consumer, memory_coefficients
from mining.models import LoadedModel

Tokens = Sequence[int] | npt.NDArray[np.int32]
TOGETHER = 4_096  # tokens of equal sentences in one forward pass


def equal_lengths(
    token_ids: Mapping[int, Tokens], chosen: Iterable[int], together: int
) -> Iterator[list[int]]:
    """These sentences in groups of one length, the shortest first.

    A group has up to `together` tokens, and at least one sentence. `token_ids` by sentence.
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    for sentence in chosen:
        by_length[len(token_ids[sentence])].append(sentence)
    for length, equal in sorted(by_length.items()):
        step = max(1, together // length)
        for start in range(0, len(equal), step):
            yield equal[start : start + step]


def feed_alone(
    loaded: LoadedModel,
    equal: Sequence[Tokens],
    layers: Iterable[int],
    consumer: Consumer,
    rows: int = 0,
) -> None:
    """Run sentences, given as equally many token ids each, and nothing behind the last layer.

    `consumer(layer, coefficient_BTF)` gets what their own tokens make of each key, on the model's
    device, as a view of the model's own numbers: whatever is to stay has to be copied.
    `rows`: feed so many, the first over again if there are fewer.
    """
    lead = loaded.lead_ids
    fed_BU = torch.tensor(np.array([[*lead, *token_ids] for token_ids in equal], dtype=np.int64))
    over_again = fed_BU[:1].expand(max(0, rows - len(fed_BU)), -1)
    fed_RU = at_least(torch.cat([fed_BU, over_again])).to(loaded.device)

    def own(layer: int, coefficient: torch.Tensor) -> None:
        consumer(layer, coefficient.reshape(*fed_RU.shape, -1)[: len(equal), len(lead) :])

    with memory_coefficients(loaded.values, layers, own):
        loaded.model(input_ids=fed_RU, use_cache=False)
