"""What `shade` refuses to store, and the command as a person types it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from checkpoints import Checkpoint
from corpora import mixed_lines
from shades import keys_of, never, stored
from terminal import Typed, assert_refused, contents

from mining.errors import KeyholeError, ModelError, RunFolderError
from mining.models import LoadedModel, load_model
from mining.run_folder import RunFolder
from mining.shade import shade

ByName = Callable[[str], Checkpoint]
Loaded = Callable[[str], LoadedModel]
Mined = Callable[..., RunFolder]


# What is refused.


@pytest.mark.parametrize("cause", ["activation", "weights"])
def test_another_model_is_found_out_by_its_coefficients(
    mined: Mined, checkpoint: ByName, tmp_path: Path, cause: str
) -> None:
    """Whatever the manifest's hashes say: the configuration is in none of them."""
    run = mined("random-gelu", mixed_lines())
    folder = tmp_path / "copy"
    shutil.copytree(checkpoint("random-gelu").folder, folder)
    other = load_model(str(folder), device="cpu")
    if cause == "activation":
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"activation_function": "relu"}))
        other = load_model(str(folder), device="cpu")
    else:
        other.model.h[2].mlp.c_fc.bias.data += 1e-3  # type: ignore[index, union-attr, operator]
    before = contents(run.path)
    with pytest.raises(ModelError, match=r"Layer \d+, key \d+ .*not the model") as told:
        shade(run, lambda: other)
    assert "\n" not in str(told.value)
    assert contents(run.path) == before
    if cause == "weights":
        assert str(told.value).startswith("Layer 2,")


def test_the_trigger_that_is_not_as_it_was_mined_is_named(mined: Mined, loaded: Loaded) -> None:
    run = mined("random-gelu", mixed_lines())
    table = pq.read_table(run.path / "triggers.parquet")
    frame = table.to_pandas()
    wrong = (frame["layer"] == 1) & (frame["key"] == 17) & (frame["rank"] == 3)
    frame.loc[wrong, "coefficient"] += 1
    pq.write_table(table.from_pandas(frame, table.schema), run.path / "triggers.parquet")
    with pytest.raises(ModelError, match=r"^Layer 1, key 17 has .* at trigger 3, and"):
        shade(run, lambda: loaded("random-gelu"), keys_per_layer=100)


def test_rounding_is_not_taken_for_another_model(mined: Mined, loaded: Loaded) -> None:
    run = mined("random-gelu", mixed_lines())
    table = pq.read_table(run.path / "triggers.parquet")
    frame = table.to_pandas()
    frame["coefficient"] *= np.where(np.arange(len(frame)) % 2, 1 + 3e-5, 1 - 3e-5)
    pq.write_table(table.from_pandas(frame, table.schema), run.path / "triggers.parquet")
    assert shade(run, lambda: loaded("random-gelu")).added_keys == 30


def test_a_run_without_a_sentence_that_it_uses_is_damaged(mined: Mined) -> None:
    run = mined("random-relu", mixed_lines())
    table = pq.read_table(run.path / "sentences.parquet")
    pq.write_table(table.slice(1), run.path / "sentences.parquet")
    missing = table["sentence_id"][0].as_py()
    with pytest.raises(RunFolderError, match=f"lacks sentence {missing}"):
        shade(run, never, keys_per_layer=100)


def test_damaged_shades_are_refused_with_what_to_do(mined: Mined) -> None:
    run = mined("random-relu", mixed_lines())
    (run.path / "shading.parquet").write_bytes(b"PAR1")
    for read in (run.shading, lambda: shade(run, never)):
        with pytest.raises(RunFolderError, match=r"shading\.parquet.*mining shade"):
            read()


@pytest.mark.parametrize(
    "sample", [{"keys_per_layer": 0}, {"keys_per_layer": -1}, {"seed": -1}], ids=str
)
def test_an_impossible_sample_is_refused(mined: Mined, sample: dict[str, int]) -> None:
    (name,) = sample
    with pytest.raises(KeyholeError, match=f"--{name.replace('_', '-')}"):
        shade(mined("random-relu", ["the cat"]), never, **sample)


# The command.


def test_shade_as_it_is_typed(typed: Typed, desk: Path) -> None:
    lines = "\n".join(mixed_lines())
    (desk / "long.txt").write_text(lines, encoding="utf-8")
    mining = ("mine", "model", "long.txt", "--out", "run", "--dtype", "bfloat16", "--device", "cpu")
    assert typed(*mining).code == 0
    ended = typed("shade", "run", "--keys-per-layer", 2, "--device", "cpu")
    assert ended.code == 0, ended.err
    run = RunFolder.open(desk / "run")
    assert ended.out == f"run: 4 keys with {len(stored(run))} triggers shaded; 0 were already.\n"
    again = typed("shade", "run", "--keys-per-layer", 2, "--seed", 5, "--device", "cpu")
    assert again.code == 0
    assert len(keys_of(stored(run))) > 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "nowhere"),
        (("run", "--keys-per-layer", 0), "--keys-per-layer"),
        (("run", "--seed", -1), "--seed"),
        (("run", "--seed", "x"), "seed"),
        (("run", "--model", "no/such/model"), "no/such/model"),
        (("run", "--device", "abacus"), "abacus"),
    ],
)
def test_shade_refuses_in_one_line_and_leaves_nothing(
    typed: Typed, desk: Path, arguments: tuple[object, ...], said: str
) -> None:
    lines = "\n".join(mixed_lines())
    (desk / "long.txt").write_text(lines, encoding="utf-8")
    assert typed("mine", "model", "long.txt", "--out", "run").code == 0
    before = contents(desk)
    assert_refused(typed("shade", *arguments), said)
    assert contents(desk) == before
