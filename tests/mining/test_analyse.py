"""`analyse` as a whole: what it writes and when, what it refuses, how it goes on."""

import json
from collections.abc import Callable
from pathlib import Path
from signal import SIGINT
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from checkpoints import Checkpoint
from corpora import mixed_lines
from terminal import Typed, assert_refused, contents
from tiny_models import coefficients_alone
from transformers import AutoModelForCausalLM

from mining.additions import account_of, fingerprint
from mining.analyse import analyse
from mining.corpus import open_corpus
from mining.errors import CorpusError, Interrupted, KeyholeError, ModelError
from mining.figures import figures
from mining.models import LoadedModel, load_model
from mining.run_folder import SCHEMAS, RunFolder
from mining.run_tables import PARTS

ByName = Callable[[str], Checkpoint]
Mined = Callable[..., RunFolder]
FEW = {"prefixes": 30, "keys_per_layer": 3}


@pytest.fixture
def model(checkpoint: ByName) -> LoadedModel:
    return load_model(str(checkpoint("random-gelu").folder), device="cpu", readout=True)


@pytest.fixture
def run(mined: Mined) -> RunFolder:
    return mined("random-gelu", mixed_lines(), top_k=3)


def never() -> LoadedModel:
    raise AssertionError("the model was loaded for nothing")


def tables(run: RunFolder) -> dict[str, bytes]:
    names = [name for of_part in PARTS.values() for name in of_part]
    return {
        name: (run.path / f"{name}.parquet").read_bytes()
        for name in names
        if (run.path / f"{name}.parquet").exists()
    }


def test_every_table_has_its_columns_and_the_manifest_tells_of_it(
    run: RunFolder, model: LoadedModel
) -> None:
    before = run.manifest
    report = analyse(run, model, **FEW)
    assert (sorted(report.done), report.present) == (sorted(PARTS), [])
    for name in tables(run):
        assert pq.read_schema(run.path / f"{name}.parquet").equals(SCHEMAS[name])
    after = RunFolder.open(run.path)
    said = after.manifest.extra.pop("analyses")
    assert after.manifest == before
    assert {part: one["settings"].get("variant", "none") for part, one in said.items()} == {
        "values": "plain", "removal": "none", "composition": "plain",
    }  # fmt: skip
    assert said["values"]["chance"] == pytest.approx(1 / model.readout.vocabulary)  # type: ignore[union-attr]
    assert said["composition"]["counts"]["prefixes"] == 30
    for table, rows in (("values", 3 * 40), ("predictive_values", 100), ("composition", 3 * 30)):
        assert len(getattr(after, table)()) == rows
    removal = after.removal()
    assert removal is not None
    assert set(removal.groupby(["layer", "key", "rank"]).size()) == {3}
    assert removal["rank"].max() > 3  # more triggers than the run holds


def test_what_remains_of_a_trigger_is_run_as_a_sentence_of_its_own(
    run: RunFolder, model: LoadedModel, checkpoint: ByName
) -> None:
    analyse(run, model, only=("removal",), keys_per_layer=4)
    removal = run.removal()
    assert removal is not None
    whole = AutoModelForCausalLM.from_pretrained(checkpoint("random-gelu").folder).eval()
    both = removal[removal["rank"] <= 3].merge(run.triggers(), on=["layer", "key", "rank"])
    assert len(both) == (removal["rank"] <= 3).sum() > 60
    np.testing.assert_allclose(both["coefficient_x"], both["coefficient_y"], rtol=1e-5)
    token_ids = run.sentences()["token_ids"]
    for row in both.itertuples():
        ids = token_ids[row.sentence_id][: row.position + 1].tolist()
        at = {"first": [0], "last": [len(ids) - 1], "random": range(len(ids))}[row.removed]
        found = [
            float(coefficients_alone(whole, ids[:n] + ids[n + 1 :])[row.layer, -1, row.key])
            for n in at
        ]
        assert min(abs(one - row.coefficient_after) for one in found) < 1e-5


def test_what_is_there_with_the_same_settings_is_not_done_again(
    run: RunFolder, model: LoadedModel
) -> None:
    analyse(run, model, **FEW)
    before = contents(run.path)
    report = analyse(run, never, **FEW)
    assert (report.done, report.present) == ({}, [*PARTS])
    assert contents(run.path) == before
    assert [*analyse(run, model, **FEW | {"prefixes": 20}).done] == ["composition"]
    assert [*analyse(run, model, **FEW, only=("removal",), again=True).done] == ["removal"]
    (run.path / "values.parquet").unlink()
    report = analyse(run, model, **FEW | {"prefixes": 20})
    assert ([*report.done], report.present) == (["values"], ["removal", "composition"])


def test_an_interrupted_analysis_keeps_what_is_finished_and_goes_on(
    run: RunFolder, model: LoadedModel
) -> None:
    def stop(what: str, _done: int, _expected: int) -> None:
        if what == "removal":
            raise Interrupted(SIGINT)

    with pytest.raises(Interrupted, match=r"^interrupted; the same command goes on"):
        analyse(run, model, **FEW, progress=stop)
    assert sorted(tables(run)) == ["predictive_values", "values"]
    assert [*account_of(run.path)] == ["values"]
    assert not (run.path / "checkpoint.npz").exists()
    first = tables(run)
    report = analyse(run, model, **FEW)
    assert ([*report.done], report.present) == (["removal", "composition"], ["values"])
    whole = tables(run)
    assert first.items() <= whole.items()
    analyse(run, model, **FEW, again=True)
    assert tables(run) == whole  # to the byte


def test_parts_alone_are_the_same_as_together(run: RunFolder, model: LoadedModel) -> None:
    analyse(run, model, **FEW)
    together = tables(run)
    for name in together:
        (run.path / f"{name}.parquet").unlink()
    for part in ("composition", "removal", "values"):
        analyse(run, model, **FEW, only=(part,))
    assert tables(run) == together


def test_an_analysed_run_keeps_its_fingerprint(run: RunFolder, model: LoadedModel) -> None:
    before = fingerprint(run.path)
    analyse(run, model, **FEW, only=("values",))
    assert fingerprint(run.path) == before
    stored = json.loads((run.path / "manifest.json").read_text())
    stored["extra"]["note"] = 1
    (run.path / "manifest.json").write_text(json.dumps(stored))
    assert fingerprint(run.path) != before


def test_a_run_with_enough_triggers_is_not_mined_again(mined: Mined, model: LoadedModel) -> None:
    told: set[str] = set()
    run = mined("random-gelu", mixed_lines(), top_k=50)
    analyse(run, model, **FEW, progress=lambda what, _d, _e: told.add(what))
    assert "removal" in told and "top 50" not in told


def test_prefixes_can_be_drawn_elsewhere(
    run: RunFolder, model: LoadedModel, tmp_path: Path
) -> None:
    other = tmp_path / "validation.txt"
    other.write_text("the dog sat\non the mat", encoding="utf-8")
    analyse(run, model, only=("composition",), corpus=open_corpus(str(other)))
    found = run.composition()
    assert found is not None
    places = sorted({*zip(found["sentence_id"], found["position"], strict=True)})
    assert places == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert account_of(run.path)["composition"]["settings"]["corpus"] == str(other)


@pytest.mark.parametrize(
    "options",
    [
        {"only": ("value",)}, {"only": ()}, {"variant": "bent"}, {"seed": -1}, {"prefixes": 0},
        {"keys_per_layer": 0},
    ],
    ids=str,
)  # fmt: skip
def test_impossible_options_are_refused(run: RunFolder, options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(KeyholeError, match=f"^--{name.replace('_', '-')}"):
        analyse(run, never, **options)


def test_another_text_or_another_model_is_refused(
    run: RunFolder, model: LoadedModel, checkpoint: ByName
) -> None:
    other = load_model(str(checkpoint("random-relu").folder), device="cpu", readout=True)
    with pytest.raises(ModelError, match="is not the model"):
        analyse(run, other)
    text = Path(run.manifest.corpus)
    text.write_text(text.read_text() + "\nthe cat", encoding="utf-8")
    for part in ("removal", "composition"):
        with pytest.raises(CorpusError, match="is not the text"):
            analyse(run, model, only=(part,))
    assert not tables(run) and "analyses" not in RunFolder.open(run.path).manifest.extra


def test_figures_are_of_what_has_been_analysed(run: RunFolder, model: LoadedModel) -> None:
    assert figures(run) == {}
    analyse(run, model, **FEW)
    found = figures(run)
    assert sorted(found) == sorted(["table3", *(f"figure{n}" for n in range(3, 11))])
    for table in found.values():
        known = table.dropna(subset=["value"])
        assert len(known) and (known["ci_low"] <= known["value"]).all()
        assert (known["value"] <= known["ci_high"]).all() and (known["count"] > 0).all()
    by_layer = found["figure10"].groupby("layer")["value"].sum()
    pd.testing.assert_series_equal(by_layer, by_layer * 0 + 1)


# The command.


def test_analyse_as_it_is_typed(typed: Typed, desk: Path) -> None:
    assert typed("mine", "model", "text.txt", "--out", "run", "--device", "cpu").code == 0
    given = ("analyse", "run", "--device", "cpu", "--prefixes", 5, "--variant", "folded")
    ended = typed(*given, "--only", "values,composition")
    assert ended.code == 0, ended.err
    assert [line.split(" in ")[0] for line in ended.out.splitlines()] == [
        "run: values", "run: composition",
    ]  # fmt: skip
    again = typed(*given)
    assert again.code == 0, again.err
    assert again.out.startswith("run: removal in") and again.out.count("\n") == 1
    assert " ".join(again.err.split()).count("is there already") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "nowhere"),
        (("run", "--only", "value"), "--only"),
        (("run", "--variant", "bent"), "--variant"),
        (("run", "--prefixes", 0), "--prefixes"),
        (("run", "--keys-per-layer", 0), "--keys-per-layer"),
        (("run", "--seed", -1), "--seed"),
        (("run", "--corpus", "nothing.txt"), "nothing.txt"),
        (("run", "--model", "no/such/model"), "no/such/model"),
        (("run", "--device", "abacus"), "abacus"),
    ],
)
def test_analyse_refuses_in_one_line_and_leaves_nothing(
    typed: Typed, desk: Path, arguments: tuple[object, ...], said: str
) -> None:
    assert typed("mine", "model", "text.txt", "--out", "run", "--device", "cpu").code == 0
    before = contents(desk)
    assert_refused(typed("analyse", *arguments), said)
    assert contents(desk) == before
