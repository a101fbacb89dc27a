"""From a hidden vector to scores of words: what a value or the residual stream would predict.

p = softmax(h · E), E the output embedding, tied or not (paper, section 4). Plain scores take
neither the head's bias nor its soft cap; `folded` puts the final norm before E, as the model does.

Shapes: N hidden vectors, D their width, V words.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from mining.errors import ModelError

VARIANTS = ("plain", "folded")


@dataclass(frozen=True)
class Readout:
    """The output side of a model."""

    output: nn.Module  # [N, D] → [N, V]; softmax over V is the output distribution of E
    head: nn.Module  # [N, D] behind the final norm → [N, V], the model's own logits
    final_norm: nn.Module | None  # before the head; None: the model has none
    vocabulary: int

    def scores(self, hidden_ND: torch.Tensor, variant: str = "plain") -> torch.Tensor:
        """[N, V] scores of hidden vectors. Without a final norm `folded` is the same as `plain`."""
        assert variant in VARIANTS
        if variant == "folded" and self.final_norm is not None:
            hidden_ND = self.final_norm(hidden_ND)
        scores_NV: torch.Tensor = self.output(hidden_ND)
        return scores_NV

    def model_scores(self, hidden_ND: torch.Tensor) -> torch.Tensor:
        """[N, V] the model's own logits, from the residual stream behind the last layer."""
        if self.final_norm is not None:
            hidden_ND = self.final_norm(hidden_ND)
        scores_NV: torch.Tensor = self.head(hidden_ND)
        return scores_NV


class OutputEmbedding(nn.Module):
    """h · E, for models whose embedding is narrower than the stream behind their projection."""

    def __init__(self, weight_VD: torch.Tensor, projection: nn.Module | None = None) -> None:
        super().__init__()
        self.weight_VD = weight_VD  # the model's own: nothing is copied
        self.projection = projection

    def forward(self, hidden_ND: torch.Tensor) -> torch.Tensor:
        """[N, V] scores."""
        if self.projection is not None:
            hidden_ND = self.projection(hidden_ND)
        return functional.linear(hidden_ND, self.weight_VD)


class OutputHead(OutputEmbedding):
    """The model's logits: h · E with the bias and the soft cap that it may have."""

    def __init__(
        self, linear: nn.Linear, projection: nn.Module | None, soft_cap: float | None
    ) -> None:
        super().__init__(linear.weight, projection)
        self.bias_V = linear.bias
        self.soft_cap = soft_cap

    def forward(self, hidden_ND: torch.Tensor) -> torch.Tensor:
        """[N, V] logits."""
        scores_NV = super().forward(hidden_ND)
        if self.bias_V is not None:
            scores_NV = scores_NV + self.bias_V
        if self.soft_cap is not None:
            scores_NV = torch.tanh(scores_NV / self.soft_cap) * self.soft_cap
        return scores_NV


def readout_of(whole: Any, final_norm: str, projection: str, device: torch.device) -> Readout:
    """The readout of a causal language model of transformers; ModelError if its head is no matrix.

    `final_norm` and `projection` are module paths from its base model; empty: it has none.
    """
    base = whole.base_model
    linear = whole.get_output_embeddings()
    if not isinstance(linear, nn.Linear):
        raise ModelError(
            f"{type(whole).__name__} has no linear output head, so no output embedding; its"
            " values cannot be read as words."
        )
    linear = linear.eval().requires_grad_(False).to(device)
    narrow = _module(base, projection)
    soft_cap = getattr(whole.config, "final_logit_softcapping", None)
    return Readout(
        output=OutputEmbedding(linear.weight, narrow),
        head=OutputHead(linear, narrow, soft_cap),
        final_norm=_module(base, final_norm),
        vocabulary=linear.weight.shape[0],
    )


def _module(base: nn.Module, path: str) -> nn.Module | None:
    """The module at a path; None where there is none, or the model leaves it out."""
    above, _, name = path.rpartition(".")
    return getattr(base.get_submodule(above), name, None) if path else None
