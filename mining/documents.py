"""Files in, documents out, in order: the only place that knows corpus formats.

A document is a line of a text file, or a row of a JSONL, CSV or Parquet file or of a Hugging Face
dataset. All but Parquet may be compressed (.gz, .zst). Reading is streamed: of a file, no more is
held than a document or, of Parquet, a thousand rows. What cannot be read is a CorpusError that
names the file; what is left out is counted in `skipped`, by the names in SKIPPED.
"""

import codecs
import csv
import gzip
import io
import json
import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any

from mining.errors import CorpusError

SKIPPED = ("headings", "documents_with_nul", "documents_without_text")
Skipped = dict[str, int]
Read = Iterator[tuple[str, int]]  # texts, each with the bytes of its file read by then, as stored

_PACKED = (".gz", ".zst")
_BUFFER = 2**20  # bytes
_ROWS = 1_000  # of a Parquet file, decoded at a time
_LONGEST_FIELD = 2**28  # characters; what is longer in a CSV file is an unclosed quote
_DEEPEST_HEADING = 6
_FOREIGN = {
    codecs.BOM_UTF16_LE: "UTF-16 text; convert it, e.g. with iconv -f UTF-16 -t UTF-8",
    codecs.BOM_UTF16_BE: "UTF-16 text; convert it, e.g. with iconv -f UTF-16 -t UTF-8",
    b"\x1f\x8b": "gzip data; let its name end in .gz",
    b"\x28\xb5\x2f\xfd": "Zstandard data; let its name end in .zst",
    b"\xfd7zX": "xz data; unpack it",
    b"PK\x03\x04": "a ZIP archive; unpack it",
}
# Python refuses integers of more than 4,300 digits; no number is text, so any value will do.
_JSON = json.JSONDecoder(parse_int=float)


def kind(file: Path) -> str:
    """The format a file's name tells, such as `.jsonl` of `a.JSONL.gz`."""
    return (Path(file.stem) if file.suffix.lower() in _PACKED else file).suffix.lower()


def file_documents(
    files: list[Path], text_column: str, skipped: Skipped
) -> Iterator[tuple[str, float]]:
    """The files' documents in order, each with the share of all bytes read when it ended."""
    sizes = []
    for file in files:
        with _mistakes_named(file):
            sizes.append(file.stat().st_size)
    before, total = 0, max(1, sum(sizes))
    for file, size in zip(files, sizes, strict=True):
        read = READERS.get(kind(file), _text)
        with _mistakes_named(file):
            for text, position in read(file, text_column, skipped):
                yield text, min(1.0, (before + position) / total)
        before += size


@contextmanager
def _mistakes_named(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error) as mistake:
        if told := getattr(mistake, "strerror", None):
            raise CorpusError(f"{file} cannot be read: {told}.") from None
        told = str(mistake).rstrip(".")  # of a library that unpacks
        raise CorpusError(f"{file} is cut short or damaged ({told}); fetch it again.") from None


def hub_documents(name: str, text_column: str, skipped: Skipped) -> Iterator[tuple[str, float]]:
    """The rows of `NAME[:CONFIG[:SPLIT]]`, streamed; how many there are is not known: share 0."""
    for row in _hub_rows(name):
        if text_column not in row:
            raise _no_column(f"hf:{name}", sorted(row), text_column)
        if row[text_column] is None:
            skipped["documents_without_text"] += 1
        elif not isinstance(row[text_column], str):
            raise CorpusError(
                f'hf:{name}: the column "{text_column}" holds no text;'
                " choose another with --text-column."
            )
        else:
            yield row[text_column], 0.0


def _hub_rows(name: str) -> Iterator[dict[str, Any]]:
    dataset, config, split, *more = [*name.split(":"), "", ""]
    if not dataset or any(more):
        raise CorpusError(f"hf:{name} is not understood; write it like hf:NAME[:CONFIG[:SPLIT]].")
    import datasets

    datasets.disable_progress_bars()
    for chatty in ("datasets", "huggingface_hub"):  # a mistake is told in our one line
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    try:
        yield from datasets.load_dataset(
            dataset, config or None, split=split or "train", streaming=True
        )
    except Exception as mistake:  # of the network, the hub, the dataset's files, in any library
        told = " ".join(str(mistake).split()) or type(mistake).__name__
        raise CorpusError(f"hf:{name} cannot be read: {told}") from None


@contextmanager
def _opened(file: Path) -> Iterator[tuple["io.BufferedReader[Any]", Callable[[], int]]]:
    """A file's bytes, unpacked, and a function that tells how many stored bytes were read."""
    suffix = file.suffix.lower()
    with io.BufferedReader(io.FileIO(file), _BUFFER) as stored:
        if suffix not in _PACKED:
            yield stored, stored.tell
            return
        if not stored.peek(1):
            raise EOFError("it is empty")  # to either library, a whole file without content
        unpacked: Any = gzip.GzipFile(fileobj=stored)
        if suffix == ".zst":
            import pyarrow as pa

            unpacked = pa.input_stream(stored, compression="zstd")
        with io.BufferedReader(unpacked, _BUFFER) as stream:
            yield stream, stored.tell


def _lines(file: Path) -> Read:
    """Decoded lines with their ends, but without a byte order mark."""
    with _opened(file) as (stream, position):
        head = stream.peek(4)[:4]
        _refuse_foreign(file, head)
        offset = len(stream.read(3)) if head.startswith(codecs.BOM_UTF8) else 0
        for raw in stream:
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as mistake:
                raise CorpusError(
                    f"{file} is not UTF-8 at byte {offset + mistake.start}"
                    f" (0x{raw[mistake.start]:02x}); convert it, e.g. with iconv -t UTF-8."
                ) from None
            offset += len(raw)
            yield line, position()


def _refuse_foreign(file: Path, head: bytes) -> None:
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise CorpusError(f"{file} holds {what}.")
    # Latin letters in UTF-16 without its mark are UTF-8 with a NUL at every other place.
    if [byte > 0 for byte in head] in ([True, False] * 2, [False, True] * 2):
        raise CorpusError(f"{file} holds {_FOREIGN[codecs.BOM_UTF16_LE]}.")


def _text(file: Path, _text_column: str, skipped: Skipped) -> Read:
    for line, position in _lines(file):
        if _is_heading(line):
            skipped["headings"] += 1
        else:
            yield line.rstrip("\r\n"), position


def _is_heading(line: str) -> bool:
    """Whether a line is `= Title =` or `= = Part = =` and so on, as WikiText writes headings."""
    stripped = line.strip()
    if not (stripped.startswith("= ") and stripped.endswith(" =")):
        return False
    words = stripped.split()
    left = sum(1 for _ in takewhile("=".__eq__, words))
    right = sum(1 for _ in takewhile("=".__eq__, reversed(words)))
    return left == right <= _DEEPEST_HEADING and left + right < len(words)


def _jsonl(file: Path, text_column: str, skipped: Skipped) -> Read:
    for number, (line, position) in enumerate(_lines(file), start=1):
        if not line.strip():
            continue
        try:
            row = _JSON.decode(line)
        except json.JSONDecodeError as mistake:
            raise CorpusError(f"{file}, line {number} is not JSON ({mistake.msg}).") from None
        except RecursionError:
            raise CorpusError(f"{file}, line {number} is nested too deeply.") from None
        if not isinstance(row, dict):
            raise CorpusError(f'{file}, line {number} is no object like {{"{text_column}": …}}.')
        text = row.get(text_column, ...)
        if text is None:
            skipped["documents_without_text"] += 1
            continue
        if not isinstance(text, str):
            raise CorpusError(
                f'{file}, line {number} has no string "{text_column}";'
                " choose another name with --text-column."
            )
        try:
            text.encode()
        except UnicodeEncodeError:
            raise CorpusError(
                f"{file}, line {number} holds half a surrogate pair; mend the file."
            ) from None
        yield text, position


def _csv(file: Path, text_column: str, _skipped: Skipped) -> Read:
    position = 0

    def counted() -> Iterator[str]:
        nonlocal position
        for line, after in _lines(file):
            position = after
            yield line

    csv.field_size_limit(_LONGEST_FIELD)
    rows = csv.reader(counted(), strict=True)  # lenient, it would make text of broken quoting
    begins = 1
    try:
        header = next(rows, [])
        if header.count(text_column) != 1:
            raise _no_column(str(file), header, text_column)
        column, begins = header.index(text_column), rows.line_num + 1
        for row in rows:
            if row and len(row) != len(header):
                raise CorpusError(
                    f"{file}, line {begins}: a row of {len(row)} fields below a header of"
                    f" {len(header)}; text with a comma or a quote stands in double quotes."
                )
            if row:
                yield row[column], position
            begins = rows.line_num + 1
    except csv.Error as mistake:
        raise CorpusError(
            f"{file}: the row that begins in line {begins} is not CSV ({mistake}); every quote"
            " must be closed, and one within a text doubled."
        ) from None


def _parquet(file: Path, text_column: str, skipped: Skipped) -> Read:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if file.suffix.lower() in _PACKED:
        raise CorpusError(f"{file}: Parquet is compressed within; unpack the file.")
    # Otherwise whole row groups are fetched, often hundreds of megabytes.
    streamed = {"pre_buffer": False, "buffer_size": _BUFFER}
    try:
        with pq.ParquetFile(file, page_checksum_verification=True, **streamed) as table:
            names = table.schema_arrow.names
            if names.count(text_column) != 1:
                raise _no_column(str(file), names, text_column)
            found = table.schema_arrow.field(text_column).type
            stored = found.value_type if pa.types.is_dictionary(found) else found
            if stored not in (pa.string(), pa.large_string(), pa.string_view(), pa.null()):
                raise CorpusError(
                    f'{file}: the column "{text_column}" is {found}, not text;'
                    " choose another with --text-column."
                )
            rows, size = max(1, table.metadata.num_rows), file.stat().st_size
            batches = table.iter_batches(_ROWS, columns=[text_column])
            for read, text in enumerate(
                (text for one in batches for text in one[0].to_pylist()), 1
            ):
                if text is None:
                    skipped["documents_without_text"] += 1
                else:
                    yield text, size * read // rows
    except (pa.ArrowException, UnicodeDecodeError) as mistake:
        told = str(mistake).rstrip(".")
        raise CorpusError(f"{file} is not a whole Parquet file ({told}).") from None


def _no_column(where: str, names: list[str], text_column: str) -> CorpusError:
    known = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    many = "more than one column" if text_column in names else "no column"
    return CorpusError(
        f'{where} has {many} "{text_column}"; it has {known or "none"}.'
        " Choose one with --text-column."
    )


READERS: dict[str, Callable[[Path, str, Skipped], Read]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
    ".text": _text,
    ".tokens": _text,
    ".txt": _text,
}
