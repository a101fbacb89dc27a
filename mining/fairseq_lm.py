"""The paper's own language model: fairseq's transformer with adaptive input and adaptive softmax.

Plain torch, evaluation only. Modules have fairseq's names, so that tensors find their places by
name; PAPER.md says what each computes.

Shapes: B sentences, U tokens as fed, D model width, F keys, N hidden vectors, V words.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torch.nn import functional
from transformers.modeling_outputs import BaseModelOutput

from mining.errors import ModelError
from mining.fairseq_sizes import Band, Sizes

FIRST_POSITION = 2  # that of a sentence's first token: one more than the id of padding
_SLOWEST = 10_000.0  # the positions' wave lengths go up to this, times 2π

# By fairseq's names.
ACTIVATIONS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "relu": torch.relu,
    "gelu": functional.gelu,
    "gelu_fast": partial(functional.gelu, approximate="tanh"),
    "gelu_accurate": partial(functional.gelu, approximate="tanh"),
    "swish": functional.silu,
    "tanh": torch.tanh,
}


class AdaptiveEmbedding(nn.Module):
    """Words in bands: frequent ones have wide vectors, rare ones narrow, projected to one width."""

    def __init__(self, bands: tuple[Band, ...], d_model: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(
            nn.Sequential(
                nn.Embedding(band.rows, band.width), nn.Linear(band.width, d_model, bias=False)
            )
            for band in bands
        )
        self.rows = [band.rows for band in bands]

    def forward(self, ids_BU: torch.Tensor) -> torch.Tensor:
        """[B, U, D]. Every band takes every token, and what is not its own is left out.

        A band's few tokens by themselves would be a smaller matrix, which rounds in another way:
        a sentence's numbers would depend on the others of its batch. It costs a hundredth more.
        """
        first = self.rows[0]
        embedded_BUD: torch.Tensor = self.embeddings[0](ids_BU.clamp(max=first - 1))
        for band, rows in zip(self.embeddings[1:], self.rows[1:], strict=True):
            of_band_BUD = band((ids_BU - first).clamp(0, rows - 1))
            embedded_BUD = torch.where((ids_BU >= first)[..., None], of_band_BUD, embedded_BUD)
            first += rows
        return embedded_BUD


def positions(tokens: int, d_model: int, device: torch.device) -> torch.Tensor:
    """[U, D] sinusoidal positions: half sines, then half cosines; a zero where D is odd."""
    half = d_model // 2
    step = math.log(_SLOWEST) / max(1, half - 1)
    frequency_H = torch.exp(torch.arange(half, dtype=torch.float32, device=device) * -step)
    position_U = torch.arange(FIRST_POSITION, FIRST_POSITION + tokens, device=device)
    angle_UH = position_U[:, None].float() * frequency_H
    waves_UD = torch.cat([angle_UH.sin(), angle_UH.cos()], dim=1)
    return functional.pad(waves_UD, (0, d_model - 2 * half))


class Attention(nn.Module):
    """Causal self-attention; q is scaled by the root of a head's width."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.heads = sizes.heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(sizes.d_model, sizes.d_model) for _ in range(4)
        )

    def forward(self, hidden_BUD: torch.Tensor) -> torch.Tensor:
        """[B, U, D] what each token takes from those before it and from itself."""
        batch, tokens, width = hidden_BUD.shape
        query, key, value = (
            projection(hidden_BUD).view(batch, tokens, self.heads, -1).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        mixed_BUD: torch.Tensor = self.out_proj(mixed.transpose(1, 2).reshape(batch, tokens, width))
        return mixed_BUD


class DecoderLayer(nn.Module):
    """Attention, then keys (fc1) and values (fc2), each behind a norm of its own."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.self_attn = Attention(sizes)
        self.self_attn_layer_norm = nn.LayerNorm(sizes.d_model)
        self.fc1 = nn.Linear(sizes.d_model, sizes.d_ff)
        self.fc2 = nn.Linear(sizes.d_ff, sizes.d_model)
        self.final_layer_norm = nn.LayerNorm(sizes.d_model)
        self.activation = ACTIVATIONS[sizes.activation]

    def forward(self, hidden_BUD: torch.Tensor) -> torch.Tensor:
        """[B, U, D] the residual stream behind this layer."""
        hidden_BUD = hidden_BUD + self.self_attn(self.self_attn_layer_norm(hidden_BUD))
        coefficient_BUF = self.activation(self.fc1(self.final_layer_norm(hidden_BUD)))
        streamed_BUD: torch.Tensor = hidden_BUD + self.fc2(coefficient_BUF)
        return streamed_BUD


class FairseqTransformerLM(nn.Module):
    """Token ids in, hidden states out, as the base models of transformers have it."""

    def __init__(self, sizes: Sizes) -> None:
        if sizes.activation not in ACTIVATIONS:
            raise ModelError(
                f"args.activation_fn {sizes.activation!r} is not supported; known are"
                f" {', '.join(ACTIVATIONS)}."
            )
        super().__init__()
        self.embed_tokens = AdaptiveEmbedding(sizes.bands, sizes.d_model)
        self.layers = nn.ModuleList(DecoderLayer(sizes) for _ in range(sizes.layers))
        self.layer_norm = nn.LayerNorm(sizes.d_model) if sizes.final_norm else None
        self.scale = math.sqrt(sizes.d_model) if sizes.scaled else 1.0

    def forward(self, input_ids: torch.Tensor, use_cache: bool = False) -> BaseModelOutput:
        """Ids [B, U], perhaps padded on the right with anything: no real token sees it."""
        assert not use_cache  # nothing is kept for a next token
        hidden_BUD = self.scale * self.embed_tokens(input_ids)
        tokens, width = hidden_BUD.shape[1:]
        hidden_BUD = hidden_BUD + positions(tokens, width, hidden_BUD.device).to(hidden_BUD.dtype)
        for layer in self.layers:
            hidden_BUD = layer(hidden_BUD)
        if self.layer_norm is not None:
            hidden_BUD = self.layer_norm(hidden_BUD)
        return BaseModelOutput(last_hidden_state=hidden_BUD)


class Projection(nn.Module):
    """A matrix [out, in], or [in, out] where it is an embedding's the other way round."""

    def __init__(self, inputs: int, outputs: int, transposed: bool = False) -> None:
        super().__init__()
        shape = (inputs, outputs) if transposed else (outputs, inputs)
        self.weight = nn.Parameter(torch.empty(shape))
        self.transposed = transposed

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """[…, out]."""
        return functional.linear(hidden, self.weight.T if self.transposed else self.weight)


class TiedHead(nn.Module):
    """Scores of the first band's words, by the embedding's table, and of a class for each tail."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        first, *tails = sizes.outputs
        words = Projection(first.width, first.rows)
        self.word_proj: nn.Module = words
        if first.width != sizes.d_model:
            self.word_proj = nn.Sequential(Projection(sizes.d_model, first.width), words)
        self.class_proj = Projection(sizes.d_model, len(tails))

    def forward(self, hidden_ND: torch.Tensor) -> torch.Tensor:
        """[N, words of the first band + tails]."""
        return torch.cat([self.word_proj(hidden_ND), self.class_proj(hidden_ND)], dim=1)


class AdaptiveSoftmax(nn.Module):
    """From hidden vectors to log-probabilities of all words."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        first, *tails = sizes.outputs
        self.rows = [band.rows for band in sizes.outputs]
        self.head: nn.Module = (
            TiedHead(sizes) if sizes.tied else Projection(sizes.d_model, first.rows + len(tails))
        )
        self.tail = nn.ModuleList(
            nn.Sequential(
                Projection(sizes.d_model, band.width, band.tied_projection),
                nn.Identity(),  # fairseq drops out here in training
                Projection(band.width, band.rows),
            )
            for band in tails
        )

    def forward(self, hidden_ND: torch.Tensor) -> torch.Tensor:
        """[N, V] in float32; a word of a tail has its class's share of the tail's own softmax."""
        first, *tails = self.rows
        log_NV = torch.empty(len(hidden_ND), sum(self.rows), device=hidden_ND.device)
        head = functional.log_softmax(self.head(hidden_ND), dim=1, dtype=torch.float32)
        log_NV[:, :first] = head[:, :first]
        start = first
        for number, (rows, tail) in enumerate(zip(tails, self.tail, strict=True)):
            within = functional.log_softmax(tail(hidden_ND), dim=1, dtype=torch.float32)
            torch.add(within, head[:, first + number, None], out=log_NV[:, start : start + rows])
            start += rows
        return log_NV
