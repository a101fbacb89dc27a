"""The output side of every architecture: its own logits, and E alone with neither bias nor cap."""

from pathlib import Path

import pytest
import torch
from test_architectures import CASES, LAYERS, PLAIN, ROTARY, WIDTH, save
from transformers import AutoModelForCausalLM

from mining.models import LoadedModel, load_model

IDS = torch.tensor([[5, 6, 7, 8, 6], [8, 8, 5, 7, 6]])


def behind_the_last_layer(loaded: LoadedModel) -> torch.Tensor:
    """[N, D] the residual stream that the last layer hands on, caught at the layer."""
    last = loaded.model.get_submodule(f"{loaded.layout.blocks}.{LAYERS - 1}")
    seen: list[torch.Tensor] = []

    def keep(_module: object, _inputs: object, output: object) -> None:
        seen.append(output[0] if isinstance(output, tuple) else output)  # type: ignore[arg-type]

    handle = last.register_forward_hook(keep)
    with torch.inference_mode():
        loaded.model(input_ids=IDS, use_cache=False)
    handle.remove()
    return seen[0].reshape(-1, WIDTH)


@pytest.mark.parametrize("model_type", CASES)
def test_the_readout_gives_the_models_own_logits(model_type: str, tmp_path: Path) -> None:
    save(tmp_path, model_type, CASES[model_type][0])
    loaded = load_model(str(tmp_path), device="cpu", readout=True)
    whole = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert loaded.readout is not None
    with torch.inference_mode():
        found = loaded.readout.model_scores(behind_the_last_layer(loaded))
        expected = whole(input_ids=IDS, use_cache=False).logits
    torch.testing.assert_close(found, expected.reshape(found.shape), rtol=1e-4, atol=1e-4)
    assert found.shape[1] == loaded.readout.vocabulary


@pytest.mark.parametrize(
    ("model_type", "fields", "norm"),
    [
        ("phi", PLAIN, "model.final_layernorm"),  # its head has a bias
        ("gemma2", ROTARY | {"final_logit_softcapping": 3.0}, "model.norm"),
        (
            "opt",
            PLAIN | {"ffn_dim": 24, "word_embed_proj_dim": 8},  # projected before the head
            "model.decoder.final_layer_norm",
        ),
    ],
)
def test_plain_and_folded_scores_are_of_the_embedding_alone(
    model_type: str, fields: dict[str, object], norm: str, tmp_path: Path
) -> None:
    save(tmp_path, model_type, fields)
    loaded = load_model(str(tmp_path), device="cpu", readout=True)
    whole = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert loaded.readout is not None
    hidden = torch.randn(4, WIDTH, generator=torch.Generator().manual_seed(1))
    embedding = whole.get_output_embeddings().weight
    narrow = (
        whole.get_submodule("model.decoder.project_out") if model_type == "opt" else (lambda h: h)
    )
    with torch.inference_mode():
        plain, folded = (loaded.readout.scores(hidden, name) for name in ("plain", "folded"))
        torch.testing.assert_close(plain, narrow(hidden) @ embedding.T)
        normed = whole.get_submodule(norm)(hidden)
        torch.testing.assert_close(folded, narrow(normed) @ embedding.T)


def test_mining_pays_nothing_for_the_head(tmp_path: Path) -> None:
    save(tmp_path, "llama", ROTARY)
    assert load_model(str(tmp_path), device="cpu").readout is None
