"""Text in, sentences out, in order: the only place that knows corpus formats.

A document is a line of a text file, or a row of a JSONL, CSV or Parquet file or of a Hugging Face
dataset (its `text` column). Documents are split into sentences by rules (sentencex), without a
model. Reading is streamed: a corpus never has to fit in memory, and can be read twice.
"""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path

from sentencex import segment

from mining.errors import CorpusError

DEMO = "demo"
_HUB = "hf:"
_COLUMN = "text"
_READABLE = {".txt", ".tokens", ".text", ".jsonl", ".csv", ".parquet"}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One context. Ids count from 0 in corpus order."""

    sentence_id: int
    document_id: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A document's text and the share of the corpus that was read when it ended (0 to 1)."""

    text: str
    share_read: float


class Corpus:
    """Sentences in a fixed order, from files, from a hub dataset, or the bundled demo."""

    def __init__(self, name: str, files: list[Path], demo_cache: Path) -> None:
        self.name = name
        self.share_read = 0.0  # of the reading in progress; an estimate from bytes for files
        self._files = files
        self._demo_cache = demo_cache

    def __iter__(self) -> Iterator[Sentence]:
        sentence_id = 0
        for document_id, document in enumerate(self._documents()):
            self.share_read = document.share_read
            split = [document.text] if self.name == DEMO else segment("en", document.text)
            for piece in split:
                if text := piece.strip():
                    yield Sentence(sentence_id, document_id, text)
                    sentence_id += 1

    def _documents(self) -> Iterator[Document]:
        if self.name == DEMO:
            return _demo_documents(self._demo_cache)
        if self.name.startswith(_HUB):
            return _hub_documents(self.name.removeprefix(_HUB))
        return _file_documents(self._files)


def open_corpus(name: str, demo_cache: Path = Path("data/cache")) -> Corpus:
    """Open a corpus: a file, folder or glob, `hf:NAME[:CONFIG[:SPLIT]]`, or `demo`.

    Raises CorpusError if there is nothing to read. `demo_cache` keeps the extracted demo corpus.
    """
    if name == DEMO or name.startswith(_HUB):
        return Corpus(name, [], demo_cache)
    return Corpus(name, _files(name), demo_cache)


def _files(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = [file for file in sorted(path.rglob("*")) if file.suffix in _READABLE]
    elif not path.exists() and has_magic(name):
        matches = sorted(glob(name, recursive=True))  # noqa: PTH207 (no folder to start from)
        found = [Path(match) for match in matches if Path(match).is_file()]
    elif path.is_file():
        found = [path]
    else:
        raise CorpusError(f"No file, folder or glob {name}; check the path of CORPUS.")
    if not found:
        kinds = ", ".join(sorted(_READABLE))
        raise CorpusError(f"Nothing to read in {name}; CORPUS wants files ending in {kinds}.")
    return found


def _file_documents(files: list[Path]) -> Iterator[Document]:
    total = max(1, sum(file.stat().st_size for file in files))
    before = 0
    readers = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}
    for file in files:
        for text, position in readers.get(file.suffix, _text)(file):
            yield Document(text, (before + position) / total)
        before += file.stat().st_size


def _lines(file: Path) -> Iterator[tuple[str, int]]:
    """Decoded lines without their ends, each with the byte offset after it."""
    position = 0
    with file.open("rb") as stream:
        for raw in stream:
            start = 3 if position == 0 and raw.startswith(b"\xef\xbb\xbf") else 0
            try:
                line = raw[start:].decode("utf-8")
            except UnicodeDecodeError as mistake:
                byte = position + start + mistake.start
                raise CorpusError(
                    f"{file} is not UTF-8 at byte {byte} (0x{raw[start + mistake.start]:02x});"
                    " convert it, e.g. with iconv -t UTF-8."
                ) from None
            position += len(raw)
            yield line.rstrip("\r\n"), position


def _text(file: Path) -> Iterator[tuple[str, int]]:
    return ((line, position) for line, position in _lines(file) if line.strip())


def _jsonl(file: Path) -> Iterator[tuple[str, int]]:
    for number, (line, position) in enumerate(_lines(file), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as mistake:
            raise CorpusError(f"{file}, line {number} is not JSON ({mistake.msg}).") from None
        if not isinstance(row, dict) or not isinstance(row.get(_COLUMN), str):
            raise CorpusError(f'{file}, line {number} has no string "{_COLUMN}".')
        if not row[_COLUMN].isascii() and any(0xD800 <= ord(c) < 0xE000 for c in row[_COLUMN]):
            raise CorpusError(f"{file}, line {number} holds half a surrogate pair; mend the file.")
        yield row[_COLUMN], position


def _csv(file: Path) -> Iterator[tuple[str, int]]:
    position = 0

    def counted() -> Iterator[str]:
        nonlocal position
        for line, after in _lines(file):
            position = after
            yield line + "\n"

    csv.field_size_limit(2**31 - 1)  # a document may be long
    rows = csv.DictReader(counted())
    if _COLUMN not in (rows.fieldnames or []):
        raise CorpusError(f'{file} has no column "{_COLUMN}"; its header is {rows.fieldnames}.')
    for row in rows:
        if row[_COLUMN]:
            yield row[_COLUMN], position


def _parquet(file: Path) -> Iterator[tuple[str, int]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
    except pa.ArrowInvalid as mistake:
        raise CorpusError(f"{file} is not a Parquet file ({mistake}).") from None
    if _COLUMN not in table.schema_arrow.names:
        raise CorpusError(f'{file} has no column "{_COLUMN}"; it has {table.schema_arrow.names}.')
    rows, size = max(1, table.metadata.num_rows), file.stat().st_size
    read = 0
    for batch in table.iter_batches(columns=[_COLUMN]):
        for text in batch.column(0).to_pylist():
            read += 1
            if text:
                yield text, size * read // rows


def _hub_documents(name: str) -> Iterator[Document]:
    from datasets import load_dataset

    dataset, config, split = [*name.split(":"), "", ""][:3]
    try:
        rows = load_dataset(dataset, config or None, split=split or "train", streaming=True)
    except (OSError, ValueError) as mistake:
        raise CorpusError(f"hf:{name} cannot be read: {mistake}") from None
    for row in rows:
        if not isinstance(row.get(_COLUMN), str):
            raise CorpusError(f'hf:{name} has no text column "{_COLUMN}"; it has {sorted(row)}.')
        yield Document(row[_COLUMN], 0.0)


def _demo_documents(cache: Path) -> Iterator[Document]:
    from mining.demo.corpus import read_sentences

    sentences = read_sentences(Path(os.environ.get("KEYHOLE_CACHE", cache)))
    for number, text in enumerate(sentences, start=1):
        yield Document(text, number / len(sentences))
