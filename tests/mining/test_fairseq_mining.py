"""The paper's own model is mined, resumed, shaded and probed as any other."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from checkpoints import WORDS
from corpora import mixed_lines
from fairseq_models import forward, log_probabilities, numbers, save, state_of
from interrupted_runs import OPTIONS, begin
from terminal import contents

from mining.analyse import analyse
from mining.corpus import open_corpus
from mining.miner import mine
from mining.models import LoadedModel, load_model
from mining.probe import Probe, model_of_run
from mining.run_folder import RunFolder
from mining.shade import shade

Run = Callable[..., RunFolder]

MADE = numbers(d=24, widths=(24, 8, 4), d_ff=32, heads=3, seed=3)
CONTEXT = 32
IDS = {word: number for number, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *WORDS])}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = {"tokens_per_sample": CONTEXT}
    return save(tmp_path_factory.mktemp("fairseq"), state_of(MADE), settings=settings)


@pytest.fixture(scope="module")
def model(folder: Path) -> LoadedModel:
    return load_model(str(folder), device="cpu")


def expected_best(sentences: list[str], top_k: int) -> dict[tuple[int, int], list[tuple]]:
    """By layer and key: (coefficient, sentence, position), each sentence's best prefix only."""
    offers: dict[tuple[int, int], list[tuple]] = {}
    for number, text in enumerate(sentences):
        ids = [IDS.get(word, 3) for word in text.split()]
        coefficients = forward(MADE, [2, *ids]).coefficients[:, 1:]
        ranked = [position for position, token in enumerate(ids) if token > 3]
        for layer, found in enumerate(coefficients):
            for key in range(found.shape[1]):
                best = max(ranked, key=lambda at: found[at, key], default=None)
                if best is not None and found[best, key] > 0:
                    place = (float(found[best, key]), number, best)
                    offers.setdefault((layer, key), []).append(place)
    return {key: sorted(rows, reverse=True)[:top_k] for key, rows in offers.items()}


def test_a_run_finds_each_keys_highest_prefixes(model: LoadedModel, run: Run) -> None:
    # All of them different in their first word or two, so that no prefix is there twice.
    lines = [
        " ".join([first, second, *WORDS[n % 9 : n % 9 + n % 5], "unheard", "<unk>"])
        for n, (first, second) in enumerate(zip(WORDS, WORDS[7:], strict=False))
    ]
    mined = run(model, lines, top_k=4)
    found = mined.triggers()
    expected = expected_best(lines, 4)
    assert len(expected) > 40 and len(found) == sum(map(len, expected.values()))
    for (layer, key), rows in found.groupby(["layer", "key"]):
        wanted = expected[layer, key]
        np.testing.assert_allclose(rows["coefficient"], [one[0] for one in wanted], rtol=1e-4)
        places = list(zip(rows["sentence_id"], rows["position"], strict=True))
        assert places == [one[1:] for one in wanted]
        for row in rows.itertuples():
            words = lines[row.sentence_id].split()
            assert row.prefix == " ".join(words[: row.position + 1])
            assert row.next_token == f" {words[row.position + 1]}"
            assert row.next_token_id == IDS.get(words[row.position + 1], 3)


def test_the_manifest_says_what_was_mined(folder: Path, model: LoadedModel, run: Run) -> None:
    manifest = run(model, ["the cat <unk> sat", "a unheard dog"]).manifest
    assert manifest.model == str(folder)
    assert manifest.architecture == "FairseqTransformerLM"
    assert (manifest.layers, manifest.d_model, manifest.d_ff) == (2, 24, 32)
    assert (manifest.activation, manifest.gated, manifest.bos) == ("relu", False, True)
    assert manifest.ranked == "input of fc2 (memory coefficient)"
    whole = hashlib.sha256((folder / "model.pt").read_bytes()).hexdigest()
    assert manifest.weights_sha256 == whole
    # An unknown word and the word <unk> are the same token: fed and counted, never a trigger.
    assert (manifest.tokens, manifest.skipped["special_token_positions"]) == (7, 2)


def test_a_sentence_longer_than_the_context_is_split(model: LoadedModel, run: Run) -> None:
    words = [WORDS[n % len(WORDS)] for n in range(CONTEXT + 5)]
    mined = run(model, [" ".join(words)])
    assert mined.manifest.skipped["sentences_split"] == 1
    parts = mined.sentences()["text"].tolist()
    assert parts == [" ".join(words[: CONTEXT - 1]), " ".join(words[CONTEXT - 1 :])]


def test_triggers_do_not_depend_on_batches(model: LoadedModel, run: Run) -> None:
    runs = [run(model, mixed_lines(), sign="both", batch_tokens=n) for n in (1, 37, 100_000)]
    for other in runs[1:]:
        assert other.triggers().equals(runs[0].triggers())


def test_an_interrupted_run_goes_on_and_ends_the_same(
    model: LoadedModel, source: Path, tmp_path: Path
) -> None:
    begin(model, source, tmp_path / "whole", complete=True)
    begin(model, source, tmp_path / "broken")
    mine(model, open_corpus(str(source)), tmp_path / "broken", OPTIONS)
    whole, broken = (contents(tmp_path / name) for name in ("whole", "broken"))
    assert whole.keys() == broken.keys()
    for name in ("triggers.parquet", "keys.parquet", "sentences.parquet"):
        assert whole[name] == broken[name]


def test_bfloat16_triggers_have_the_coefficients_of_float32(
    folder: Path, model: LoadedModel, run: Run
) -> None:
    place = ["layer", "key", "sentence_id", "position"]
    lines = mixed_lines(seed=9, sentences=80)
    rough = run(load_model(str(folder), device="cpu", dtype="bfloat16"), lines, top_k=5)
    both = rough.triggers().merge(run(model, lines, top_k=5).triggers(), on=place)
    assert rough.manifest.dtype == "bfloat16" and len(both) > 0.97 * len(rough.triggers())
    np.testing.assert_allclose(both["coefficient_x"], both["coefficient_y"], rtol=1e-5)


def test_a_run_is_shaded_and_probed_with_the_model_loaded_again(
    model: LoadedModel, run: Run
) -> None:
    mined = run(model, mixed_lines())
    report = shade(mined, lambda: model_of_run(mined, device="cpu"), keys_per_layer=4)
    shading = mined.shading()
    assert report.added_keys == 8 and shading is not None
    row = mined.triggers().merge(shading, on=["layer", "key", "rank"]).iloc[0]
    assert row["coefficients"][-1] == pytest.approx(row["coefficient"], rel=1e-5)
    probed = Probe.of_run(mined, device="cpu").coefficients(
        row["prefix"], row["layer"], [row["key"]]
    )
    np.testing.assert_allclose(probed.coefficients[:, 0], row["coefficients"], rtol=1e-5, atol=1e-6)


def test_the_command_line_takes_such_a_folder(typed: Callable, desk: Path, folder: Path) -> None:
    ended = typed("mine", folder, "text.txt", "--out", "run", "--device", "cpu")
    assert ended.code == 0, ended.err
    assert "2 layers x 32 keys" in ended.out


def resident(which: str) -> int:
    """Bytes of this process in memory: VmRSS now, VmHWM at most."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition(f"{which}:")[2].split()[0])


def test_a_wide_model_is_loaded_without_a_copy_more_than_the_file(
    model: LoadedModel, tmp_path: Path
) -> None:
    made = numbers(rows=(42,), widths=(512,), d=512, d_ff=2048, layers=6, heads=4)
    for zipped in (True, False):
        folder = save(
            tmp_path / f"{zipped}", state_of(made), zipped=zipped,
            settings={"decoder_attention_heads": 4},
        )  # fmt: skip
        child = os.fork()
        if child == 0:
            before = resident("VmRSS")
            load_model(str(folder), device="cpu", readout=True)
            (tmp_path / "grown").write_text(str(resident("VmHWM") - before))
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        grown = int((tmp_path / "grown").read_text())
        size = (folder / "model.pt").stat().st_size
        assert 0.9 * size < grown < 2.2 * size, (zipped, grown / size)


def test_a_run_is_analysed_with_the_softmax_of_the_paper(folder: Path, run: Run) -> None:
    loaded = load_model(str(folder), device="cpu", readout=True)
    mined = run(loaded, mixed_lines())
    analyse(mined, loaded, only=("values", "composition"), prefixes=20)
    values = RunFolder.open(mined.path).values()
    assert values is not None and len(values) == 64
    for row in values.iloc[::7].itertuples():
        value = MADE.layers[row.layer]["fc2"][0][:, row.key].double().numpy()
        expected = np.exp(log_probabilities(MADE, value))
        assert row.top_token_ids[0] == expected.argmax()
        assert row.max_probability == pytest.approx(expected.max(), rel=1e-4)
    assert (mined.path / "composition.parquet").exists()
