"""A coefficient that is infinite or no number stops the run and says where it is, and only then."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from checkpoints import Checkpoint, Constant, Fires, planted_checkpoint, word_tokenizer
from corpora import lines_of, mixed_lines
from tiny_models import coefficients_alone, tiny_model
from transformers import AutoModelForCausalLM

from mining.errors import ModelError
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel, load_model
from mining.run_folder import RunFolder

MESSAGE = re.compile(
    r"Layer (\d+), key (\d+) has a coefficient that is infinite or no number, at token (\d+)"
    r" of sentence (\d+) \((['\"])(.*)\5\); [^\n]+"
)
NUMBERS = {"nan": torch.nan, "inf": torch.inf, "minus-inf": -torch.inf}
# The weights of one key, by architecture: [entries, key] in GPT-2, [key, entries] in Llama.
GPT2, GATE, UP = (
    "h.{}.mlp.c_fc.weight",
    "layers.{}.mlp.gate_proj.weight",
    "layers.{}.mlp.up_proj.weight",
)


@pytest.fixture
def fresh(checkpoint: Callable[[str], Checkpoint], tmp_path: Path) -> Callable[[str], LoadedModel]:
    """A model of this test's own, to be damaged; "llama" or the name of a shared checkpoint."""

    def by_name(name: str) -> LoadedModel:
        if name != "llama":
            return load_model(str(checkpoint(name).folder), device="cpu")
        tokenizer = word_tokenizer()
        tiny_model(len(tokenizer), llama=True).save_pretrained(tmp_path / "llama")
        tokenizer.save_pretrained(tmp_path / "llama")
        return load_model(str(tmp_path / "llama"), device="cpu")

    return by_name


@contextmanager
def damaged(weight: torch.Tensor, where: tuple[object, ...], value: float) -> Iterator[None]:
    """Put a number in some places of a weight, and mend it afterwards."""
    before = weight.detach().clone()
    with torch.no_grad():
        weight[where] = value
    try:
        yield
    finally:
        with torch.no_grad():
            weight.copy_(before)


def run(loaded: LoadedModel, lines: list[str], folder: Path, **options: object) -> RunFolder:
    mine(loaded, lines_of(folder / "texts.txt", lines), folder / "run", MiningOptions(**options))
    return RunFolder.open(folder / "run")


def refusal(
    loaded: LoadedModel, lines: list[str], folder: Path, **options: object
) -> tuple[int, int, int, str]:
    """(layer, key, position, text) of the message; the folder and the hooks must be gone."""
    with pytest.raises(ModelError) as refused:
        run(loaded, lines, folder, **options)
    said = MESSAGE.fullmatch(str(refused.value))
    assert said is not None, refused.value
    assert not (folder / "run").exists()
    assert not any(value._forward_pre_hooks for value in loaded.values)
    assert lines[int(said[4])].startswith(said[6])
    return int(said[1]), int(said[2]), int(said[3]), lines[int(said[4])]


WORDS_ONLY = [line for line in mixed_lines(seed=30) if len(line.split()) < 30 and "¤" not in line]


@pytest.mark.parametrize("batch_tokens", [1, 1_000_000])
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    ("name", "weight", "layer", "key"),
    [
        ("random-gelu", GPT2, 0, 7),
        ("random-gelu", GPT2, 2, 39),
        ("random-relu-begin", GPT2, 1, 5),
        ("llama", GATE, 1, 3),
        ("llama", UP, 0, 11),
    ],
)
def test_the_layer_the_key_and_a_sentence_are_named(
    fresh: Callable[[str], LoadedModel],
    tmp_path: Path,
    name: str,
    weight: str,
    layer: int,
    key: int,
    number: str,
    batch_tokens: int,
) -> None:
    loaded = fresh(name)
    damage = loaded.model.get_parameter(weight.format(layer))
    entry = (0, key) if weight == GPT2 else (key, 0)
    whole = AutoModelForCausalLM.from_pretrained(loaded.name, dtype=torch.float32).eval()
    with damaged(damage, entry, NUMBERS[number]):
        said = refusal(loaded, WORDS_ONLY, tmp_path, batch_tokens=batch_tokens)
        whole.base_model.load_state_dict(loaded.model.state_dict())
    assert said[:2] == (layer, key)
    text = loaded.tokenizer(said[3])["input_ids"]
    alone = coefficients_alone(whole, text)[:, len(loaded.lead_ids) :]
    assert not alone[layer, said[2], key].isfinite()
    mended = run(loaded, WORDS_ONLY, tmp_path, top_k=3)  # the same model, and no hook left in it
    assert mended.triggers()["coefficient"].map(np.isfinite).all()


@pytest.mark.parametrize("batch_tokens", [1, 50, 1_000_000])
def test_the_sentence_named_is_the_one_with_the_damaged_word(
    fresh: Callable[[str], LoadedModel], tmp_path: Path, batch_tokens: int
) -> None:
    loaded = fresh("random-relu")
    word = loaded.tokenizer.convert_tokens_to_ids("river")
    lines = [line for line in WORDS_ONLY if "river" not in line]
    lines.insert(17, "the cat sat on the river and ran")
    with damaged(loaded.model.get_parameter("wte.weight"), (word,), torch.nan):
        _, _, _, text = refusal(loaded, lines, tmp_path, batch_tokens=batch_tokens)
    assert text == lines[17]


def test_a_damaged_layer_that_is_not_mined_does_no_harm(
    fresh: Callable[[str], LoadedModel], tmp_path: Path
) -> None:
    loaded = fresh("random-gelu")
    with damaged(loaded.model.get_parameter(GPT2.format(1)), (0, 7), torch.nan):
        found = run(loaded, WORDS_ONLY, tmp_path, layers=[0], top_k=3)
    assert set(found.triggers()["layer"]) == {0}


def test_minus_infinity_that_the_activation_makes_zero_is_a_dead_key(
    fresh: Callable[[str], LoadedModel], tmp_path: Path
) -> None:
    loaded = fresh("random-relu")
    with damaged(loaded.model.get_parameter("h.1.mlp.c_fc.bias"), (9,), -torch.inf):
        found = run(loaded, WORDS_ONLY, tmp_path)
    assert found.triggers(layer=1, key=9).empty
    key = found.keys(layer=1).set_index("key").loc[9]
    assert (key["triggers"], key["active_share"], key["max"], key["min"]) == (0, 0, 0, 0)


@pytest.mark.parametrize("per_sentence", ["one", "all"])
@pytest.mark.parametrize("sign", ["positive", "both"])
def test_infinity_at_special_tokens_and_padding_stops_nothing(
    tmp_path: Path, per_sentence: str, sign: str
) -> None:
    # Batches are padded with token 0, which in this vocabulary is <unk>.
    plan = [[Fires({"<unk>": 1.0}), Fires({"cat": 1.0}), Constant(1.0)]]
    loaded = load_model(str(planted_checkpoint(tmp_path / "model", plan).folder), device="cpu")
    lines = ["cat", "the cat unheard", "unheard", "the unheard cat sat on <pad> unheard", "dog"]
    with (
        damaged(loaded.model.get_parameter(GPT2.format(0)), (0, 0), 3.4e38),
        damaged(loaded.model.get_parameter("h.0.mlp.c_fc.bias"), (0,), 3e38),
    ):
        whole = AutoModelForCausalLM.from_pretrained(tmp_path / "model").eval()
        whole.base_model.load_state_dict(loaded.model.state_dict())
        fed = loaded.tokenizer("the cat unheard")["input_ids"]
        assert coefficients_alone(whole, fed)[0, :, 0].tolist() == [0, 0, torch.inf]
        found = run(loaded, lines, tmp_path, per_sentence=per_sentence, sign=sign)
    assert found.triggers(key=0).empty
    assert list(found.triggers(key=1)["prefix"]) == ["cat", "the cat", "the unheard cat"]
    assert found.keys().set_index("key").loc[0, "max"] == 0


def test_what_batches_are_padded_with_need_not_be_a_number(
    fresh: Callable[[str], LoadedModel], tmp_path: Path
) -> None:
    # Token 0 is never in the text here; its row was never trained, and is not finite.
    loaded = fresh("random-relu")
    lines = [line for line in WORDS_ONLY if "un" not in line and "<" not in line]
    assert 0 not in chain.from_iterable(loaded.tokenizer(lines)["input_ids"])
    (tmp_path / "well").mkdir()
    expected = run(loaded, lines, tmp_path / "well").triggers()
    with damaged(loaded.model.get_parameter("wte.weight"), (0,), torch.nan):
        found = run(loaded, lines, tmp_path, batch_tokens=100).triggers()
    columns = ["layer", "key", "rank", "sentence_id", "position"]
    pd.testing.assert_frame_equal(found[columns], expected[columns])


def test_numbers_too_large_to_be_added_up_end_in_one_line_too(
    fresh: Callable[[str], LoadedModel], tmp_path: Path
) -> None:
    loaded = fresh("random-relu")
    with (
        damaged(loaded.model.get_parameter("h.1.mlp.c_fc.bias"), (6,), 3e38),
        pytest.raises(ModelError, match="Layer 1, key 6") as refused,
    ):
        run(loaded, WORDS_ONLY, tmp_path)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()
