"""The demo corpus: distinct English sentences from this installation, cached, in a fixed order.

Sentences are ordered by the hash of their text, not by where they were found. The first n are
therefore a fair sample of all, and the held-out share, the last by hash, stays the same sentences
when a package is added or a version changes.
"""

import hashlib
import os
import re
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from mining.demo import docstrings, prose

HELD_OUT_SHARE = 0.05
_TEMPLATE = re.compile(r"\b\w*(?:[A-Z_\d]\w*|\w\.\w)\w*\b")


def read_sentences(cache: Path) -> list[str]:
    """The corpus in its fixed order, extracted on first use and cached in `cache`.

    The cache's name carries a hash of what it was made from: other packages, another cache.
    """
    files = docstrings.source_files()
    cached = cache / f"demo-corpus-{_fingerprint(files)}.txt"
    if not cached.exists():
        found = extract(files)
        cache.mkdir(parents=True, exist_ok=True)
        partial = cached.with_suffix(f".{os.getpid()}.partial")
        partial.write_text("\n".join(found) + "\n", encoding="utf-8")
        partial.replace(cached)
    return cached.read_text(encoding="utf-8").splitlines()


def extract(files: list[Path]) -> list[str]:
    """All distinct sentences of these files and of Python's reference topics, in order of hash."""
    groups = [files[start : start + 64] for start in range(0, len(files), 64)]
    with ProcessPoolExecutor() as pool:
        batches = list(pool.map(_sentences_of_files, groups))
    batches.append([s for topic in docstrings.reference_topics() for s in prose.sentences(topic)])
    distinct: dict[str, str] = {}
    for batch in batches:
        for sentence in batch:
            # "Constructs a BertModel." and "Constructs a GptModel." are one template: keep one.
            distinct.setdefault(_TEMPLATE.sub("*", sentence[1:]), sentence)
    return sorted(distinct.values(), key=digest)


def split_held_out(sentences: list[str]) -> tuple[list[str], list[str]]:
    """(training sentences, held-out sentences), told apart by the text of each alone."""
    boundary = format(int((1 - HELD_OUT_SHARE) * 2**32), "08x")
    training = [sentence for sentence in sentences if digest(sentence) < boundary]
    return training, sentences[len(training) :]


def digest(sentence: str) -> str:
    """SHA-256 of the sentence's UTF-8 text, in hexadecimal: the corpus's order."""
    return hashlib.sha256(sentence.encode()).hexdigest()


def _sentences_of_files(files: list[Path]) -> list[str]:
    return [
        sentence
        for path in files
        for docstring in docstrings.docstrings(path)
        for sentence in prose.sentences(docstring)
    ]


def _fingerprint(files: list[Path]) -> str:
    made_from = "\n".join(f"{path.name} {path.stat().st_size}" for path in files)
    rules = Path(prose.__file__).read_bytes() + Path(docstrings.__file__).read_bytes()
    return hashlib.sha256(made_from.encode() + rules + Path(__file__).read_bytes()).hexdigest()[:16]
