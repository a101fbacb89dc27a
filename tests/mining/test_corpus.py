"""Text becomes sentences in one fixed order, and what is no text is refused by name."""

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mining.corpus import open_corpus
from mining.errors import CorpusError


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


def test_wikitext_headings_and_marks_are_kept_as_sentences(tmp_path: Path) -> None:
    source = written(
        tmp_path / "wiki.test.tokens",
        " \n = Robert <unk> = \n \n He had a guest @-@ starring role in 2000 . He left . \n \n"
        " = = Career = = \n \n",
    )
    assert triples(source) == [
        (0, 0, "= Robert <unk> ="),
        (1, 1, "He had a guest @-@ starring role in 2000 ."),
        (2, 1, "He left ."),
        (3, 2, "= = Career = ="),
    ]


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


def test_reading_twice_gives_the_same_sentences(tmp_path: Path) -> None:
    corpus = open_corpus(written(tmp_path / "a.txt", "one. Two.\nthree\n"))
    first = list(corpus)
    assert first and list(corpus) == first


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
    assert texts(str(tmp_path / "a.parquet")) == ["one", "two"]


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
