"""Tiny models in fairseq's format, and what each computes, written from the paper's facts alone.

`Numbers` are a model's numbers by what they are. `state_of` names them as a checkpoint does;
`forward` runs one sentence through them in float64, token by token and head by head. Neither
shares a line with `mining/`.
"""

import argparse
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from checkpoints import WORDS
from scipy.special import erf

PARTS = ("q", "k", "v", "out")
Array = np.ndarray
ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.where(x > 0, x, 0.0),
    "gelu": lambda x: x * (1 + erf(x / math.sqrt(2))) / 2,
    "gelu_accurate": lambda x: (
        0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    ),
    "swish": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
}
ACTIVATIONS["gelu_fast"] = ACTIVATIONS["gelu_accurate"]


@dataclass
class Numbers:
    """A model. Weights are [out, in], but for tables, which are [words, width]."""

    heads: int
    tables: list[torch.Tensor]
    projections: list[torch.Tensor]
    layers: list[dict[str, tuple[torch.Tensor, torch.Tensor]]]  # by part: (weight, bias)
    classes: torch.Tensor
    narrow: torch.Tensor | None = None  # before the head, where the first band is narrower
    tails: list[torch.Tensor] | None = None  # projections of their own [width, d]
    final_norm: tuple[torch.Tensor, torch.Tensor] | None = None
    own_head: torch.Tensor | None = None  # with words of its own: head and tails are not tied
    own_tables: list[torch.Tensor] | None = None


def numbers(
    rows: Sequence[int] = (12, 20, 10), widths: Sequence[int] = (12, 8, 4), *, d: int = 12,
    d_ff: int = 20, layers: int = 2, heads: int = 3, seed: int = 0, own_projections: bool = False,
    untied: Sequence[int] = (), final_norm: bool = False,
) -> Numbers:  # fmt: skip
    """A random model. `untied`: rows of each band of a softmax with words of its own."""
    draw = torch.Generator().manual_seed(seed)

    def new(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=draw) * 0.4

    def norm() -> tuple[torch.Tensor, torch.Tensor]:
        return 1 + new(d), new(d)

    made = Numbers(
        heads=heads,
        tables=[new(*shape) for shape in zip(rows, widths, strict=True)],
        projections=[new(d, width) for width in widths],
        layers=[
            {
                **{f"self_attn.{part}_proj": (new(d, d), new(d)) for part in PARTS},
                "self_attn_layer_norm": norm(), "final_layer_norm": norm(),
                "fc1": (new(d_ff, d), new(d_ff)), "fc2": (new(d, d_ff), new(d)),
            }
            for _ in range(layers)
        ],
        classes=new(len(rows) - 1, d),
        narrow=new(widths[0], d) if widths[0] != d and not untied else None,
        final_norm=norm() if final_norm else None,
    )  # fmt: skip
    if own_projections or untied:
        made.tails = [new(width, d) for width in widths[1:]]
    if untied:
        made.own_head = new(untied[0] + len(untied) - 1, d)
        made.own_tables = [new(*shape) for shape in zip(untied[1:], widths[1:], strict=True)]
    return made


def state_of(made: Numbers, *, fused: bool = False, tied: str = "twice") -> dict[str, torch.Tensor]:
    """The state dict. `tied`: tensors in two places are there "twice", or once: "inputs" are the
    embedding's names, "outputs" the softmax's.

    `fused`: q, k and v in one tensor, as older files have them.
    """
    embedding, softmax = "decoder.embed_tokens.embeddings", "decoder.adaptive_softmax"
    state: dict[str, torch.Tensor] = OrderedDict()
    for name in ("decoder.version", "decoder.embed_tokens._float_tensor", f"{softmax}.version"):
        state[name] = torch.tensor([1])
    if fused:
        state["decoder.embed_positions.weights"] = torch.zeros(3, 4)
    for number, layer in enumerate(made.layers):
        state |= _layer_state(f"decoder.layers.{number}.", layer, fused)
    if made.final_norm is not None:
        state["decoder.layer_norm.weight"], state["decoder.layer_norm.bias"] = made.final_norm
    inputs, outputs, own = {}, {}, {}
    for band, (table, projection) in enumerate(zip(made.tables, made.projections, strict=True)):
        inputs[f"{embedding}.{band}.0.weight"] = table
        inputs[f"{embedding}.{band}.1.weight"] = projection
        if band:
            tail = f"{softmax}.tail.{band - 1}"
            outputs[f"{tail}.2.weight"] = table
            if made.tails is None:
                outputs[f"{tail}.0.weight"] = projection
            else:
                own[f"{tail}.0.weight"] = made.tails[band - 1]
    if made.own_head is not None and made.own_tables is not None:
        own[f"{softmax}.head.weight"] = made.own_head
        own |= {f"{softmax}.tail.{n}.2.weight": table for n, table in enumerate(made.own_tables)}
        return state | inputs | own
    own[f"{softmax}.head.class_proj.weight"] = made.classes
    words = "word_proj" if made.narrow is None else "word_proj.1"
    outputs[f"{softmax}.head.{words}.weight"] = made.tables[0]
    if made.narrow is not None:
        own[f"{softmax}.head.word_proj.0.weight"] = made.narrow
    shared = {id(tensor) for tensor in outputs.values()}
    if tied == "inputs":
        outputs = {}
    elif tied == "outputs":
        inputs = {name: tensor for name, tensor in inputs.items() if id(tensor) not in shared}
    return state | inputs | outputs | own


def _layer_state(
    before: str, layer: dict[str, tuple[torch.Tensor, torch.Tensor]], fused: bool
) -> dict[str, torch.Tensor]:
    state = {}
    for part, (weight, bias) in layer.items():
        state[f"{before}{part}.weight"], state[f"{before}{part}.bias"] = weight, bias
    if fused:
        for kind in ("weight", "bias"):
            qkv = [state.pop(f"{before}self_attn.{part}_proj.{kind}") for part in "qkv"]
            state[f"{before}self_attn.in_proj_{kind}"] = torch.cat(qkv)
    return state


def save(
    folder: Path, state: dict[str, torch.Tensor], *, words: Sequence[str] | None = None,
    settings: dict[str, object] | None = None, form: str = "args", zipped: bool = True,
) -> Path:  # fmt: skip
    """Write `model.pt` and `dict.txt`. `form`: where the settings are, and as what."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = {"decoder_attention_heads": 3, "arch": "transformer_lm_wiki103"} | (settings or {})
    forms = {
        "args": {"args": argparse.Namespace(**chosen)},
        "args as a dict": {"args": chosen},
        "cfg": {"args": None, "cfg": {"model": chosen, "task": {"_name": "language_modeling"}}},
        "cfg of Namespaces": {"cfg": argparse.Namespace(model=argparse.Namespace(**chosen))},
        "cfg, flat": {"cfg": chosen},
    }
    extra = {"extra_state": {"epoch": 3}, "optimizer_history": [{"num_updates": 5}]}
    torch.save(
        forms[form] | {"model": state} | extra, folder / "model.pt",
        _use_new_zipfile_serialization=zipped,
    )  # fmt: skip
    if words is None:
        words = [*WORDS, *(f"madeupword{n:04}" for n in range(4))]
    lines = [f"{word} {1000 - n}\n" for n, word in enumerate(words)]
    (folder / "dict.txt").write_text("".join(lines), encoding="utf-8")
    return folder


@dataclass(frozen=True)
class Computed:
    """One sentence alone: coefficients [layers, tokens, keys], hidden [tokens, d] behind the last
    layer, its log-probabilities [tokens, words]."""

    coefficients: Array
    hidden: Array
    log_probabilities: Array


def forward(
    made: Numbers, ids: Sequence[int], activation: str = "relu", scaled: bool = True
) -> Computed:
    """`ids` as fed."""
    f = ACTIVATIONS[activation]
    d = len(made.projections[0])
    stream = [
        (math.sqrt(d) if scaled else 1.0) * _embedding(made, token) + _position(2 + n, d)
        for n, token in enumerate(ids)
    ]
    coefficients = []
    for layer in made.layers:
        attended = _attention(layer, made.heads, [_norm(x, layer["self_attn_layer_norm"])
                                                  for x in stream])  # fmt: skip
        stream = [x + a for x, a in zip(stream, attended, strict=True)]
        fired = [f(_linear(_norm(x, layer["final_layer_norm"]), layer["fc1"])) for x in stream]
        coefficients.append(fired)
        stream = [x + _linear(m, layer["fc2"]) for x, m in zip(stream, fired, strict=True)]
    read = stream if made.final_norm is None else [_norm(x, made.final_norm) for x in stream]
    scores = [log_probabilities(made, x) for x in read]
    return Computed(np.array(coefficients), np.array(stream), np.array(scores))


def log_probabilities(made: Numbers, x: Array) -> Array:
    """Of every word, for one hidden vector."""
    tables = made.tables if made.own_tables is None else [None, *made.own_tables]
    if made.own_head is not None:
        head = _wide(made.own_head) @ x
    else:
        narrow = x if made.narrow is None else _wide(made.narrow) @ x
        head = np.array([*(_wide(made.tables[0]) @ narrow), *(_wide(made.classes) @ x)])
    head = _log_softmax(head)
    first = len(head) - len(tables) + 1
    found = list(head[:first])
    for tail, table in enumerate(tables[1:]):
        down = made.tails[tail] if made.tails is not None else made.projections[tail + 1].T
        within = _log_softmax(_wide(table) @ (_wide(down) @ x))
        found.extend(head[first + tail] + one for one in within)
    return np.array(found)


def _wide(tensor: torch.Tensor) -> Array:
    return tensor.double().numpy()


def _embedding(made: Numbers, token: int) -> Array:
    for table, projection in zip(made.tables, made.projections, strict=True):
        if token < len(table):
            return _wide(projection) @ _wide(table[token])
        token -= len(table)
    raise AssertionError(token)


def _position(at: int, d: int) -> Array:
    half = d // 2
    waves = [at * math.exp(-math.log(10000) * i / (half - 1)) for i in range(half)]
    return np.array([*map(math.sin, waves), *map(math.cos, waves), *[0.0] * (d % 2)])


def _linear(x: Array, part: tuple[torch.Tensor, torch.Tensor]) -> Array:
    return _wide(part[0]) @ x + _wide(part[1])


def _norm(x: Array, part: tuple[torch.Tensor, torch.Tensor]) -> Array:
    centred = x - x.mean()
    return centred / math.sqrt((centred**2).mean() + 1e-5) * _wide(part[0]) + _wide(part[1])


def _log_softmax(x: Array) -> Array:
    return x - x.max() - math.log(sum(math.exp(one - x.max()) for one in x))


def _attention(
    layer: dict[str, tuple[torch.Tensor, torch.Tensor]], heads: int, normed: list[Array]
) -> list[Array]:
    q, k, v = (
        [_linear(x, layer[f"self_attn.{part}_proj"]) for x in normed] for part in ("q", "k", "v")
    )
    wide = len(normed[0]) // heads
    mixed = []
    for now in range(len(normed)):
        parts = []
        for head in range(heads):
            own = slice(head * wide, (head + 1) * wide)
            scores = [(q[now][own] * wide**-0.5) @ k[seen][own] for seen in range(now + 1)]
            weights = [math.exp(score - max(scores)) for score in scores]
            parts.extend(sum(w * v[seen][own] for seen, w in enumerate(weights)) / sum(weights))
        mixed.append(np.array(parts))
    return [_linear(x, layer["self_attn.out_proj"]) for x in mixed]
