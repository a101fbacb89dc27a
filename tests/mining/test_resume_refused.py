"""A run goes on with nothing but what it began with, from a sound checkpoint, in one process."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from interrupted_runs import OPTIONS, begin

from mining.corpus import open_corpus
from mining.errors import CorpusError, KeyholeError, RunFolderError
from mining.miner import mine
from mining.models import LoadedModel
from mining.run_folder import CHECKPOINT, RunFolder

Loaded = Callable[[str], LoadedModel]


CHANGES = {
    "--top-k": {"top_k": 6},
    "--layers": {"layers": [1]},
    "--per-sentence": {"per_sentence": "all"},
    "--sign": {"sign": "positive"},
    "--max-sentences": {"max_sentences": 50},
    "--batch-tokens": {"batch_tokens": 41},
}


@pytest.mark.parametrize("option", CHANGES)
@pytest.mark.parametrize("complete", [False, True])
def test_resuming_with_another_option_is_refused_by_name(
    loaded: Loaded, source: Path, tmp_path: Path, option: str, complete: bool
) -> None:
    model, corpus, out = loaded("random-gelu"), open_corpus(str(source)), tmp_path / "run"
    begin(model, source, out, complete=complete)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(RunFolderError, match=option):
        mine(model, corpus, out, replace(OPTIONS, **CHANGES[option]))  # type: ignore[arg-type]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_resuming_with_another_model_or_tokenizer_is_refused(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    begin(loaded("random-relu"), source, tmp_path / "run")
    with pytest.raises(RunFolderError, match="model"):
        mine(loaded("planted-relu"), open_corpus(str(source)), tmp_path / "run", OPTIONS)
    other = replace(loaded("random-relu"), tokenizer_sha256="0" * 64)
    with pytest.raises(RunFolderError, match="tokenizer"):
        mine(other, open_corpus(str(source)), tmp_path / "run", OPTIONS)


def test_resuming_with_another_corpus_is_refused(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    begin(loaded("random-relu"), source, tmp_path / "run")
    other = source.with_name("other.txt")
    other.write_bytes(source.read_bytes())
    with pytest.raises(RunFolderError, match=r"another corpus .*corpus\.txt.*other\.txt"):
        mine(loaded("random-relu"), open_corpus(str(other)), tmp_path / "run", OPTIONS)


def test_resuming_over_changed_text_is_refused(
    loaded: Loaded, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mining.reading.WINDOW", 20)  # the checkpoint lies in a later window
    begin(loaded("random-relu"), source, tmp_path / "run", batches=30)
    text = source.read_text(encoding="utf-8")
    source.write_text("a cat" + text, encoding="utf-8")
    with pytest.raises(CorpusError, match="differ"):
        mine(loaded("random-relu"), open_corpus(str(source)), tmp_path / "run", OPTIONS)


def test_an_interrupted_run_is_not_overwritten_without_resume(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    begin(loaded("random-relu"), source, tmp_path / "run")
    with pytest.raises(RunFolderError, match="--resume"):
        mine(
            loaded("random-relu"), open_corpus(str(source)), tmp_path / "run",
            replace(OPTIONS, resume=False),
        )  # fmt: skip
    with pytest.raises(RunFolderError, match=r"holds no manifest\.json"):
        RunFolder.open(tmp_path / "run")


def test_a_damaged_checkpoint_is_named(loaded: Loaded, source: Path, tmp_path: Path) -> None:
    begin(loaded("random-relu"), source, tmp_path / "run")
    path = tmp_path / "run" / CHECKPOINT
    for damaged in (b"", b"rubbish", path.read_bytes()[:-500]):
        path.write_bytes(damaged)
        with pytest.raises(RunFolderError, match="is damaged"):
            mine(loaded("random-relu"), open_corpus(str(source)), tmp_path / "run", OPTIONS)


def test_a_checkpoint_of_another_version_is_refused(
    loaded: Loaded, source: Path, tmp_path: Path
) -> None:
    model, out = loaded("random-relu"), tmp_path / "run"
    begin(model, source, out)
    with np.load(out / CHECKPOINT) as stored:
        arrays = dict(stored)
    about = json.loads(str(arrays["about"]))
    del about["format"]  # as checkpoints were before they said it
    np.savez(out / CHECKPOINT, **arrays | {"about": np.array(json.dumps(about))})
    with pytest.raises(RunFolderError, match="another version of Keyhole"):
        mine(model, open_corpus(str(source)), out, OPTIONS)


def test_two_processes_do_not_write_one_run(loaded: Loaded, source: Path, tmp_path: Path) -> None:
    model, corpus, out = loaded("random-relu"), open_corpus(str(source)), tmp_path / "run"
    refused: list[KeyholeError] = []

    def second(_mined: int, _expected: int) -> None:
        if not refused:
            with pytest.raises(RunFolderError, match="another process") as mistake:
                mine(model, corpus, out, OPTIONS)
            refused.append(mistake.value)

    mine(model, corpus, out, OPTIONS, second)
    assert refused
    assert RunFolder.open(out).manifest.sentences > 100
