"""JSONL, CSV and Parquet, compressed or not, give the documents that they hold, and all alike."""

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import NOTHING_SKIPPED, texts, triples, written, zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.corpus import open_corpus, sentences_of
from mining.errors import CorpusError


def test_each_json_line_is_a_document(tmp_path: Path) -> None:
    source = written(
        tmp_path / "a.jsonl",
        '{"text": "One is here. Two is there.", "id": 7}\n\n{"id": 8, "text": "caf\\u00e9"}\n',
    )
    assert triples(source) == [(0, 0, "One is here."), (1, 0, "Two is there."), (2, 1, "café")]


def test_each_csv_row_is_a_document_even_with_a_line_end_inside(tmp_path: Path) -> None:
    source = written(tmp_path / "a.csv", '\ufeffid,text\r\n1,"one, two"\r\n2,"three\r\nfour"\r\n')
    found = [(one.document_id, one.text.split()) for one in open_corpus(source)]
    assert found == [(0, ["one,", "two"]), (1, ["three", "four"])]


def test_each_parquet_row_is_a_document(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["one", None, "", "two"]}), tmp_path / "a.parquet")
    corpus = open_corpus(str(tmp_path / "a.parquet"))
    assert [one.text for one in corpus] == ["one", "two"]
    assert corpus.skipped == NOTHING_SKIPPED | {"documents_without_text": 1}


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("a.jsonl", '{"text": "fine"}\n{"text": \n', "line 2"),
        ("a.jsonl", '{"text": "fine"}\n{"words": "x"}\n', "line 2"),
        ("a.jsonl", '["text"]\n', "line 1"),
        ("a.csv", "words\none\n", "words"),
        ("a.parquet", "text\n", "a.parquet"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, name: str, content: str, named: str
) -> None:
    source = written(tmp_path / name, content)
    with pytest.raises(CorpusError, match=named) as mistake:
        list(open_corpus(source))
    assert name in str(mistake.value)


def test_a_very_long_csv_document_is_read_whole(tmp_path: Path) -> None:
    source = written(tmp_path / "a.csv", "text\n" + "word " * 40_000 + "\n")
    assert "".join(texts(source)).count("word") == 40_000


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["one", None, "two"], pa.large_string()),
        pa.array(["one", None, "two"], pa.string_view()),
        pa.array(["one", None, "two"]).dictionary_encode(),
    ],
)
def test_text_is_text_however_parquet_stores_it(tmp_path: Path, column: pa.Array) -> None:
    pq.write_table(pa.table({"text": column}), tmp_path / "a.parquet")
    assert texts(str(tmp_path)) == ["one", "two"]


def test_the_text_column_is_chosen_by_name(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl", '{"text": 1, "body": "one"}\n{"body": null}\n')
    written(tmp_path / "b.csv", "text,body\nno,two\n")
    pq.write_table(pa.table({"text": ["no"], "body": ["three"]}), tmp_path / "c.parquet")
    written(tmp_path / "d.txt", "four\n")
    corpus = open_corpus(str(tmp_path), text_column="body")
    assert corpus.text_column == "body"
    assert [one.text for one in corpus] == ["one", "two", "three", "four"]
    assert corpus.skipped == NOTHING_SKIPPED | {"documents_without_text": 1}


def test_a_blank_row_is_no_document_in_any_format(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl", '{"text": "one"}\n{"text": ""}\n{"text": " \\n"}\n')
    written(tmp_path / "b.csv", 'text\n""\n\n"  "\ntwo\n')
    pq.write_table(pa.table({"text": ["", " ", "three"]}), tmp_path / "c.parquet")
    corpus = open_corpus(str(tmp_path))
    found = [(one.document_id, one.text) for one in corpus.documents()]
    assert found == [(0, "one"), (1, "two"), (2, "three")]
    assert corpus.skipped == NOTHING_SKIPPED


# Compressed files.


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_members_one_after_the_other_are_read_whole(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    suffix = "gz" if pack is gzip.compress else "zst"
    members = [b"one\ntw", b"", b"o\n", b"three\n" * 100_000, b"", b"four"]
    source = written(tmp_path / f"a.txt.{suffix}", b"".join(map(pack, members)))
    assert texts(source) == ["one", "two", *["three"] * 100_000, "four"]


def as_csv(documents: list[str]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([["n", "text"], *enumerate(documents)])
    return stream.getvalue().encode()


PRINTED = st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\n\ufeff")
TEXTS = st.text(PRINTED | st.sampled_from('. "A,'), max_size=30)


@settings(max_examples=30, deadline=None)
@given(documents=st.lists(TEXTS.filter(lambda text: not text.strip().startswith("=")), max_size=6))
def test_the_same_documents_give_the_same_sentences_in_every_format(documents: list[str]) -> None:
    formats = {
        "txt": "\n".join(documents).encode(),
        "jsonl": "\n".join(json.dumps({"text": text}) for text in documents).encode(),
        "csv": as_csv(documents),
    }
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(pa.table({"text": pa.array(documents, pa.string())}), f"{folder}/a.parquet")
        found = [triples(f"{folder}/a.parquet")]
        for suffix, content in formats.items():
            found.append(triples(written(Path(folder, f"a.{suffix}"), content)))
            found.append(triples(written(Path(folder, f"a.{suffix}.gz"), gzip.compress(content))))
            found.append(triples(written(Path(folder, f"a.{suffix}.zst"), zstd(content))))
    assert found == [found[0]] * 10
    assert [text.split() for _, _, text in found[0] if text.split()] == [
        text.split() for document in documents for text in sentences_of(document, whole=False)
    ]
