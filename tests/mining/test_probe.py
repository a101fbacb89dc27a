"""Probing gives any text the coefficients that mining would have given it as a sentence."""

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import IGNORED, WORDS, Checkpoint, random_checkpoint, word_tokenizer
from corpora import mixed_lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import Oracle
from stumbling_texts import FEW, TEXT
from tiny_models import Case, coefficients_alone

from mining.corpus import open_corpus
from mining.errors import CorpusError, ModelError
from mining.miner import MiningOptions, mine
from mining.models import LoadedModel
from mining.probe import Probe, ProbedText, yardstick
from mining.run_folder import RunFolder

ByName = Callable[[str], Checkpoint]
Loaded = Callable[[str], LoadedModel]
Mined = Callable[..., RunFolder]


# The numbers.


@pytest.mark.parametrize("name", ["random-relu", "random-gelu", "random-relu-begin-end"])
@pytest.mark.parametrize("words", [1, 7, 31])
def test_coefficients_are_those_of_a_forward_pass_by_hand(
    loaded: Loaded, checkpoint: ByName, name: str, words: int
) -> None:
    text = " ".join(WORDS[:words])
    alone = Oracle(checkpoint(name), [text]).coefficients[0]
    probe = Probe(loaded(name))
    for layer in range(len(alone)):
        keys = [5, 0, 23]
        probed = probe.coefficients(text, layer, keys)
        assert probed.coefficients.dtype == np.float32
        np.testing.assert_allclose(probed.coefficients, alone[layer][:, keys], rtol=1e-5, atol=1e-6)
        assert probed.ranked.all()


@pytest.mark.parametrize(
    ("name", "text"), [("llama", "the cat sat on the mat"), ("unigram-first-begin", "東京の川")]
)
def test_gated_models_and_leading_special_tokens_are_probed_alike(
    case: Callable[[str], Case], name: str, text: str
) -> None:
    tokens = case(name)
    ids = tokens.loaded.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
    alone = coefficients_alone(tokens.whole, [*tokens.leads, *ids])[:, len(tokens.leads) :]
    probed = Probe(tokens.loaded).coefficients(text, 1, range(12))
    np.testing.assert_allclose(probed.coefficients, alone[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["random-gelu", "random-relu-begin", "planted-relu"])
def test_a_prefix_has_its_triggers_coefficient_to_the_bit(
    mined: Mined, loaded: Loaded, name: str
) -> None:
    run, probe = mined(name, mixed_lines(), sign="both"), Probe(loaded(name))
    sentences = run.sentences()
    triggers = run.triggers()
    assert len(triggers) > 100
    for (sentence, layer), rows in triggers.groupby(["sentence_id", "layer"]):
        text, ends = sentences.loc[sentence, ["text", "token_ends"]]
        probed = probe.coefficients(text, int(layer), rows["key"].tolist())
        assert probed.token_ends.tolist() == ends.tolist()
        mined_here = rows["coefficient"].to_numpy()
        found = probed.coefficients[rows["position"], np.arange(len(rows))]
        np.testing.assert_array_equal(found, mined_here)
        assert probed.ranked[rows["position"]].all()


@given(
    lines=st.lists(
        st.lists(st.sampled_from([*WORDS[:9], "unheard", "<s>"]), min_size=1, max_size=8).map(
            " ".join
        ),
        min_size=1, max_size=6, unique=True,
    ).filter(lambda lines: any("the" in line.split() for line in lines)),
    name=st.sampled_from(["random-gelu", "random-relu-begin"]),
)  # fmt: skip
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_sentence_probed_has_as_its_best_what_mining_finds_in_it(
    loaded: Loaded, lines: list[str], name: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "corpus.txt"
        source.write_text("\n".join(lines), encoding="utf-8")
        out = Path(folder) / "run"
        mine(loaded(name), open_corpus(str(source)), out, MiningOptions(layers=[1]))
        run = RunFolder.open(out)
        sentences, triggers = run.sentences(), run.triggers()
    probe = Probe(loaded(name))
    for sentence, text in sentences["text"].items():
        probed = probe.coefficients(text, 1, range(probe.loaded.d_ff))
        best = probed.coefficients[probed.ranked].max(0)
        rows = triggers[triggers["sentence_id"] == sentence]
        np.testing.assert_array_equal(best[rows["key"]], rows["coefficient"])


@given(text=TEXT)
@FEW
@pytest.mark.parametrize("name", ["bytes-relu", "bytes-gelu-begin"])
def test_any_text_is_read_and_measured_by_characters(loaded: Loaded, name: str, text: str) -> None:
    probed = Probe(loaded(name)).coefficients(text, 0, [3])
    ends = probed.token_ends.tolist()
    assert ends == sorted(ends) and ends[-1] == len(text)
    assert len(probed.coefficients) == len(ends) == len(probed.ranked)


def test_a_probe_leaves_nothing_behind_in_the_model(loaded: Loaded) -> None:
    probe = Probe(loaded("random-relu"))
    first = probe.coefficients("the cat sat", 0, [2, 3])
    probe.coefficients("a dog", 1, [4])
    again = probe.coefficients("the cat sat", 0, [2, 3])
    np.testing.assert_array_equal(first.coefficients, again.coefficients)
    assert not any(module._forward_pre_hooks for module in loaded("random-relu").values)


def test_special_tokens_in_the_text_are_marked(loaded: Loaded) -> None:
    probed = Probe(loaded("random-relu")).coefficients("the <s> cat unheard of", 0, [2])
    assert probed.ranked.tolist() == [True, False, True, False, False]


def test_characters_that_the_tokenizer_drops_still_count_in_offsets(loaded: Loaded) -> None:
    text = f"the {IGNORED}cat{IGNORED} sat"
    ends = Probe(loaded("random-relu")).coefficients(text, 0, [2]).token_ends.tolist()
    assert len(ends) == 3 and ends[-1] == len(text)
    assert text[: ends[1]].endswith(("cat", f"cat{IGNORED}"))


# What is refused.


@pytest.mark.parametrize("text", ["", " ", "\n\t ", IGNORED * 3])
def test_a_text_without_a_token_is_refused(loaded: Loaded, text: str) -> None:
    with pytest.raises(CorpusError, match="no token"):
        Probe(loaded("random-relu")).coefficients(text, 0, [0])


def test_white_space_alone_is_refused_though_it_is_a_token(loaded: Loaded) -> None:
    with pytest.raises(CorpusError, match="no token"):
        Probe(loaded("bytes-relu")).coefficients("  ", 0, [0])


@pytest.mark.parametrize(("name", "room"), [("random-relu", 32), ("random-relu-begin", 31)])
def test_a_text_longer_than_the_context_is_refused_with_what_fits(
    loaded: Loaded, name: str, room: int
) -> None:
    probe = Probe(loaded(name))
    probed = probe.coefficients(" ".join(["cat"] * room), 0, [2])
    assert len(probed.coefficients) == room
    with pytest.raises(CorpusError, match=rf"has {room + 1} tokens\b.*\b{room} at once"):
        probe.coefficients(" ".join(["cat"] * (room + 1)), 0, [2])


def test_half_a_character_is_refused(loaded: Loaded) -> None:
    with pytest.raises(CorpusError, match="surrogate"):
        Probe(loaded("bytes-relu")).coefficients("the \ud800 cat", 0, [0])


@pytest.mark.parametrize(("layer", "key", "said"), [(2, 0, "no layer 2.*0 to 1"),
                                                    (-1, 0, "no layer -1"),
                                                    (0, 24, "no key 24.*0 to 23"),
                                                    (0, -1, "no key -1")])  # fmt: skip
def test_a_layer_or_a_key_that_the_model_lacks_is_named(
    loaded: Loaded, layer: int, key: int, said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        Probe(loaded("random-relu")).coefficients("the cat", layer, [key])


def test_coefficients_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    from mining.models import load_model

    saved = random_checkpoint(tmp_path / "model", word_tokenizer())
    broken = load_model(str(saved.folder), device="cpu")
    with torch.no_grad():
        broken.model.wte.weight[broken.tokenizer.get_vocab()["cat"]] = torch.nan
    with pytest.raises(ModelError, match="Layer 1"):
        Probe(broken).coefficients("the cat", 1, [2])
    assert Probe(broken).coefficients("the dog", 1, [2]).ranked.all()


# The model of a run.


@pytest.fixture
def a_run(mined: Mined) -> RunFolder:
    return mined("random-gelu", mixed_lines())


def test_a_run_names_its_model(a_run: RunFolder, loaded: Loaded) -> None:
    found = Probe.of_run(a_run, device="cpu").coefficients("the cat sat", 2, [7, 8])
    wanted = Probe(loaded("random-gelu")).coefficients("the cat sat", 2, [7, 8])
    assert_same(found, wanted)


def assert_same(found: ProbedText, wanted: ProbedText) -> None:
    np.testing.assert_array_equal(found.coefficients, wanted.coefficients)
    np.testing.assert_array_equal(found.token_ends, wanted.token_ends)


def test_a_model_that_has_moved_can_be_named(
    loaded: Loaded, checkpoint: ByName, tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    run = run_of_a_copy(checkpoint("random-gelu"), old, tmp_path)
    old.rename(new)
    with pytest.raises(ModelError, match=rf"{re.escape(str(run.path))}.*{old}.*--model") as told:
        Probe.of_run(run, device="cpu")
    assert "\n" not in str(told.value)
    found = Probe.of_run(run, model=str(new), device="cpu").coefficients("the cat", 0, [3])
    assert_same(found, Probe(loaded("random-gelu")).coefficients("the cat", 0, [3]))


def run_of_a_copy(checkpoint: Checkpoint, folder: Path, tmp_path: Path) -> RunFolder:
    """A run of a copy of a checkpoint that can then be moved or changed."""
    from mining.models import load_model

    shutil.copytree(checkpoint.folder, folder)
    (tmp_path / "text.txt").write_text("the cat sat\na dog ran\nthe bird\n", encoding="utf-8")
    mine(
        load_model(str(folder), device="cpu"), open_corpus(str(tmp_path / "text.txt")),
        tmp_path / "run", MiningOptions(),
    )  # fmt: skip
    return RunFolder.open(tmp_path / "run")


@pytest.mark.parametrize(
    ("file", "other", "said"),
    [("model.safetensors", "random-relu", "weights"), ("tokenizer.json", "moved", "tokenizer")],
)
def test_a_model_with_other_weights_or_another_tokenizer_is_refused(
    checkpoint: ByName, tmp_path: Path, file: str, other: str, said: str
) -> None:
    folder = tmp_path / "model"
    run = run_of_a_copy(checkpoint("random-relu"), folder, tmp_path)
    if other == "moved":
        words = ["cat", *(word for word in WORDS if word != "cat")]
        word_tokenizer(words).save_pretrained(folder)
    else:
        random_checkpoint(folder, word_tokenizer(), seed=9)
    with pytest.raises(ModelError, match=rf"not the model.*another.*{said}.*--model") as told:
        Probe.of_run(run, device="cpu")
    assert "\n" not in str(told.value)


def test_the_yardstick_is_the_last_positive_triggers_coefficient(mined: Mined) -> None:
    run = mined("random-gelu", mixed_lines(), sign="both", top_k=7, layers=[0, 2])
    for key in range(40):
        rows = run.triggers(2, key)
        positive = rows.loc[rows["sign"] == 1, "coefficient"]
        assert yardstick(run, 2, key) == (positive.min() if len(positive) else None)
    assert yardstick(run, 2, 0) is None  # a dead key
    assert yardstick(run, 1, 5) is None  # a layer that was not mined
