"""The sizes of a fairseq language model, read from its tensors.

Settings say only what tensors do not show: heads, the activation, the context, and a few switches.
"""

from collections import Counter
from dataclasses import dataclass

from mining.errors import ModelError
from mining.fairseq_checkpoint import FairseqCheckpoint
from mining.fairseq_weights import EMBEDDING, SOFTMAX, Shape, Weights

_LAYERS = "decoder.layers."
_FINAL_NORM = "decoder.layer_norm."
# The settings that say how long a sentence may be, the nearest to the model first; the paper's
# model was trained on pieces of CONTEXT tokens, and its positions know no end.
_CONTEXTS = ("max_target_positions", "tokens_per_sample")
CONTEXT = 3_072


@dataclass(frozen=True)
class Band:
    """A piece of the vocabulary whose words have vectors of one width."""

    rows: int
    width: int
    tied_projection: bool = False  # of a tail: the input band's, the other way round


@dataclass(frozen=True)
class Sizes:
    """All that decides how many numbers a model has, and how they are used."""

    d_model: int
    d_ff: int
    layers: int
    heads: int
    bands: tuple[Band, ...]  # of the embedding
    outputs: tuple[Band, ...]  # of the softmax: its head's words, then a tail each
    tied: bool  # whether the softmax's words are the embedding's
    final_norm: bool
    scaled: bool  # whether an embedding is multiplied by the root of d_model
    activation: str
    context: int

    @property
    def vocabulary(self) -> int:
        """Words, special ones included."""
        return sum(band.rows for band in self.bands)


def sizes_of(stored: FairseqCheckpoint, weights: Weights) -> Sizes:
    """Read the sizes; ModelError where the file leaves them open."""
    d_model, d_ff, layers = _widths(weights)
    heads = stored.number("decoder_attention_heads")
    if heads is None or d_model % heads:
        raise ModelError(
            f"{stored.path}: args.decoder_attention_heads is {heads}; it must divide the model's"
            f" width, {d_model}."
        )
    bands = tuple(_band(weights, f"{EMBEDDING}.{band}.0.weight") for band in range(weights.bands))
    if not bands:
        raise ModelError(
            f"{stored.path} lacks {EMBEDDING}.0.0.weight; only language models with adaptive input"
            " and adaptive softmax are supported."
        )
    outputs = _outputs(weights, bands)
    if sum(band.rows for band in outputs) != sum(band.rows for band in bands):
        raise ModelError(
            f"{stored.path}: {SOFTMAX} scores {sum(band.rows for band in outputs):,} words, and"
            f" {EMBEDDING} holds {sum(band.rows for band in bands):,}; is it damaged?"
        )
    return Sizes(
        d_model=d_model, d_ff=d_ff,
        # Tensors alone would not show that the last layer is missing.
        layers=max(layers, stored.number("decoder_layers") or 0),
        heads=heads, bands=bands, outputs=outputs, tied=weights.tied_words,
        final_norm=any(name.startswith(_FINAL_NORM) for name in weights.tensors),
        scaled=not stored.flag("no_scale_embedding"),
        activation=str(stored.settings.get("activation_fn") or "relu"),
        context=next(filter(None, map(stored.number, _CONTEXTS)), CONTEXT),
    )  # fmt: skip


def _widths(weights: Weights) -> tuple[int, int, int]:
    """(d_model, d_ff, layers). What most tensors show: one of them may be damaged."""
    d_model, d_ff, layers = Counter[int](), Counter[int](), 0
    for name in weights.tensors:
        number, _, part = name.removeprefix(_LAYERS).partition(".")
        shape = weights.shape(name)
        if not name.startswith(_LAYERS) or not number.isdecimal() or not shape:
            continue
        layers = max(layers, int(number) + 1)
        if part in ("self_attn_layer_norm.weight", "final_layer_norm.weight", "fc2.bias"):
            d_model[shape[0]] += 1
        elif part in ("fc1.weight", "fc1.bias"):
            d_ff[shape[0]] += 1
        elif part == "fc2.weight":
            d_ff[shape[-1]] += 1
    if not d_model or not d_ff:
        raise ModelError(
            f"{weights.path} holds no {_LAYERS}0; is it a transformer language model of fairseq?"
        )
    return d_model.most_common(1)[0][0], d_ff.most_common(1)[0][0], layers


def _band(weights: Weights, table: str, tied_projection: bool = False) -> Band:
    """The band of a table [rows, width]."""
    shape: Shape | None = weights.shape(table)
    if shape is None or len(shape) != 2:
        raise ModelError(
            f"The model in {weights.path} lacks {table}, a table with a row for each word."
        )
    return Band(*shape, tied_projection)


def _outputs(weights: Weights, bands: tuple[Band, ...]) -> tuple[Band, ...]:
    """The softmax's bands: those of the embedding, or its own."""
    if weights.tied_words:
        return tuple(
            Band(band.rows, band.width, f"{SOFTMAX}.tail.{number - 1}.0.weight" in weights.tied)
            for number, band in enumerate(bands)
        )
    count = weights.run(f"{SOFTMAX}.tail.{{}}.0.weight", f"{SOFTMAX}.tail.{{}}.2.weight")
    tails = [_band(weights, f"{SOFTMAX}.tail.{tail}.2.weight") for tail in range(count)]
    head = _band(weights, f"{SOFTMAX}.head.weight")
    return Band(head.rows - count, head.width), *tails
