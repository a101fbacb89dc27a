"""Where each architecture keeps its keys and values, and where its residual stream passes.

An architecture is one row of LAYOUTS, by `config.model_type`. The memory coefficient of key i is
the i-th input of the module `value`, the down-projection: what multiplies value i, gated or not.
"""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Layout:
    """Where a decoder keeps its memories, as module paths."""

    blocks: str  # from the base model to the list of layers
    key: str  # from a layer to the up-projection, whose rows are keys
    value: str  # from a layer to the down-projection, whose input is the memory coefficient
    activation: str  # the config field that names f; empty: the architecture knows only GELU
    gated: bool = False  # the coefficient is f(gate) · up and may be strongly negative
    # Where the residual stream passes. r, entering the feed-forward block, is the input of `entry`;
    # where attention runs beside that block, r is the layer's input plus the attention's output.
    # y, what the block adds to the stream, is the output of `added`. r + y leaves the layer.
    entry: str = ""  # from a layer
    added: str = ""  # from a layer; empty: `value`. A norm where the block's output passes one
    attention: str = ""  # from a layer, where it may run beside the feed-forward block
    beside: str = ""  # the config field that says whether it does; empty: always
    final_norm: str = ""  # from the base model to the norm before the output head; empty: none
    projection: str = ""  # from the base model to what stands between final norm and head


_GATED = Layout(
    "layers", "mlp.up_proj", "mlp.down_proj", "hidden_act", gated=True,
    entry="post_attention_layernorm", final_norm="norm",
)  # fmt: skip
_GEMMA = replace(_GATED, activation="hidden_activation")
# The block's output passes a norm of its own: y is what comes out of that.
_GEMMA2 = replace(_GEMMA, entry="pre_feedforward_layernorm", added="post_feedforward_layernorm")
_GPT2 = Layout(
    "h", "mlp.c_fc", "mlp.c_proj", "activation_function", entry="ln_2", final_norm="ln_f"
)
_BLOOM = Layout(
    "h", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h", "",
    entry="post_attention_layernorm", final_norm="ln_f",
)  # fmt: skip

# By `config.model_type`, as transformers names it.
LAYOUTS = {
    "gpt2": _GPT2,
    "gpt_neo": _GPT2,
    "gptj": Layout(
        "h", "mlp.fc_in", "mlp.fc_out", "activation_function", attention="attn", final_norm="ln_f"
    ),
    "gpt_neox": replace(
        _BLOOM, blocks="layers", activation="hidden_act", attention="attention",
        beside="use_parallel_residual", final_norm="final_layer_norm",
    ),
    "opt": Layout(
        "decoder.layers", "fc1", "fc2", "activation_function", entry="final_layer_norm",
        final_norm="decoder.final_layer_norm", projection="decoder.project_out",
    ),
    "bloom": _BLOOM,
    "falcon": replace(
        _BLOOM, activation="activation", attention="self_attention", beside="parallel_attn"
    ),
    "phi": Layout(
        "layers", "mlp.fc1", "mlp.fc2", "hidden_act", attention="self_attn",
        final_norm="final_layernorm",
    ),
    "phi3": replace(_GATED, key="mlp.gate_up_proj"),
    "gemma": _GATED,
    "gemma2": _GEMMA2,
    "gemma3_text": _GEMMA2,
    "llama": _GATED,
    "mistral": _GATED,
    "olmo": _GATED,
    "olmo2": replace(_GATED, entry="mlp", added="post_feedforward_layernorm"),
    "qwen2": _GATED,
    "qwen3": _GATED,
}  # fmt: skip
