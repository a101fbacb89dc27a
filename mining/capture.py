"""Hand each layer's memory coefficients to a consumer while the model runs.

The coefficients are read where they multiply the values, at the input of the down-projection, and
are never kept: the consumer takes what it needs before the layer goes on. After the last layer
asked for, the model is stopped: nothing behind it is of use. Hooks are removed whatever happens.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

# Not cuDNN's: it plans anew for each shape of a batch, for longer than the batch takes
# (docs/performance.md), and hardly two batches have one shape.
_ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
Consumer = Callable[[int, torch.Tensor], None]


class _Enough(Exception):  # noqa: N818 (no error: the model has done its part)
    """Raised by the last hook to leave the forward pass."""


@contextmanager
def memory_coefficients(
    values: Sequence[nn.Module], layers: Iterable[int], consumer: Consumer
) -> Iterator[None]:
    """Call `consumer(layer, coefficients)` for these layers in the one forward pass run inside.

    Coefficients are [B sentences, U tokens, F keys]; some architectures flatten to [B·U, F].
    """
    chosen = set(layers)
    handles = []

    def hook(layer: int) -> Callable[[nn.Module, tuple[torch.Tensor, ...]], None]:
        def read(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            consumer(layer, inputs[0])
            if layer == max(chosen):
                raise _Enough

        return read

    try:
        for layer in chosen:
            handles.append(values[layer].register_forward_pre_hook(hook(layer)))
        with sdpa_kernel(_ATTENTION):
            yield
    except _Enough:
        pass
    finally:
        for handle in handles:
            handle.remove()
