"""Mining gives, for every key, exactly the triggers of a brute force that keeps everything."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from checkpoints import Checkpoint
from comparison import assert_same_statistics, assert_same_triggers, expected_rows
from corpora import MULTI_BYTE, mixed_lines, shared_beginnings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import Oracle

from mining.corpus import open_corpus
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel, load_model
from mining.run_folder import RunFolder

ONE_SENTENCE_A_BATCH, A_FEW, SOME, EVERYTHING = 1, 37, 256, 1_000_000

Mined = Callable[..., RunFolder]
ByName = Callable[[str], Checkpoint]


RANDOM = [
    "random-relu",
    "random-gelu",
    "random-relu-begin",
    "random-relu-begin-end",
]


@pytest.mark.parametrize("per_sentence", ["one", "all"])
@pytest.mark.parametrize("name", RANDOM)
def test_a_random_models_triggers_are_the_brute_forces(
    mined: Mined, checkpoint: ByName, name: str, per_sentence: str
) -> None:
    lines = mixed_lines()
    oracle = Oracle(checkpoint(name), lines)
    run = mined(name, lines, top_k=25, per_sentence=per_sentence, batch_tokens=SOME)
    rows = expected_rows(oracle, top_k=25, per_sentence=per_sentence)
    assert_same_triggers(run, oracle, rows, bitwise=False)
    assert_same_statistics(run, oracle)


@pytest.mark.parametrize("batch_tokens", [ONE_SENTENCE_A_BATCH, A_FEW, EVERYTHING, None])
@pytest.mark.parametrize("per_sentence", ["one", "all"])
def test_batching_changes_nothing(
    mined: Mined, checkpoint: ByName, per_sentence: str, batch_tokens: int | None
) -> None:
    lines = mixed_lines(seed=1)
    oracle = Oracle(checkpoint("random-gelu"), lines)
    options = {"top_k": 25, "per_sentence": per_sentence, "sign": "both"}
    run = mined("random-gelu", lines, batch_tokens=batch_tokens, **options)
    assert_same_triggers(run, oracle, expected_rows(oracle, **options), bitwise=False)
    assert_same_statistics(run, oracle)


@pytest.mark.parametrize("name", ["bytes-relu", "bytes-gelu-begin"])
@pytest.mark.parametrize("per_sentence", ["one", "all"])
def test_multi_byte_text_under_byte_level_bpe(
    mined: Mined, checkpoint: ByName, name: str, per_sentence: str
) -> None:
    oracle = Oracle(checkpoint(name), MULTI_BYTE)
    options = {"top_k": 25, "per_sentence": per_sentence, "sign": "both"}
    run = mined(name, MULTI_BYTE, batch_tokens=A_FEW, **options)
    assert_same_triggers(run, oracle, expected_rows(oracle, **options), bitwise=False)
    assert_same_statistics(run, oracle)


@pytest.mark.parametrize("batch_tokens", [ONE_SENTENCE_A_BATCH, A_FEW, SOME, EVERYTHING])
@pytest.mark.parametrize("per_sentence", ["one", "all"])
@pytest.mark.parametrize("name", ["planted-relu", "planted-gelu", "planted-relu-begin"])
def test_where_no_sum_can_be_reordered_coefficients_are_bitwise_equal(
    mined: Mined, checkpoint: ByName, name: str, per_sentence: str, batch_tokens: int
) -> None:
    lines = mixed_lines(seed=2)
    oracle = Oracle(checkpoint(name), lines)
    options = {"top_k": 25, "per_sentence": per_sentence, "sign": "both"}
    run = mined(name, lines, batch_tokens=batch_tokens, **options)
    assert_same_triggers(run, oracle, expected_rows(oracle, **options), bitwise=True)
    assert_same_statistics(run, oracle)


@pytest.mark.parametrize("top_k", [1, 3, 2000])
@pytest.mark.parametrize("name", ["random-relu", "planted-gelu"])
def test_top_k_of_one_few_and_more_than_there_are_prefixes(
    mined: Mined, checkpoint: ByName, name: str, top_k: int
) -> None:
    lines = mixed_lines(seed=3)
    oracle = Oracle(checkpoint(name), lines)
    assert len(oracle.ranked_positions()) < 2000
    options = {"top_k": top_k, "per_sentence": "all", "sign": "both"}
    run = mined(name, lines, batch_tokens=SOME, **options)
    assert_same_triggers(
        run, oracle, expected_rows(oracle, **options), bitwise=name == "planted-gelu"
    )


@pytest.mark.parametrize("batch_tokens", [ONE_SENTENCE_A_BATCH, A_FEW, EVERYTHING])
@pytest.mark.parametrize("per_sentence", ["one", "all"])
@pytest.mark.parametrize("name", ["random-relu", "planted-gelu"])
def test_forty_sentences_that_begin_alike_do_not_fill_the_list(
    mined: Mined, checkpoint: ByName, name: str, per_sentence: str, batch_tokens: int
) -> None:
    lines = shared_beginnings()
    oracle = Oracle(checkpoint(name), lines)
    options = {"top_k": 5, "per_sentence": per_sentence, "sign": "both"}
    run = mined(name, lines, batch_tokens=batch_tokens, **options)
    assert_same_triggers(
        run, oracle, expected_rows(oracle, **options), bitwise=name == "planted-gelu"
    )


def test_chosen_layers_only(mined: Mined, checkpoint: ByName) -> None:
    lines = mixed_lines(seed=4)
    oracle = Oracle(checkpoint("random-gelu"), lines)
    run = mined("random-gelu", lines, layers=[1], top_k=7)
    assert_same_triggers(run, oracle, expected_rows(oracle, [1], top_k=7), bitwise=False)
    assert_same_statistics(run, oracle, [1])
    assert run.manifest.mined_layers == [1]
    assert run.manifest.layers == 3


def test_max_sentences_reads_the_first_ones_only(mined: Mined, checkpoint: ByName) -> None:
    lines = mixed_lines(seed=5)
    oracle = Oracle(checkpoint("random-relu"), lines[:10])
    run = mined("random-relu", lines, max_sentences=10, batch_tokens=A_FEW)
    assert_same_triggers(run, oracle, expected_rows(oracle, top_k=25), bitwise=False)
    assert_same_statistics(run, oracle)
    assert run.manifest.sentences == 10


def test_sentences_of_one_token(mined: Mined, checkpoint: ByName) -> None:
    lines = ["cat", "dog", "cat", "the", "bird", "dog"]
    oracle = Oracle(checkpoint("random-relu"), lines)
    for batch_tokens in (ONE_SENTENCE_A_BATCH, EVERYTHING):
        run = mined("random-relu", lines, batch_tokens=batch_tokens)
        assert_same_triggers(run, oracle, expected_rows(oracle, top_k=25), bitwise=False)
        assert set(run.triggers()["next_token_id"]) == {-1}


def test_a_model_gives_the_same_run_twice(mined: Mined) -> None:
    first = mined("random-gelu", mixed_lines(), sign="both", batch_tokens=A_FEW)
    again = mined("random-gelu", mixed_lines(), sign="both", batch_tokens=A_FEW)
    pd.testing.assert_frame_equal(first.triggers(), again.triggers())
    pd.testing.assert_frame_equal(first.keys(), again.keys())
    pd.testing.assert_frame_equal(first.sentences(), again.sentences())


def test_bfloat16_gives_what_float32_gives_within_its_own_rounding(
    checkpoint: ByName, tmp_path: Path
) -> None:
    lines = mixed_lines(seed=6)
    oracle = Oracle(checkpoint("random-relu"), lines)
    source = tmp_path / "corpus.txt"
    source.write_text("\n".join(lines), encoding="utf-8")
    model = load_model(str(checkpoint("random-relu").folder), dtype="bfloat16", device="cpu")
    mine(model, open_corpus(str(source)), tmp_path / "run", MiningOptions(top_k=5))
    run = RunFolder.open(tmp_path / "run")
    assert run.manifest.dtype == "bfloat16"
    rows = run.triggers()
    assert len(rows) > 100
    for row in rows.itertuples():
        exact = oracle.coefficients[row.sentence_id][row.layer, row.position, row.key]
        assert abs(row.coefficient - exact) <= 0.02 * oracle.scale[row.layer, row.key]
    for _, key in rows.groupby(["layer", "key"]):
        assert list(key["coefficient"]) == sorted(key["coefficient"], reverse=True)


# Few words and short sentences, so that ties, repetitions and shared beginnings are the rule.
WORD = st.sampled_from(["the", "cat", "dog", "zz", "<s>"])
SENTENCE = st.lists(WORD, min_size=1, max_size=6).map(" ".join)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    lines=st.lists(SENTENCE, min_size=1, max_size=14).filter(
        lambda lines: any({"the", "cat", "dog"} & set(line.split()) for line in lines)
    ),
    name=st.sampled_from(["planted-gelu", "planted-relu-begin", "random-gelu"]),
    per_sentence=st.sampled_from(["one", "all"]),
    sign=st.sampled_from(["positive", "both"]),
    top_k=st.integers(1, 6),
    batch_tokens=st.integers(1, 40),
)
def test_any_small_corpus_gives_the_brute_forces_triggers(
    loaded: Callable[[str], LoadedModel],
    checkpoint: ByName,
    lines: list[str],
    name: str,
    per_sentence: str,
    sign: str,
    top_k: int,
    batch_tokens: int,
) -> None:
    oracle = Oracle(checkpoint(name), lines)
    options = {"top_k": top_k, "per_sentence": per_sentence, "sign": sign}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "corpus.txt"
        source.write_text("\n".join(lines), encoding="utf-8")
        chosen = MiningOptions(batch_tokens=batch_tokens, **options)  # type: ignore[arg-type]
        mine(loaded(name), open_corpus(str(source)), Path(folder) / "run", chosen)
        run = RunFolder.open(Path(folder) / "run")
        rows = expected_rows(oracle, **options)
        assert_same_triggers(run, oracle, rows, bitwise=name.startswith("planted"))
        assert_same_statistics(run, oracle)
