"""Corpus files as tests write them, and what mining reads from them."""

from pathlib import Path

import pyarrow as pa

from mining.corpus import open_corpus

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
