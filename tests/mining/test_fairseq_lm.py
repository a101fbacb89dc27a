"""The paper's own model: whatever form a file has, it computes what the paper's facts say."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from fairseq_models import ACTIVATIONS, Computed, Numbers, forward, numbers, save, state_of

from mining.alone import feed_alone
from mining.fairseq_lm import AdaptiveSoftmax
from mining.fairseq_sizes import Band, Sizes
from mining.models import LoadedModel, load_model

IDS = (5, 9, 13, 40, 31, 33, 11, 12, 4, 41)  # words of every band, and of each band's edges
MODELS = {
    "as published": numbers(),
    "a narrow first band": numbers(widths=(8, 6, 2)),
    "an odd width": numbers(d=15, widths=(15, 6, 2), heads=3),
    "four bands": numbers(rows=(12, 8, 12, 10), widths=(12, 6, 4, 3)),
    "one band": numbers(rows=(42,), widths=(12,)),
    "projections of its own": numbers(own_projections=True),
    "words of its own": numbers(untied=(9, 13, 20)),
    "a final norm": numbers(final_norm=True),
}


def loaded_from(folder: Path, made: Numbers, **form: object) -> LoadedModel:
    named = {name: form.pop(name) for name in ("fused", "tied") if name in form}
    save(folder, state_of(made, **named), **form)  # type: ignore[arg-type]
    return load_model(str(folder), device="cpu", readout=True)


def assert_computes(loaded: LoadedModel, ids: Sequence[int], expected: Computed) -> None:
    seen: dict[int, torch.Tensor] = {}
    behind: list[torch.Tensor] = []
    handle = loaded.model.layers[-1].register_forward_hook(
        lambda _module, _inputs, output: behind.append(output[0])
    )
    with torch.inference_mode():
        loaded.model(input_ids=torch.tensor([ids]), use_cache=False)
        handle.remove()
        feed_alone(
            loaded, [ids[1:]], range(len(loaded.values)),
            lambda layer, value: seen.__setitem__(layer, value[0].clone()),
        )  # fmt: skip
        assert loaded.readout is not None
        found = loaded.readout.model_scores(behind[0])
    for layer, coefficients in enumerate(expected.coefficients):
        np.testing.assert_allclose(seen[layer], coefficients[1:], rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(behind[0], expected.hidden, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found, expected.log_probabilities, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.exp().sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_computed_is_the_papers_formula(name: str, tmp_path: Path) -> None:
    made = MODELS[name]
    loaded = loaded_from(tmp_path, made)
    ids = (2, *IDS)
    assert loaded.lead_ids == ids[:1]
    assert_computes(loaded, ids, forward(made, ids))
    assert loaded.readout is not None
    assert loaded.readout.vocabulary == 42
    assert (loaded.readout.final_norm is None) == (name != "a final norm")


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("tied", ["twice", "inputs", "outputs"])
@pytest.mark.parametrize("name", ["as published", "a narrow first band", "projections of its own"])
def test_every_form_of_the_tensors_is_the_same_model(
    name: str, tied: str, fused: bool, tmp_path: Path
) -> None:
    loaded = loaded_from(tmp_path, MODELS[name], fused=fused, tied=tied)
    assert_computes(loaded, (2, *IDS), forward(MODELS[name], (2, *IDS)))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    "form", ["args", "args as a dict", "cfg", "cfg of Namespaces", "cfg, flat"]
)
def test_every_form_of_the_settings_is_read(form: str, zipped: bool, tmp_path: Path) -> None:
    settings = {
        "activation_fn": "gelu", "no_scale_embedding": True, "tokens_per_sample": 9,
        "decoder_normalize_before": True, "decoder_layers": 2,
    }  # fmt: skip
    made = MODELS["as published"]
    loaded = loaded_from(tmp_path, made, form=form, settings=settings, zipped=zipped)
    assert_computes(loaded, (2, *IDS), forward(made, (2, *IDS), "gelu", scaled=False))
    assert (loaded.activation, loaded.context, loaded.room) == ("gelu", 9, 8)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_what_its_name_says(name: str, tmp_path: Path) -> None:
    made = MODELS["as published"]
    loaded = loaded_from(tmp_path, made, settings={"activation_fn": name})
    assert_computes(loaded, (2, *IDS), forward(made, (2, *IDS), name))


@pytest.mark.parametrize(
    ("settings", "context"),
    [
        ({}, 3072),
        ({"tokens_per_sample": 512}, 512),
        ({"tokens_per_sample": 512, "max_target_positions": 100}, 100),
        ({"tokens_per_sample": 512, "max_target_positions": None}, 512),
    ],
)
def test_the_context_is_what_the_settings_say_or_the_papers(
    settings: dict[str, object], context: int, tmp_path: Path
) -> None:
    assert loaded_from(tmp_path, MODELS["as published"], settings=settings).context == context


def test_a_setting_that_points_at_another_is_passed_over(tmp_path: Path) -> None:
    save(tmp_path, state_of(MODELS["as published"]))
    stored = torch.load(tmp_path / "model.pt", weights_only=False)
    model = {"decoder_attention_heads": 3, "tokens_per_sample": "${task.tokens_per_sample}"}
    stored |= {"args": None, "cfg": {"model": model, "task": {"tokens_per_sample": 77}}}
    torch.save(stored, tmp_path / "model.pt")
    assert load_model(str(tmp_path), device="cpu").context == 77


def test_a_square_projection_is_tied_or_not_as_the_settings_say(tmp_path: Path) -> None:
    for own in (False, True):
        made = numbers(widths=(12, 12, 4), own_projections=own)
        for said in ({"tie_adaptive_proj": not own}, {"no_tie_adaptive_proj": own}):
            loaded = loaded_from(tmp_path, made, settings=said)
            assert_computes(loaded, (2, *IDS), forward(made, (2, *IDS)))


def test_a_file_in_half_precision_is_loaded_as_float32(tmp_path: Path) -> None:
    made = numbers()
    state = {name: tensor.half() for name, tensor in state_of(made).items()}
    save(tmp_path, state)
    loaded = load_model(str(tmp_path), device="cpu")
    assert {weight.dtype for weight in loaded.model.parameters()} == {torch.float32}
    kept = loaded.model.layers[1].fc1.weight
    torch.testing.assert_close(kept, made.layers[1]["fc1"][0].half().float(), rtol=0, atol=0)


def fed(loaded: LoadedModel, sentences: list[list[int]]) -> dict[int, torch.Tensor]:
    seen: dict[int, torch.Tensor] = {}
    with torch.inference_mode():
        feed_alone(loaded, sentences, range(2), lambda n, x: seen.__setitem__(n, x.clone()))
    return seen


def test_sentences_batched_have_the_numbers_of_sentences_alone_to_the_bit(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, numbers(d=24, widths=(24, 8, 4), d_ff=64, heads=3))
    ids_BU = torch.randint(4, 42, (48, 9), generator=torch.Generator().manual_seed(1)).tolist()
    batched = fed(loaded, ids_BU)
    for row in range(0, 48, 5):
        for layer, coefficients in fed(loaded, [ids_BU[row]]).items():
            assert torch.equal(coefficients[0], batched[layer][row])


def test_what_pads_a_sentence_on_the_right_is_never_seen(tmp_path: Path) -> None:
    loaded = loaded_from(tmp_path, MODELS["as published"])
    with torch.inference_mode():
        alone = loaded.model(input_ids=torch.tensor([[2, 5, 30]])).last_hidden_state
        for padding in (0, 1, 41):
            padded = torch.tensor([[2, 5, 30, padding, padding], [2, 6, 7, 8, 9]])
            found = loaded.model(input_ids=padded).last_hidden_state[:1, :3]
            torch.testing.assert_close(found, alone, rtol=1e-5, atol=1e-5)


def test_tied_tensors_are_in_memory_once_and_a_softmax_only_for_a_readout(tmp_path: Path) -> None:
    save(tmp_path, state_of(MODELS["as published"]))
    assert load_model(str(tmp_path), device="cpu").readout is None
    loaded = load_model(str(tmp_path), device="cpu", readout=True)
    assert loaded.readout is not None
    own = {weight.data_ptr() for weight in loaded.model.parameters()}
    others = [w for w in loaded.readout.output.parameters() if w.data_ptr() not in own]
    assert [tuple(weight.shape) for weight in others] == [(2, 12)]  # the classes alone
    assert not any(weight.requires_grad for weight in loaded.readout.output.parameters())


def test_log_probabilities_of_all_267_744_words_sum_to_one() -> None:
    bands = (Band(20_000, 4), Band(40_000, 2, True), Band(207_744, 1, True))
    sizes = Sizes(
        d_model=4, d_ff=8, layers=1, heads=1, bands=bands, outputs=bands, tied=True,
        final_norm=False, scaled=True, activation="relu", context=8,
    )  # fmt: skip
    softmax = AdaptiveSoftmax(sizes)
    torch.manual_seed(0)
    with torch.inference_mode():
        for weight in softmax.parameters():
            weight.normal_()
        found = softmax(torch.randn(3, 4) * 5)
    assert found.shape == (3, 267_744)
    torch.testing.assert_close(
        found.double().exp().sum(1), torch.ones(3).double(), rtol=1e-5, atol=0
    )
