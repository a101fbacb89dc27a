"""Mining gives, for every key, exactly the triggers of a brute force that keeps everything."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checkpoints import Checkpoint
from corpora import MULTI_BYTE, mixed_lines, shared_beginnings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import Oracle, Trigger

from mining.corpus import open_corpus
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel
from mining.run_folder import RunFolder

ONE_SENTENCE_A_BATCH, A_FEW, SOME, EVERYTHING = 1, 37, 256, 1_000_000
ORDER = ["layer", "key", "sign", "rank", "sentence_id", "position", "next_token_id", "prefix"]

Mined = Callable[..., RunFolder]
ByName = Callable[[str], Checkpoint]


def expected_rows(
    oracle: Oracle, layers: Sequence[int] | None = None, **options: object
) -> list[Trigger]:
    chosen = range(oracle.layers) if layers is None else layers
    return [
        row
        for layer in chosen
        for key in range(oracle.keys)
        for row in oracle.triggers(layer, key, **options)  # type: ignore[arg-type]
    ]


def assert_same_triggers(
    run: RunFolder, oracle: Oracle, expected: list[Trigger], *, bitwise: bool
) -> None:
    found = run.triggers()
    wanted = pd.DataFrame(expected, columns=[*Trigger.__dataclass_fields__])
    rows = list(found[ORDER].itertuples(index=False, name=None))
    wanted_rows = list(wanted[ORDER].itertuples(index=False, name=None))
    wrong = [pair for pair in zip(rows, wanted_rows, strict=False) if pair[0] != pair[1]]
    assert rows == wanted_rows, f"{len(rows)} rows for {len(wanted_rows)}; first: {wrong[:1]}"
    mined = found["coefficient"].to_numpy()
    alone = wanted["coefficient"].to_numpy(np.float32)
    if bitwise:
        np.testing.assert_array_equal(mined, alone)
    else:
        # 1e-5 of the coefficient; but of one that is the small remainder of larger terms, float32
        # keeps only what it keeps of those.
        scale = np.array([oracle.scale[row.layer, row.key] for row in expected])
        assert (np.abs(mined - alone) <= np.maximum(1e-5 * np.abs(alone), 1e-6 * scale)).all()


def assert_same_statistics(
    run: RunFolder, oracle: Oracle, layers: Sequence[int] | None = None
) -> None:
    found = run.keys()
    chosen = range(oracle.layers) if layers is None else layers
    places = [(layer, key) for layer in chosen for key in range(oracle.keys)]
    assert list(zip(found["layer"], found["key"], strict=True)) == places
    triggers = run.triggers()
    positive = triggers[triggers["sign"] == 1].groupby(["layer", "key"]).size()
    for row, place in zip(found.itertuples(), places, strict=True):
        wanted = oracle.statistics(*place, triggers=int(positive.get(place, 0)))
        rounding = 1e-6 * float(oracle.scale[place])
        assert row.triggers == wanted.triggers, place
        assert row.active_share == pytest.approx(wanted.active_share, rel=1e-6), place
        assert row.mean == pytest.approx(wanted.mean, rel=1e-5, abs=rounding), place
        assert row.max == pytest.approx(wanted.max, rel=1e-5, abs=rounding), place
        assert row.min == pytest.approx(wanted.min, rel=1e-5, abs=rounding), place


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


def test_hundreds_of_repetitions_do_not_push_out_what_comes_after(mined: Mined) -> None:
    # "cat" moves key 0 most, but each of the 300 sentences offers the same prefix; only the first
    # of them stays, and the weaker words behind it must still be found.
    lines = ["bird cat"] * 300 + ["the dog", "a dog", "old cat"] + ["bird cat"] * 300
    run = mined("planted-relu", lines, top_k=3, per_sentence="all", batch_tokens=64)
    rows = run.triggers(layer=0, key=1)  # cat and dog are an exact tie
    assert list(zip(rows["sentence_id"], rows["position"], strict=True)) == [
        (0, 1),
        (300, 1),
        (301, 1),
    ]
    rows = run.triggers(layer=0, key=2)  # the > bird > dog > cat
    assert list(rows["prefix"]) == ["the", "bird", "the dog"]


def test_a_sentence_whose_best_prefix_is_a_repetition_offers_nothing_else(mined: Mined) -> None:
    lines = ["the cat", "the dog", "the", "bird the"]
    run = mined("planted-relu", lines, top_k=25, per_sentence="one")
    rows = run.triggers(layer=0, key=2)  # "the" moves it most: sentences 0, 1 and 2 offer "the"
    assert list(zip(rows["sentence_id"], rows["position"], strict=True)) == [(0, 0), (3, 1)]


def test_of_equal_prefixes_in_a_sentence_the_earliest_is_offered(mined: Mined) -> None:
    run = mined("planted-relu", ["old cat red cat", "dog old dog"], top_k=25)
    rows = run.triggers(layer=0, key=1)
    assert list(zip(rows["sentence_id"], rows["position"], strict=True)) == [(0, 1), (1, 0)]


def test_ties_are_settled_by_sentence_and_then_position(mined: Mined) -> None:
    lines = ["cat a dog", "one", "dog a cat", "two cat dog"]
    run = mined("planted-relu", lines, top_k=25, per_sentence="all")
    rows = run.triggers(layer=0, key=1)
    assert list(zip(rows["sentence_id"], rows["position"], strict=True)) == [
        (0, 0),
        (0, 2),
        (2, 0),
        (2, 2),
        (3, 1),
        (3, 2),
    ]
    assert rows["coefficient"].nunique() == 1


def test_dead_keys_have_no_rows_but_are_counted(mined: Mined) -> None:
    run = mined("planted-gelu", mixed_lines(), sign="both")
    for key in (5, 6, 9, 31):  # zero, minus zero, and keys that were never planted
        assert run.triggers(layer=0, key=key).empty
    keys = run.keys(layer=0).set_index("key")
    assert list(keys.loc[[5, 6, 9, 31], "triggers"]) == [0, 0, 0, 0]
    assert list(keys.loc[[5, 6, 9, 31], "active_share"]) == [0, 0, 0, 0]
    assert list(keys.loc[[5, 6, 9, 31], "max"]) == [0, 0, 0, 0]


def test_a_key_that_is_negative_everywhere_has_no_positive_row_and_a_negative_maximum(
    mined: Mined,
) -> None:
    run = mined("planted-gelu", mixed_lines(), sign="both")
    for key in (3, 4, 8):
        assert set(run.triggers(layer=0, key=key)["sign"]) == {-1}
        row = run.keys(layer=0).set_index("key").loc[key]
        assert row["max"] < 0 and row["active_share"] == 0 and row["triggers"] == 0
    alone = mined("planted-gelu", mixed_lines())  # sign "positive" is the default
    assert set(alone.triggers()["sign"]) == {1}
    assert alone.triggers(layer=0, key=3).empty


def test_the_most_negative_prefixes_follow_and_are_ranked_from_one(mined: Mined) -> None:
    # gelu_new has its lowest point near -0.75; these strengths are scaled so that both are left of
    # it or right of it alike, so the order is read from the coefficients themselves.
    run = mined("planted-gelu", ["cat", "dog", "the", "cat dog"], sign="both", per_sentence="all")
    rows = run.triggers(layer=0, key=4)
    assert list(rows["rank"]) == list(range(1, len(rows) + 1))
    assert list(rows["coefficient"]) == sorted(rows["coefficient"])
    both = run.triggers(layer=0, key=2)
    assert list(both["sign"]) == sorted(both["sign"], reverse=True)
    assert list(both["rank"]) == [
        *range(1, sum(both["sign"] == 1) + 1),
        *range(1, sum(both["sign"] == -1) + 1),
    ]


def test_special_tokens_never_trigger_but_are_part_of_prefixes(mined: Mined) -> None:
    lines = ["the unheard cat", "<s> cat", "<unk>", "<pad> dog </s>"]
    run = mined("planted-relu-begin", lines, per_sentence="all")
    assert run.triggers(layer=1, key=1).empty  # planted on <unk> and <s>
    assert list(run.triggers(layer=1, key=2)["prefix"]) == ["the"]
    cats = run.triggers(layer=0, key=0)
    assert list(cats["prefix"]) == ["the unheard cat", "<s> cat"]
    assert list(cats["position"]) == [2, 1]


def test_a_begin_token_is_fed_but_never_ranked_or_counted(mined: Mined, checkpoint: ByName) -> None:
    run = mined("planted-relu-begin", ["cat the", "dog"], per_sentence="all")
    assert run.manifest.bos is True
    assert list(run.triggers(layer=0, key=7)["position"]) == [0, 1, 0]
    sentences = run.sentences()
    vocabulary = {"cat": 5 + 1, "the": 4, "dog": 7}
    assert list(sentences.loc[0, "token_ids"]) == [vocabulary["cat"], vocabulary["the"]]
    assert mined("planted-relu", ["cat the"]).manifest.bos is False


def test_the_next_token_past_the_context_is_still_the_sentences_own(
    mined: Mined, checkpoint: ByName
) -> None:
    line = " ".join(["a"] * 31 + ["cat", "dog", "bird"])  # the context holds 32 tokens
    run = mined("planted-relu", [line], per_sentence="all")
    (row,) = run.triggers(layer=0, key=0).itertuples()
    assert (row.position, row.next_token.strip()) == (31, "dog")
    assert run.triggers(layer=0, key=2)["position"].max() == 31  # "bird" is past the context
    assert run.manifest.skipped["positions_past_context"] == 2


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
