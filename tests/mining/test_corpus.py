"""Lines of text become sentences in one fixed order: of a file, a folder or a glob."""

import gzip
import random
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import NOTHING_SKIPPED, texts, triples, written, zstd

from mining.corpus import Document, open_corpus
from mining.errors import CorpusError

ROOT = Path(__file__).parents[2]


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
