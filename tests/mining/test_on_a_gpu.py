"""The same results on a GPU: run where there is one, since no other device can stand in for it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from analysed_runs import FEW, LINES, gpt2
from checkpoints import Checkpoint
from comparison import (
    BATCHES,
    assert_all_the_same,
    assert_same_statistics,
    assert_same_triggers,
    expected_rows,
)
from corpora import MULTI_BYTE, lines_of, mixed_lines
from oracle import Oracle
from torch import nn

from mining.activity import obstacle
from mining.analyse import analyse
from mining.bench import Setting, random_gpt2
from mining.distributions import summarise
from mining.errors import ModelError
from mining.interrupts import StopRequests
from mining.layer_memory import LayerMemory
from mining.miner import MiningOptions, mine, new_pass
from mining.models import LoadedModel, load_model
from mining.readout import Readout
from mining.run_folder import RunFolder

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
GPU = torch.device("cuda")

ByName = Callable[[str], Checkpoint]
Run = Callable[..., RunFolder]


@pytest.fixture
def on_gpu(checkpoint: ByName) -> Callable[..., LoadedModel]:
    def by_name(name: str, dtype: str = "float32") -> LoadedModel:
        return load_model(str(checkpoint(name).folder), device="cuda", dtype=dtype)

    return by_name


@pytest.mark.parametrize("batch_tokens", [37, 256, None])
@pytest.mark.parametrize("per_sentence", ["one", "all"])
@pytest.mark.parametrize("name", ["random-relu", "random-gelu", "bytes-gelu-begin"])
def test_triggers_are_the_brute_forces(
    on_gpu: Callable[..., LoadedModel],
    checkpoint: ByName,
    run: Run,
    name: str,
    per_sentence: str,
    batch_tokens: int | None,
) -> None:
    lines = MULTI_BYTE if name.startswith("bytes") else mixed_lines(seed=1)
    oracle = Oracle(checkpoint(name), lines)
    options = {"top_k": 25, "per_sentence": per_sentence}
    if (
        name == "random-relu"
    ):  # all of GELU's lowest are one number to float32, but for its last bit
        options["sign"] = "both"
    found = run(on_gpu(name), lines, batch_tokens=batch_tokens, **options)
    assert_same_triggers(found, oracle, expected_rows(oracle, **options), bitwise=False)
    assert_same_statistics(found, oracle)


@pytest.mark.parametrize("per_sentence", ["one", "all"])
def test_coefficients_mined_under_bfloat16_are_those_of_float32_whatever_the_batches(
    on_gpu: Callable[..., LoadedModel], checkpoint: ByName, run: Run, per_sentence: str
) -> None:
    lines = mixed_lines(seed=8, sentences=120)
    oracle = Oracle(checkpoint("random-relu"), lines)
    model = on_gpu("random-relu", "bfloat16")
    runs = [
        run(model, lines, top_k=5, per_sentence=per_sentence, batch_tokens=tokens)
        for tokens in BATCHES
    ]
    for row in runs[0].triggers().itertuples():
        alone = oracle.coefficients[row.sentence_id][row.layer, row.position, row.key]
        assert abs(row.coefficient - alone) <= 2e-6 * oracle.scale[row.layer, row.key]
    assert_all_the_same(runs)


def test_memory_that_runs_out_halves_the_batch(tmp_path: Path, run: Run) -> None:
    loaded, _ = random_gpt2("8x128", Setting("demo", 0, 0, "cuda", "float32"))
    lines = [f"line {n} of some length, said the {n * n}th man" for n in range(3_000)]
    enough = run(loaded, lines)
    total = torch.cuda.get_device_properties(GPU).total_memory
    room = torch.cuda.memory_allocated(GPU) + 300 * 2**20
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(room / total)
    try:
        scarce = run(loaded, lines)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert scarce.manifest.extra["batches_halved"] >= 1
    place = ["layer", "key", "rank", "sentence_id", "position"]
    pd.testing.assert_frame_equal(scarce.triggers()[place], enough.triggers()[place])


@pytest.mark.parametrize("both", [False, True])
def test_one_look_finds_what_several_do(tmp_path: Path, both: bool) -> None:
    assert not obstacle(GPU)
    loaded, _ = random_gpt2("8x128", Setting("demo", 0, 0, "cuda", "bfloat16"))
    loaded = replace(loaded, dtype="bfloat16")
    corpus = lines_of(tmp_path / "texts.txt", [line for n in range(20) for line in mixed_lines(n)])
    found = []
    for once in (True, False):
        options = MiningOptions(sign="both" if both else "positive")
        one_pass = new_pass(loaded, corpus, None, options, {})
        one_pass.memory = {
            layer: LayerMemory(
                loaded.d_ff, 30, GPU, signs=(1, -1) if both else (1,), every=False, once=once
            )
            for layer in one_pass.memory
        }
        with torch.inference_mode():
            one_pass.run(StopRequests())
        found.append(one_pass.memory)
    for layer, memory in found[0].items():
        other = found[1][layer]
        for sign, best in memory.best.items():
            for mine_N, other_N in zip(
                best.result().columns(), other.best[sign].result().columns(), strict=True
            ):
                assert torch.equal(mine_N, other_N)
        assert torch.equal(memory.activity.active_F, other.activity.active_F)
        assert torch.equal(memory.activity.lowest_F, other.activity.lowest_F)
        torch.testing.assert_close(
            memory.activity.total_F, other.activity.total_F, rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("levels", [60, 10**6])  # few: ties everywhere, and sums that are exact
@pytest.mark.parametrize("words", [5_003, 40_000])
@pytest.mark.parametrize("best", [1, 10])
def test_distributions_read_once_are_those_of_a_processor(
    words: int, levels: int, best: int
) -> None:
    assert not obstacle(GPU, "mining.one_reading")
    random = torch.Generator().manual_seed(words)
    scores_NV = (torch.randint(levels, (37, words), generator=random) - levels // 2) / 4
    asked_N = torch.randint(-1, words, (37,), generator=random)
    readout = Readout(nn.Identity(), nn.Identity(), None, words)
    wanted, found = (
        [*summarise(readout, "plain", scores_NV.to(device), asked_N.to(device), best)]
        for device in ("cpu", GPU)
    )
    for name in ("ids_Nk", "rank_N", "probability_Nk", "asked_probability_N"):
        both = [
            torch.cat([getattr(part, name).cpu() for part in parts]) for parts in (found, wanted)
        ]
        torch.testing.assert_close(*both, rtol=1e-5, atol=1e-37)
    scores_NV[36, 1] = torch.nan
    with pytest.raises(ModelError, match="no number"):
        [*summarise(readout, "plain", scores_NV.to(GPU), asked_N.to(GPU), best)]


def test_analyses_give_what_they_give_on_a_processor(tmp_path: Path) -> None:
    folder = gpt2(tmp_path / "model").folder
    tables = {}
    for device in ("cpu", "cuda"):
        loaded = load_model(str(folder), device=device, readout=True)
        out = tmp_path / device
        mine(loaded, lines_of(tmp_path / "texts.txt", LINES), out, MiningOptions())
        analyse(RunFolder.open(out), loaded, **FEW)
        tables[device] = {
            path.stem: pd.read_parquet(path) for path in sorted(out.glob("*.parquet"))
        }
    assert len(tables["cpu"]) > 5
    for name, wanted in tables["cpu"].items():
        got = tables["cuda"][name]
        for column in wanted.columns:
            if wanted[column].dtype == np.float32 or wanted[column].dtype == np.float64:
                np.testing.assert_allclose(got[column], wanted[column], rtol=1e-4, atol=1e-5)
            elif wanted[column].map(type).eq(np.ndarray).any():
                continue  # lists of words: of near-equal scores either may come first
            else:
                assert (got[column] == wanted[column]).mean() > 0.99, (name, column)
