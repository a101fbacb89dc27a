"""What no corpus can be is refused in one line that names the place, before or while it is read.

Files are opened as a user would name them. The last test types the command itself.
"""

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import zstd
from terminal import Typed, assert_refused_and_nothing_left

from mining.corpus import open_corpus
from mining.errors import CorpusError

PLAIN = b"\n".join(random.Random(n).randbytes(40).hex().encode() for n in range(4_000))
GZIP = gzip.compress(PLAIN)
ZSTD = zstd(PLAIN)


def refused(source: object, text_column: str = "text") -> str:
    """The one line that reading `source` ends with."""
    with pytest.raises(CorpusError) as mistake:
        list(open_corpus(str(source), text_column))
    line = str(mistake.value)
    assert "\n" not in line and len(line) < 600, line
    return line


def changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes(255 - byte for byte in data[at : at + 8]) + data[at + 8 :]


# Compressed files.


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        *(("gz", GZIP[:length]) for length in (0, 1, 3, 12, 1_000, -9, -1)),
        *(("zst", ZSTD[:length]) for length in (0, 1, 3, 12, 1_000, -9, -1)),
        ("gz", GZIP + GZIP[:500]),  # the second member is cut
        ("zst", ZSTD + ZSTD[:500]),
        ("gz", b"hello there\n"),
        ("zst", b"hello there\n"),
        ("gz", ZSTD),
        ("zst", GZIP),
        ("gz", GZIP + b"what is this?"),
        ("zst", ZSTD + b"what is this?"),
        ("gz", changed(GZIP, 20_000)),
        ("gz", changed(GZIP, len(GZIP) - 8)),  # its check sum
        ("zst", changed(ZSTD, 9)),  # the header of a block
    ],
)
def test_compressed_text_that_is_cut_or_damaged_is_named(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    source = tmp_path / f"a.txt.{suffix}"
    source.write_bytes(content)
    assert refused(source).startswith(f"{source} is cut short or damaged (")


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_compressed_rows_that_are_cut_are_named(tmp_path: Path, name: str) -> None:
    row = '{"text": "one"}\n' if name == "a.jsonl" else "text\n"
    packed = gzip.compress(row.encode() * 1_000)
    source = tmp_path / f"{name}.gz"
    source.write_bytes(packed[:-9])
    assert refused(source).startswith(f"{source} is cut short or damaged (")


# Text.


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl", "a.txt.gz"])
def test_text_in_utf16_is_told_how_to_become_utf8(tmp_path: Path, name: str, encoding: str) -> None:
    content = "text\nThe cat sat.\n".encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert "UTF-16" in refused(tmp_path / name) and name in refused(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "named"),
    [(GZIP, ".gz"), (ZSTD, ".zst"), (b"PK\x03\x04\x14\x00", "ZIP"), (b"\xfd7zXZ\x00", "xz")],
)
def test_packed_data_under_the_name_of_a_text_is_told_apart(
    tmp_path: Path, content: bytes, named: str
) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    assert named in refused(tmp_path / "a.txt")


def test_a_document_with_a_nul_byte_is_left_out_and_counted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\ntwo\x00two\n" + bytes(5_000) + b"\nthree\n")
    (tmp_path / "b.csv").write_bytes(b"n,text\n1,fo\x00ur\n\x00,five\n")
    (tmp_path / "c.jsonl").write_text('{"text": "si\\u0000x"}\n{"text": "seven"}\n')
    pq.write_table(pa.table({"text": ["eight", "\0"]}), tmp_path / "d.parquet")
    corpus = open_corpus(str(tmp_path))
    found = [(one.document_id, one.text) for one in corpus]
    assert found == [(0, "one"), (1, "three"), (2, "five"), (3, "seven"), (4, "eight")]
    assert corpus.skipped["documents_with_nul"] == 5


# JSONL.


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('["text"]', "no object"),
        ('"text"', "no object"),
        ("5", "no object"),
        ("null", "no object"),
        ('{"text": "a"', "not JSON"),
        ('{"text": "a"}{"text": "b"}', "not JSON"),
        ("{'text': 'a'}", "not JSON"),
        ('{"text": "a\0b"}', "not JSON"),
        ('{"words": "a"}', "--text-column"),
        ('{"text": ["a"]}', "--text-column"),
        ('{"text": NaN}', "--text-column"),
        ('{"text": 5}', "--text-column"),
        ('{"text": ' + "9" * 5_000 + "}", "--text-column"),
        ('{"text": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested"),
        ('{"a":' * 100_000, "nested"),
        ('{"text": "the \\ud800 cat"}', "surrogate"),
    ],
)
def test_a_json_line_without_a_text_is_named_by_its_number(
    tmp_path: Path, line: str, named: str
) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"text": "fine"}}\n\n{line}\n')
    told = refused(tmp_path / "a.jsonl")
    assert told.startswith(f"{tmp_path / 'a.jsonl'}, line 3 ") and named in told, told


def test_numbers_beside_the_text_may_be_anything(tmp_path: Path) -> None:
    numbers = f'"a": NaN, "b": -Infinity, "c": {"9" * 10_000}, "d": 1e999'
    (tmp_path / "a.jsonl").write_text(f'{{"text": "fine", {numbers}}}\n')
    assert [one.text for one in open_corpus(str(tmp_path))] == ["fine"]


# CSV.


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("n,text\n1,fine\n2,hello, world\n", 3),  # else read as "hello"
        ("n,text\n1,fine\n\n7\n", 4),
        ('n,text\n1,"fi\nne"\n2\n', 4),
        ('n,text\n1,fine\n2,"open\n3,swallowed\n', 3),
        ('n,text\n1,fine\n2,"open\n3,"closed"\n', 3),
        ('n,text\n1,"he said \\"hi\\", and so on"\n', 2),
        ("n,text\r1,fine\r", 1),
    ],
)
def test_a_csv_row_that_is_not_as_the_header_is_named_by_its_line(
    tmp_path: Path, content: str, line: int
) -> None:
    (tmp_path / "a.csv").write_bytes(content.encode())
    told = refused(tmp_path / "a.csv")
    assert str(tmp_path / "a.csv") in told and f"line {line}" in told, told


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "no column"),
        ("n;text\n1;one\n", "n;text"),
        ("text,text\na,b\n", "more than one"),
        (",".join(f"column{n}" for n in range(5_000)) + "\n", "column9, …"),
    ],
)
def test_a_csv_file_without_the_column_is_named_with_those_it_has(
    tmp_path: Path, content: str, named: str
) -> None:
    (tmp_path / "a.csv").write_text(content)
    told = refused(tmp_path / "a.csv")
    assert named in told and "--text-column" in told, told


# Parquet.


def parquet(path: Path, rows: int = 20_000) -> bytes:
    text = [random.Random(n).randbytes(20).hex() for n in range(rows)]
    pq.write_table(pa.table({"text": text}), path, row_group_size=5_000, write_page_checksum=True)
    return path.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: b"PAR1",
        lambda whole: b"hello there\n",
        lambda whole: whole[:-1],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: changed(whole, len(whole) // 2),
        lambda whole: whole[:5_000] + whole[9_000:],
    ],
)
def test_a_parquet_file_that_is_cut_or_damaged_is_named(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    source = tmp_path / "a.parquet"
    source.write_bytes(damage(parquet(source)))
    assert refused(source).startswith(f"{source} is ")


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"words": ["a"]}, 'no column "text"; it has words'),
        ({"text": [1]}, "int64"),
        ({"text": [b"a"]}, "binary"),
        ({"text": [["a"]]}, "list"),
        ({"text": [{"text": "a"}]}, "struct"),
    ],
)
def test_a_parquet_column_that_is_missing_or_no_text_is_named(
    tmp_path: Path, columns: dict[str, list[object]], named: str
) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    told = refused(tmp_path / "a.parquet")
    assert named in told and "--text-column" in told, told


def test_parquet_text_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    latin = pa.array([b"fine", b"caf\xe9"]).view(pa.string())
    pq.write_table(pa.table({"text": latin}), tmp_path / "a.parquet")
    assert "a.parquet" in refused(tmp_path / "a.parquet")


def test_parquet_is_not_unpacked_first(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "a.parquet", rows=3)
    (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(whole))
    assert "compressed within" in refused(tmp_path / "a.parquet.gz")


def test_parquet_text_that_is_not_what_its_check_sum_says_is_named(tmp_path: Path) -> None:
    source = tmp_path / "a.parquet"
    table = pa.table({"text": ["the cat"]})
    pq.write_table(table, source, compression="none", write_page_checksum=True)
    whole = source.read_bytes()
    source.write_bytes(whole.replace(b"the cat", b"the dog", 1))
    assert refused(source).startswith(f"{source} is ")


# The command.


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("a.txt.gz", GZIP[:2_000], "cut short"),
        ("a.txt.zst", ZSTD[:2_000], "cut short"),
        ("a.parquet", b"PAR1", "not a whole Parquet file"),
        ("a.jsonl", b'{"text": "the cat"}\n["the cat"]\n', "line 2 is no object"),
        ("a.jsonl", b'{"text":' + b"[" * 100_000, "nested too deeply"),
        ("a.csv", b'text\n"the cat\n', "line 2"),
        ("a.txt", "the cat\n".encode("utf-16"), "UTF-16"),
        ("a.txt", bytes(100), "no sentence"),
    ],
)
def test_a_bad_corpus_ends_the_command_with_one_line_and_leaves_nothing(
    typed: Typed, desk: Path, name: str, content: bytes, named: str
) -> None:
    (desk / name).write_bytes(content)
    arguments = ["mine", "model", name, "--out", "run", "--device", "cpu"]
    assert_refused_and_nothing_left(typed, desk, arguments, name, named)
