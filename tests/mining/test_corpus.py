"""Text becomes sentences in one fixed order, and what is no text is refused by name."""

import csv
import gzip
import io
import json
import pickle
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.corpus import Document, open_corpus, sentences_of
from mining.errors import CorpusError

ROOT = Path(__file__).parents[2]
NOTHING_SKIPPED = {"headings": 0, "documents_with_nul": 0, "documents_without_text": 0}


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, "zstd", asbytes=True))


def written(path: Path, content: str | bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def texts(source: str) -> list[str]:
    return [sentence.text for sentence in open_corpus(source)]


def triples(source: str) -> list[tuple[int, int, str]]:
    return [(one.sentence_id, one.document_id, one.text) for one in open_corpus(source)]


def test_each_line_is_a_document_and_sentences_are_numbered_in_order(tmp_path: Path) -> None:
    source = written(tmp_path / "a.txt", "One is here. Two is there.\nThree stands alone\nFour.\n")
    assert triples(source) == [
        (0, 0, "One is here."),
        (1, 0, "Two is there."),
        (2, 1, "Three stands alone"),
        (3, 2, "Four."),
    ]


def test_a_last_line_without_a_line_end_is_read(tmp_path: Path) -> None:
    assert texts(written(tmp_path / "a.txt", "one\ntwo")) == ["one", "two"]


def test_blank_lines_are_no_documents(tmp_path: Path) -> None:
    source = written(tmp_path / "a.txt", "\n\none\n   \n\t\n\ntwo\n\n")
    assert triples(source) == [(0, 0, "one"), (1, 1, "two")]


def test_windows_line_ends_leave_nothing_behind(tmp_path: Path) -> None:
    assert triples(written(tmp_path / "a.txt", b"one\r\n\r\ntwo words\r\n")) == [
        (0, 0, "one"),
        (1, 1, "two words"),
    ]


def test_a_byte_order_mark_is_not_part_of_the_first_sentence(tmp_path: Path) -> None:
    assert texts(written(tmp_path / "a.txt", b"\xef\xbb\xbfone\ntwo\n")) == ["one", "two"]


def test_space_around_sentences_is_dropped_and_space_within_is_kept(tmp_path: Path) -> None:
    assert texts(written(tmp_path / "a.txt", "   one   two  \n")) == ["one   two"]


def test_multi_byte_text_is_kept_as_it_is(tmp_path: Path) -> None:
    lines = ["naïve café", "日本語", "a 😀 b", "e\u0301"]
    assert texts(written(tmp_path / "a.txt", "\n".join(lines))) == lines


# WikiText.


def test_wikitext_headings_are_left_out_and_counted_and_its_marks_are_kept(tmp_path: Path) -> None:
    source = written(
        tmp_path / "wiki.test.tokens",
        " \n = Robert <unk> = \n \n He had a guest @-@ starring role in 2000 . He left . \n \n"
        " = = Career = = \n \n Then came <unk> . \n",
    )
    corpus = open_corpus(source)
    assert [(one.sentence_id, one.document_id, one.text) for one in corpus] == [
        (0, 0, "He had a guest @-@ starring role in 2000 ."),
        (1, 0, "He left ."),
        (2, 1, "Then came <unk> ."),
    ]
    assert corpus.skipped == NOTHING_SKIPPED | {"headings": 2}


@pytest.mark.parametrize(
    "line",
    ["= 5 =", " = = Early life = = ", "= = = = = = 6 = = = = = =", "= a = b =", "= Title =\r"],
)
def test_a_title_between_as_many_signs_on_either_side_is_a_heading(
    tmp_path: Path, line: str
) -> None:
    corpus = open_corpus(written(tmp_path / "a.txt", f"one\n{line}\ntwo\n"))
    assert [document.text for document in corpus.documents()] == ["one", "two"]
    assert corpus.skipped["headings"] == 1


@pytest.mark.parametrize(
    "line",
    [
        *("= 5", "a = b", "x = = y", "x =", "= =", "= = =", "= = = =", "= = x =", "= x = ="),
        *("=x=", "== Title ==", "= x =.", "= = = = = = = 7 = = = = = = =", "- = x = -", "="),
    ],
)
def test_a_line_with_other_equals_signs_is_text(tmp_path: Path, line: str) -> None:
    corpus = open_corpus(written(tmp_path / "a.txt", f"{line}\n"))
    assert [document.text for document in corpus.documents()] == [line]
    assert corpus.skipped == NOTHING_SKIPPED


def test_a_row_that_looks_like_a_heading_is_text(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl", '{"text": "= Title ="}\n')
    written(tmp_path / "b.csv", "text\n= Title =\n")
    assert texts(str(tmp_path)) == ["= Title ="] * 2


# Folders and globs.


def test_a_folder_is_read_file_by_file_in_sorted_order(tmp_path: Path) -> None:
    for name in ("b", "c", "a"):
        written(tmp_path / "texts" / f"{name}.txt", f"{name} one\n{name} two\n")
    assert triples(str(tmp_path / "texts")) == [
        (0, 0, "a one"),
        (1, 1, "a two"),
        (2, 2, "b one"),
        (3, 3, "b two"),
        (4, 4, "c one"),
        (5, 5, "c two"),
    ]


def test_a_glob_chooses_files_and_reads_them_in_sorted_order(tmp_path: Path) -> None:
    for name in ("part2.txt", "part1.txt", "other.txt"):
        written(tmp_path / name, f"{name}\n")
    assert texts(str(tmp_path / "part*.txt")) == ["part1.txt", "part2.txt"]


def test_a_sentence_never_runs_over_the_end_of_a_file(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", "no line end")
    written(tmp_path / "b.txt", "next file")
    assert texts(str(tmp_path)) == ["no line end", "next file"]


def test_a_file_whose_name_has_glob_characters_is_found(tmp_path: Path) -> None:
    assert texts(written(tmp_path / "notes [1].txt", "one\n")) == ["one"]


def test_a_folder_is_read_by_the_whole_path_of_its_files(tmp_path: Path) -> None:
    for name in ("b.txt", "a/z.txt", "a/b/c.txt", "a-b/x.txt", "B.txt", "a/B.TXT"):
        written(tmp_path / name, f"{name}\n")
    order = ["B.txt", "a/B.TXT", "a/b/c.txt", "a/z.txt", "a-b/x.txt", "b.txt"]
    assert texts(str(tmp_path)) == order


def test_a_folder_gives_files_of_known_kinds_and_these_compressed(tmp_path: Path) -> None:
    for name in ("notes.md", "picture.png", "data.json", "a.gz", "a.txt.bak", "txt", "a.txt.bz2"):
        written(tmp_path / name, "not to be read\n")
    written(tmp_path / "folder.txt" / "inside.text", "inside\n")
    written(tmp_path / "A.TOKENS", "one\n")
    written(tmp_path / "b.Txt.GZ", gzip.compress(b"two\n"))
    written(tmp_path / "c.jsonl.zst", zstd(b'{"text": "three"}\n'))
    assert texts(str(tmp_path)) == ["one", "two", "three", "inside"]


def test_links_in_a_folder_are_followed(tmp_path: Path) -> None:
    written(tmp_path / "elsewhere" / "part.txt", "far\n")
    written(tmp_path / "texts" / "near.txt", "near\n")
    (tmp_path / "texts" / "folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "texts" / "zfile.txt").symlink_to(tmp_path / "elsewhere" / "part.txt")
    assert texts(str(tmp_path / "texts")) == ["far", "near", "far"]


def test_a_file_of_an_unknown_kind_is_read_as_text_when_named(tmp_path: Path) -> None:
    assert texts(written(tmp_path / "notes.md", "one\n")) == ["one"]
    assert texts(written(tmp_path / "notes.gz", gzip.compress(b"two\n"))) == ["two"]
    assert texts(written(tmp_path / "notes", "three\n")) == ["three"]


def test_a_glob_reaches_into_folders(tmp_path: Path) -> None:
    for name in ("a/one.txt", "a/b/two.txt", "c/three.txt", "c/four.md"):
        written(tmp_path / name, f"{name}\n")
    found = ["a/b/two.txt", "a/one.txt", "c/three.txt"]
    assert texts(str(tmp_path / "**" / "*.txt")) == found
    assert texts(str(tmp_path / "?" / "*.txt")) == found[1:]


# A reading.


def test_reading_twice_gives_the_same_sentences(tmp_path: Path) -> None:
    corpus = open_corpus(written(tmp_path / "a.txt", "one. Two.\nthree\n"))
    first = list(corpus)
    assert first and list(corpus) == first


def test_a_reading_begins_its_counts_anew(tmp_path: Path) -> None:
    source = written(tmp_path / "a.txt", b"= Title =\none\n\x00\x00\ntwo \x00\n\nthree\n")
    corpus = open_corpus(source)
    assert corpus.skipped == NOTHING_SKIPPED
    counts = NOTHING_SKIPPED | {"headings": 1, "documents_with_nul": 2}
    for _ in range(2):
        assert len(list(corpus)) == 2
        assert (corpus.skipped, corpus.share_read) == (counts, 1.0)
    next(corpus.documents())
    assert corpus.skipped == NOTHING_SKIPPED | {"headings": 1}
    corpus.documents()
    assert (corpus.skipped, corpus.share_read) == (NOTHING_SKIPPED, 0.0)


def test_documents_carry_their_number_and_the_share_of_bytes_read(tmp_path: Path) -> None:
    written(tmp_path / "a.txt", b"one. Two.\n\nthree\n ")  # 18 bytes
    written(tmp_path / "b.txt", b"four\n")
    assert list(open_corpus(str(tmp_path)).documents()) == [
        Document(0, "one. Two.", pytest.approx(10 / 23)),  # type: ignore[arg-type]
        Document(1, "three", pytest.approx(17 / 23)),  # type: ignore[arg-type]
        Document(2, "four", 1.0),
    ]


@pytest.mark.parametrize("name", ["a.txt.gz", "a.txt.zst", "a.parquet"])
def test_the_share_read_grows_with_the_bytes_as_stored(tmp_path: Path, name: str) -> None:
    lines = [random.randbytes(12).hex() for _ in range(300_000)]
    packed = {".gz": lambda data: gzip.compress(data, 1), ".zst": zstd}
    if name.endswith("parquet"):
        pq.write_table(pa.table({"text": lines}), tmp_path / name)
    else:
        written(tmp_path / name, packed[Path(name).suffix]("\n".join(lines).encode()))
    shares = [document.share_read for document in open_corpus(str(tmp_path)).documents()]
    assert shares == sorted(shares) and shares[-1] <= 1.0
    for part in (0.25, 0.5, 0.75):
        assert shares[int(part * len(shares))] == pytest.approx(part, abs=0.2)


def test_the_demo_corpus_is_of_whole_sentences(tmp_path: Path) -> None:
    assert open_corpus("demo").whole_documents
    assert not open_corpus(written(tmp_path / "a.txt", "one")).whole_documents


def test_reading_waits_for_no_model_library(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["one"]}), tmp_path / "a.parquet")
    written(tmp_path / "b.txt.zst", zstd(b"two\n"))
    code = (
        "import sys; from mining.corpus import open_corpus;"
        f"assert len(list(open_corpus({str(tmp_path)!r}))) == 2;"
        "sys.exit(bool({'torch', 'transformers', 'datasets'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=re.escape(str(tmp_path / "nowhere.txt"))):
        list(open_corpus(str(tmp_path / "nowhere.txt")))


def test_a_glob_that_matches_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=re.escape(str(tmp_path / "*.txt"))):
        list(open_corpus(str(tmp_path / "*.txt")))


def test_an_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=re.escape(str(tmp_path))):
        list(open_corpus(str(tmp_path)))


@pytest.mark.parametrize("content", [b"", b"\n \n\t\r\n", b"\xef\xbb\xbf"])
def test_a_file_without_a_sentence_gives_none(tmp_path: Path, content: bytes) -> None:
    assert texts(written(tmp_path / "empty.txt", content)) == []  # `mine` refuses it by name


@pytest.mark.parametrize(
    ("content", "offset"),
    [
        (b"\xff", 0),
        (b"caf\xe9 au lait\n", 3),  # Latin-1
        ("é日\n".encode() * 3 + b"ok \xc3(\n", 6 * 3 + 3),  # counted in bytes, not characters
        (b"a line of text\r\n" * 40_000 + b"bad \x80 byte\n", 16 * 40_000 + 4),
        (b"\xef\xbb\xbfone\n\xfe\n", 7),
        (b"\xef\xbb\xbfab\xfe\n", 5),
        (b"cut short \xe6\x97", 10),
    ],
)
def test_text_that_is_not_utf8_is_refused_with_its_file_and_byte(
    tmp_path: Path, content: bytes, offset: int
) -> None:
    written(tmp_path / "fine.txt", "fine\n")
    written(tmp_path / "latin.txt", content)
    with pytest.raises(CorpusError) as mistake:
        list(open_corpus(str(tmp_path)))
    assert "latin.txt" in str(mistake.value)
    assert re.search(rf"\bbyte {offset}\b", str(mistake.value)), str(mistake.value)


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


# Sentences.


def test_workers_can_be_handed_the_splitting() -> None:
    split = pickle.loads(pickle.dumps(sentences_of))
    assert split("One is here.  Two is there. ", whole=False) == ["One is here.", "Two is there."]
    assert split(" One is here.  Two is there. ", whole=True) == ["One is here.  Two is there."]
    assert split(" \n", whole=True) == split(" \n", whole=False) == split("", whole=False) == []


def test_a_long_document_gives_the_sentences_it_is_made_of() -> None:
    sentences = [f'Number {n} is called "No. {n}" by Dr. Smith (see above).' for n in range(20_000)]
    assert sentences_of(" ".join(sentences), whole=False) == sentences


def test_a_sentence_of_any_length_stays_whole() -> None:
    long = "word " * 30_000 + "end."
    found = sentences_of(f"Short before. {long} Short after.", whole=False)
    assert found == ["Short before.", long, "Short after."]
    assert sentences_of("x" * 1_000_000, whole=False) == ["x" * 1_000_000]


def test_splitting_takes_time_in_proportion_to_a_document() -> None:
    started = time.monotonic()
    assert len(sentences_of("日本語です。" * 100_000, whole=False)) == 100_000
    assert time.monotonic() - started < 20  # in one go: a minute, and four for twice the length


@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u3000", " \u202f", "\u2028\u00a0"])
def test_a_space_outside_ascii_after_a_capital_is_no_trouble(
    capfd: pytest.CaptureFixture[str], space: str
) -> None:
    document = f"The cat likes vitamin C{space}. It is good."
    assert "".join("".join(sentences_of(document, whole=False)).split()) == "".join(
        document.split()
    )
    assert f"C{space}." in sentences_of(document, whole=False)[0]
    assert capfd.readouterr().err == ""


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.sampled_from([*"AbZ 1.!?'\"“”()[]。「」\n\r\t", "\u00a0", "\u3000", "Dr.", "\n\n"])
    ),
    st.integers(1, 3_000),
)
def test_splitting_loses_nothing_but_space(pieces: list[str], times: int) -> None:
    document = "".join(pieces) * times
    document = document[:25_000]
    found = sentences_of(document, whole=False)
    assert "".join("".join(found).split()) == "".join(document.split())
    assert all(text and text == text.strip() for text in found)


# Datasets, from a folder laid out as on the hub.


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
