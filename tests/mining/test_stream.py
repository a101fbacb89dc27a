"""Every architecture: r + y is what leaves the layer, and the last one gives the model's logits."""

from pathlib import Path

import pytest
import torch
from test_architectures import CASES, LAYERS, PLAIN, WIDTH, save
from transformers import AutoModelForCausalLM

from mining.errors import ModelError
from mining.models import load_model
from mining.stream import check_stream, last_tokens

IDS = torch.tensor([[5, 6, 7, 8, 6], [8, 8, 5, 7, 6], [5, 5, 5, 5, 5]])
# The same classes wired the other way by their configuration, (model type, fields).
OTHERWISE = {
    "gpt_neox, one after the other": ("gpt_neox", PLAIN | {"use_parallel_residual": False}),
    "falcon, one after the other": (
        "falcon", PLAIN | {"ffn_hidden_size": 24, "parallel_attn": False},
    ),
    "falcon, two norms": (
        "falcon", PLAIN | {"ffn_hidden_size": 24, "new_decoder_architecture": True},
    ),
}  # fmt: skip
WIRED = {name: (name, case[0]) for name, case in CASES.items()} | OTHERWISE


@pytest.mark.parametrize("name", WIRED)
def test_the_residual_and_what_is_added_make_up_what_leaves_the_layer(
    name: str, tmp_path: Path
) -> None:
    save(tmp_path, *WIRED[name])
    loaded = load_model(str(tmp_path), device="cpu", readout=True)
    whole = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert loaded.readout is not None
    left: list[torch.Tensor] = []
    entering: list[torch.Tensor] = []
    for layer in loaded.model.get_submodule(loaded.layout.blocks):
        layer.register_forward_pre_hook(
            lambda _m, args, kwargs: entering.append((*args, *kwargs.values())[0][:2, -1].clone()),
            with_kwargs=True,
        )
        layer.register_forward_hook(
            lambda _m, _a, out: left.append((out[0] if isinstance(out, tuple) else out)[:2, -1])
        )
    with torch.inference_mode():
        with last_tokens(loaded, range(LAYERS), 2) as seen:
            loaded.model(input_ids=IDS, use_cache=False)
        for layer in range(LAYERS):
            residual, added = seen.residual_BD[layer], seen.added_BD[layer]
            assert residual.shape == (2, WIDTH)
            torch.testing.assert_close(residual + added, left[layer], rtol=1e-4, atol=1e-4)
            # Attention has added its part: r is not what entered the layer.
            assert (residual - entering[layer]).abs().max() > 0.01
            if not loaded.layout.added:  # then y is the projection of the coefficients
                found = loaded.values[layer](seen.coefficient_BF[layer])
                torch.testing.assert_close(found, added, rtol=1e-4, atol=1e-4)
        logits = loaded.readout.model_scores(residual + added)
        expected = whole(input_ids=IDS[:2], use_cache=False).logits[:, -1]
        torch.testing.assert_close(logits, expected, rtol=1e-3, atol=1e-3)


def test_no_hook_stays(tmp_path: Path) -> None:
    save(tmp_path, "gptj", CASES["gptj"][0])
    loaded = load_model(str(tmp_path), device="cpu")
    with pytest.raises(KeyboardInterrupt), last_tokens(loaded, range(LAYERS), 1):
        raise KeyboardInterrupt
    for module in loaded.model.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks


@pytest.mark.parametrize(
    ("model_type", "fields"),
    [
        ("opt", {"ffn_dim": 24, "word_embed_proj_dim": WIDTH, "do_layer_norm_before": False}),
        ("bloom", {"apply_residual_connection_post_layernorm": True}),
    ],
)
def test_a_norm_in_the_stream_itself_is_refused(
    model_type: str, fields: dict[str, object], tmp_path: Path
) -> None:
    save(tmp_path, model_type, CASES[model_type][0] | fields)
    loaded = load_model(str(tmp_path), device="cpu")
    with pytest.raises(ModelError, match=f"{[*fields][-1]}=.*leave composition out"):
        check_stream(loaded)
