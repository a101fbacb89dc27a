"""Every architecture of LAYOUTS: what is mined is what its own formula says, written by hand here.

Each checkpoint is a tiny random one of the real transformers class. The feed-forward block's input
is caught at the block, and the coefficient is computed from the weights by their names in the
checkpoint file; neither uses our layouts.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from checkpoints import word_tokenizer
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM

from mining.capture import memory_coefficients
from mining.errors import ModelError
from mining.layouts import LAYOUTS
from mining.models import load_model

Weights = dict[str, torch.Tensor]
Formula = Callable[[torch.Tensor, Weights], torch.Tensor]

WIDTH, D_FF, LAYERS, HEADS = 16, 24, 2, 2
NEO = {"hidden_size": WIDTH, "num_layers": LAYERS, "num_heads": HEADS, "intermediate_size": D_FF}
GPT = {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_inner": D_FF}
PLAIN = {
    "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
    "intermediate_size": D_FF,
}  # fmt: skip
ROTARY = PLAIN | {"num_key_value_heads": HEADS, "head_dim": WIDTH // HEADS}


def gelu_new(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)))


def linear(name: str, f: Callable[[torch.Tensor], torch.Tensor]) -> Formula:
    return lambda x, w: f(x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", torch.tensor(0.0)))


def conv1d(x: torch.Tensor, w: Weights) -> torch.Tensor:
    return gelu_new(x @ w["mlp.c_fc.weight"] + w["mlp.c_fc.bias"])


def gated(f: Callable[[torch.Tensor], torch.Tensor]) -> Formula:
    return lambda x, w: f(x @ w["mlp.gate_proj.weight"].T) * (x @ w["mlp.up_proj.weight"].T)


def gate_and_up_in_one(x: torch.Tensor, w: Weights) -> torch.Tensor:
    gate, up = (x @ w["mlp.gate_up_proj.weight"].T).split(D_FF, dim=-1)
    return functional.silu(gate) * up


# model type → (config, module whose input is the block's input, path of a layer, formula)
CASES: dict[str, tuple[dict[str, object], str, str, Formula]] = {
    "gpt2": (GPT, "mlp", "h", conv1d),
    "gpt_neo": (
        NEO | {"attention_types": [[["global", "local"], 1]]}, "mlp", "h",
        linear("mlp.c_fc", gelu_new),
    ),
    "gptj": (GPT | {"rotary_dim": 4}, "mlp", "h", linear("mlp.fc_in", gelu_new)),
    "gpt_neox": (PLAIN, "mlp", "layers", linear("mlp.dense_h_to_4h", functional.gelu)),
    "opt": (
        PLAIN | {"ffn_dim": D_FF, "word_embed_proj_dim": WIDTH}, "fc1", "decoder.layers",
        linear("fc1", torch.relu),
    ),
    "bloom": (
        {"hidden_size": WIDTH, "n_layer": LAYERS, "n_head": HEADS}, "mlp.dense_h_to_4h", "h",
        linear("mlp.dense_h_to_4h", gelu_new),
    ),
    "falcon": (
        PLAIN | {"ffn_hidden_size": D_FF}, "mlp", "h",
        linear("mlp.dense_h_to_4h", functional.gelu),
    ),
    "phi": (PLAIN, "mlp", "layers", linear("mlp.fc1", gelu_new)),
    "phi3": (ROTARY | {"pad_token_id": 0}, "mlp", "layers", gate_and_up_in_one),
    "gemma": (ROTARY, "mlp", "layers", gated(gelu_new)),
    "gemma2": (ROTARY, "mlp", "layers", gated(gelu_new)),
    "gemma3_text": (ROTARY, "mlp", "layers", gated(gelu_new)),
    **{
        name: (ROTARY, "mlp", "layers", gated(functional.silu))
        for name in ("llama", "mistral", "olmo", "olmo2", "qwen2", "qwen3")
    },
}  # fmt: skip


def save(folder: Path, model_type: str, fields: dict[str, object]) -> None:
    tokenizer = word_tokenizer()
    config = AutoConfig.for_model(model_type, vocab_size=len(tokenizer), **fields)
    for name in ("bos_token_id", "eos_token_id"):
        setattr(config, name, 1)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def test_every_layout_is_tested() -> None:
    assert CASES.keys() == LAYOUTS.keys()


@pytest.mark.parametrize("model_type", CASES)
def test_what_is_mined_is_the_formula(model_type: str, tmp_path: Path) -> None:
    fields, entry, blocks, formula = CASES[model_type]
    save(tmp_path, model_type, fields)
    loaded = load_model(str(tmp_path))
    seen: dict[int, torch.Tensor] = {}
    entered: dict[int, torch.Tensor] = {}
    layers = loaded.model.get_submodule(blocks)
    for number, layer in enumerate(layers):
        layer.get_submodule(entry).register_forward_pre_hook(
            lambda _module, inputs, number=number: entered.__setitem__(number, inputs[0])
        )
    ids = torch.tensor([[5, 6, 7, 8, 6], [8, 8, 5, 7, 6]])
    with (
        torch.inference_mode(),
        memory_coefficients(loaded.values, range(LAYERS), seen.__setitem__),
    ):
        loaded.model(input_ids=ids, use_cache=False)
        for number, layer in enumerate(layers):
            expected = formula(entered[number], dict(layer.state_dict()))
            torch.testing.assert_close(seen[number], expected, rtol=1e-5, atol=1e-5)
            assert expected.shape[-1] == loaded.d_ff
    assert loaded.layout.gated == ("gate" in " ".join(layers[0].state_dict()))


def test_a_mixture_of_experts_is_not_supported_and_says_so(tmp_path: Path) -> None:
    save(tmp_path, "mixtral", ROTARY | {"num_local_experts": 2})
    with pytest.raises(ModelError, match="mixture of experts, which is not supported"):
        load_model(str(tmp_path))
