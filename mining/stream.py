"""The residual stream where a feed-forward block enters it, read at each text's last token.

r enters the block, y is what the block adds (its bias and a norm of its own included), o = r + y
leaves the layer. Where attention runs beside the block (GPT-J, Phi, Falcon, GPT-NeoX), r is the
layer's input plus the attention's output: what o would be without the block.

Shapes: B texts, D the model's width, F keys.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from mining.errors import ModelError
from mining.models import LoadedModel

# Where these hold, the norm stands in the stream itself: r + y is not what leaves the layer.
_NORM_IN_THE_STREAM = {
    "do_layer_norm_before": False,
    "apply_residual_connection_post_layernorm": True,
}


@dataclass
class LastTokens:
    """What one forward pass leaves behind, by layer."""

    coefficient_BF: dict[int, torch.Tensor] = field(default_factory=dict)
    residual_BD: dict[int, torch.Tensor] = field(default_factory=dict)  # r
    added_BD: dict[int, torch.Tensor] = field(default_factory=dict)  # y


def check_stream(loaded: LoadedModel) -> None:
    """ModelError for a model whose residual stream does not pass the blocks as r + y."""
    config = getattr(loaded.model, "config", None)
    for name, unfit in _NORM_IN_THE_STREAM.items():
        if getattr(config, name, not unfit) == unfit:
            raise ModelError(
                f"{loaded.name} has {name}={unfit}: its norms stand in the residual stream, so that"
                " figures 6 to 10 are not defined; leave composition out with --only."
            )


@contextmanager
def last_tokens(loaded: LoadedModel, layers: Iterable[int], texts: int) -> Iterator[LastTokens]:
    """Collect what the one forward pass run inside makes of the last token of each row.

    Of the rows fed only the first `texts` count. Everything is a copy: some models go on to change
    these tensors in place.
    """
    seen = LastTokens()
    handles: list[Any] = []
    width = loaded.d_model

    def last(value: Any, features: int) -> torch.Tensor:
        tensor: torch.Tensor = value[0] if isinstance(value, tuple) else value
        rows_B = tensor.reshape(fed[0], -1, features)[:texts, -1]
        return rows_B.clone()

    fed = [0]  # rows of the forward pass, set as it begins

    def begin(_module: nn.Module, _args: object, given: dict[str, torch.Tensor]) -> None:
        fed[0] = given["input_ids"].shape[0]

    def watch(layer: int) -> None:
        block = loaded.model.get_submodule(f"{loaded.layout.blocks}.{layer}")
        entry = block if _beside(loaded) else block.get_submodule(loaded.layout.entry)
        added = block.get_submodule(loaded.layout.added or loaded.layout.value)

        def enters(_module: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> None:
            stream = args[0] if args else given["hidden_states"]
            seen.residual_BD[layer] = last(stream, width)

        def attends(_module: nn.Module, _args: object, output: Any) -> None:
            seen.residual_BD[layer] += last(output, width)

        def multiplies(_module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
            seen.coefficient_BF[layer] = last(args[0], loaded.d_ff)

        def adds(_module: nn.Module, _args: object, output: Any) -> None:
            seen.added_BD[layer] = last(output, width)

        handles.append(entry.register_forward_pre_hook(enters, with_kwargs=True))
        if _beside(loaded):
            attention = block.get_submodule(loaded.layout.attention)
            handles.append(attention.register_forward_hook(attends))
        handles.append(loaded.values[layer].register_forward_pre_hook(multiplies))
        handles.append(added.register_forward_hook(adds))

    try:
        handles.append(loaded.model.register_forward_pre_hook(begin, with_kwargs=True))
        for layer in layers:
            watch(layer)
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def _beside(loaded: LoadedModel) -> bool:
    """Whether attention runs beside the feed-forward block."""
    layout = loaded.layout
    if not layout.attention:
        return False
    config = getattr(loaded.model, "config", None)
    return not layout.beside or bool(getattr(config, layout.beside))
