"""Datasets are read from a folder laid out as on the hub; what one lacks is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from corpus_files import texts, written

from mining.corpus import open_corpus
from mining.errors import CorpusError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hub(tmp_path: Path) -> str:
    folder = tmp_path / "hub"
    written(
        folder / "data" / "train-00000.jsonl",
        '{"text": "One. Two.", "body": "a", "n": 1}\n{"text": "", "body": "b", "n": 2}\n'
        '{"text": null, "body": "c", "n": 3}\n{"text": "x \\u0000", "body": "d", "n": 4}\n',
    )
    written(folder / "data" / "test-00000.jsonl", '{"text": "Three", "body": "e", "n": 5}\n')
    return f"hf:{folder}"


def test_a_dataset_is_read_from_its_training_split(hub: str) -> None:
    corpus = open_corpus(hub)
    assert [(one.document_id, one.text) for one in corpus] == [(0, "One."), (0, "Two.")]
    assert corpus.skipped == {
        "headings": 0, "documents_with_nul": 1, "documents_without_text": 1,
    }  # fmt: skip


def test_a_split_and_a_column_of_a_dataset_are_chosen_by_name(hub: str) -> None:
    assert texts(f"{hub}::test") == ["Three"]
    assert texts(f"{hub}:default:test") == ["Three"]
    assert [one.text for one in open_corpus(hub, text_column="body")] == list("abcd")


@pytest.mark.parametrize(
    ("more", "column", "named"),
    [
        ("", "words", r'no column "words"; it has body, n, text.*--text-column'),
        ("", "n", "no text.*--text-column"),
        ("::nowhere", "text", "nowhere"),
        (":nothing", "text", "nothing"),
        (":default:train[:5]", "text", r"NAME\[:CONFIG\[:SPLIT\]\]"),
    ],
)
def test_what_a_dataset_lacks_is_named(hub: str, more: str, column: str, named: str) -> None:
    with pytest.raises(CorpusError, match=named) as mistake:
        list(open_corpus(hub + more, text_column=column))
    assert str(mistake.value).startswith(hub + more) and "\n" not in str(mistake.value)


def test_a_dataset_that_breaks_off_is_named(hub: str) -> None:
    folder = Path(hub.removeprefix("hf:")) / "data"
    written(folder / "train-00001.jsonl", '{"text": \n')
    found = []
    with pytest.raises(CorpusError, match="JSON") as mistake:
        found.extend(one.text for one in open_corpus(hub).documents())
    assert str(mistake.value).startswith(hub) and "\n" not in str(mistake.value)


@pytest.mark.parametrize("name", ["hf:", "hf:/nowhere/at/all", "hf:nobody/has-this-dataset"])
def test_a_dataset_that_cannot_be_had_is_named(name: str) -> None:
    with pytest.raises(CorpusError, match=f"^{name} ") as mistake:
        list(open_corpus(name))
    assert "\n" not in str(mistake.value)


def test_a_dataset_that_breaks_off_ends_a_real_process_with_one_line(desk: Path) -> None:
    (desk / "hub").mkdir()
    (desk / "hub" / "train.jsonl").write_text('{"text": "the cat"}\n{"text": \n')
    done = subprocess.run(
        [sys.executable, "-m", "mining", "mine", "model", "hf:hub", "--out", "run"],
        cwd=desk,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 2 and done.stdout == "", done
    assert done.stderr.startswith("error: hf:hub cannot be read: ") and done.stderr.count("\n") == 1
    assert not (desk / "run").exists()
