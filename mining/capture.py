"""Hand each layer's memory coefficients to a consumer while the model runs.

The coefficients are read where they multiply the values, at the input of the down-projection, and
are never kept: the consumer takes what it needs before the layer goes on. Hooks are removed again
whatever happens.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

Consumer = Callable[[int, torch.Tensor], None]


@contextmanager
def memory_coefficients(
    values: Sequence[nn.Module], layers: Sequence[int], consumer: Consumer
) -> Iterator[None]:
    """Call `consumer(layer, coefficients_BTF)` for these layers at each forward pass inside.

    B sentences, T tokens, F keys. Some architectures flatten to [B·T, F]; the consumer reshapes.
    """
    handles = []

    def hook(layer: int) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
        def read(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            consumer(layer, inputs[0])

        return read

    try:
        for layer in layers:
            handles.append(values[layer].register_forward_pre_hook(hook(layer)))
        yield
    finally:
        for handle in handles:
            handle.remove()
