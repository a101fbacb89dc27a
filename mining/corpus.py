"""Text in, sentences out, in order: which files a corpus is, its documents and their sentences.

Documents are split into sentences by rules (sentencex), without a model. Reading is streamed: a
corpus never has to fit in memory, and can be read twice. Formats are the business of documents.py.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from stat import S_ISREG

from sentencex import segment

from mining.documents import READERS, SKIPPED, file_documents, hub_documents, kind
from mining.errors import CorpusError

DEMO = "demo"
_HUB = "hf:"

# sentencex needs time in the square of a document's length, or worse, where there are no spaces or
# many quotes, and an apostrophe finds its partner any distance away and keeps all between in one
# sentence. So it is shown this many characters at a time (documents up to that are shown whole),
# and what it finds in the last of them is looked at again together with what follows.
_AT_ONCE, _UNSETTLED = 10_000, 1_000
# sentencex 1.0.32 panics (a BaseException, and a backtrace on the screen) at a capital letter, a
# space outside ASCII and a full stop, as in "vitamin C\u00a0."
_PANICS = re.compile(r"(?<=[A-Z])(\s*)[^\S\x00-\x7f](?=\.)")


@dataclass(frozen=True, slots=True)
class Document:
    """A text. Ids count from 0 in corpus order."""

    document_id: int
    text: str
    share_read: float  # of the corpus, when this document ended: 0 to 1; 0 throughout: not known


@dataclass(frozen=True, slots=True)
class Sentence:
    """One context. Ids count from 0 in corpus order."""

    sentence_id: int
    document_id: int
    text: str


class Corpus:
    """Documents and sentences in a fixed order, from files, a hub dataset or the bundled demo."""

    def __init__(
        self, name: str, files: list[Path], demo_cache: Path, text_column: str = "text"
    ) -> None:
        self.name = name
        self.text_column = text_column
        self.whole_documents = name == DEMO  # each is a sentence already
        self.share_read = 0.0  # of the reading in progress; an estimate from bytes for files
        self.skipped = dict.fromkeys(SKIPPED, 0)  # counts of the reading in progress
        self._files = files
        self._demo_cache = demo_cache

    def __iter__(self) -> Iterator[Sentence]:
        sentence_id = 0
        for document in self.documents():
            for text in sentences_of(document.text, whole=self.whole_documents):
                yield Sentence(sentence_id, document.document_id, text)
                sentence_id += 1

    def documents(self) -> Iterator[Document]:
        """Begin a reading: every document that is not blank. CorpusError if it cannot go on."""
        self.share_read = 0.0
        self.skipped = dict.fromkeys(SKIPPED, 0)  # a new one: an earlier reading keeps its counts
        return self._reading(self.skipped)

    def _reading(self, skipped: dict[str, int]) -> Iterator[Document]:
        document_id = 0
        for text, share_read in self._texts(skipped):
            self.share_read = share_read
            if "\0" in text:  # binary data, or a file a crash left unwritten in part
                skipped["documents_with_nul"] += 1
            elif text and not text.isspace():
                yield Document(document_id, text, share_read)
                document_id += 1

    def _texts(self, skipped: dict[str, int]) -> Iterator[tuple[str, float]]:
        if self.name == DEMO:
            return _demo_documents(self._demo_cache)
        if self.name.startswith(_HUB):
            return hub_documents(self.name.removeprefix(_HUB), self.text_column, skipped)
        return file_documents(self._files, self.text_column, skipped)


def open_corpus(
    name: str, text_column: str = "text", demo_cache: Path = Path("data/cache")
) -> Corpus:
    """Open a corpus: a file, folder or glob, `hf:NAME[:CONFIG[:SPLIT]]`, or `demo`.

    `text_column` is where JSONL, CSV, Parquet and hub rows have their text. Raises CorpusError if
    there is nothing to read, or a file that may not be read. `demo_cache` keeps the extracted demo.
    """
    if name == DEMO or name.startswith(_HUB):
        return Corpus(name, [], demo_cache, text_column)
    try:
        files = _files(name)
        for file in files:
            if not S_ISREG(file.stat().st_mode):
                raise CorpusError(
                    f"{file} is a pipe, socket or device; a corpus is read twice: save it first."
                )
            file.open("rb").close()  # better refused now than after hours of mining
    except OSError as mistake:
        place = mistake.filename or name
        raise CorpusError(f"{place} cannot be read: {mistake.strerror or mistake}.") from None
    return Corpus(name, files, demo_cache, text_column)


def sentences_of(document: str, *, whole: bool) -> list[str]:
    """A document's sentences, stripped, none empty; `whole`: the document is one sentence."""
    pieces = [document] if whole else _pieces(document)
    return [text for piece in pieces if (text := piece.strip())]


def _pieces(document: str) -> Iterator[str]:
    begins = 0
    for end in _ends(document):
        yield document[begins:end]
        begins = end


def _ends(document: str) -> Iterator[int]:
    """Where sentences end; in a document of up to _AT_ONCE characters, where sentencex says."""
    start = 0
    while len(document) - start > _AT_ONCE:
        ends = _ends_at_once(document[start : start + _AT_ONCE])[:-1]
        settled = [end for end in ends if end <= _AT_ONCE - _UNSETTLED] or ends
        yield from (start + end for end in settled)
        limit = start + _AT_ONCE - _UNSETTLED
        start = start + settled[-1] if settled else document.rfind(" ", start, limit) + 1 or limit
    yield from (start + end for end in _ends_at_once(document[start:]))


def _ends_at_once(text: str) -> list[int]:
    shown = text if text.isascii() else _PANICS.sub(r"\1 ", text)
    ends, end = [], 0
    for piece in segment("en", shown):
        end = shown.index(piece, end) + len(piece)
        ends.append(end)
    return ends


def _files(name: str) -> list[Path]:
    path = Path(name)
    if not name:
        raise CorpusError("CORPUS is empty; give a file, a folder, a glob, hf:NAME or demo.")
    if path.is_dir():
        found = _below(path)
    elif path.exists():
        found = [path]
    elif has_magic(name):
        found = _matching(name)
    elif path.is_symlink():
        raise CorpusError(f"{name} is a link to nothing; check the path of CORPUS.")
    else:
        raise CorpusError(f"No file, folder or glob {name}; check the path of CORPUS.")
    if not found:
        kinds = ", ".join(READERS)
        raise CorpusError(
            f"Nothing to read in {name}; CORPUS wants files ending in {kinds}, or these with .gz"
            " or .zst."
        )
    return found


def _below(folder: Path) -> list[Path]:
    """Files of a known kind in a folder and its sub-folders, by their path from the folder."""

    def stop(mistake: OSError) -> None:
        raise mistake

    found = []
    for root, folders, names in os.walk(folder, onerror=stop, followlinks=True):
        here = Path(root).resolve()
        for inner in folders:
            if Path(root, inner).is_symlink() and here.is_relative_to(Path(root, inner).resolve()):
                raise CorpusError(f"{Path(root, inner)} is a link back to a folder that holds it.")
        found += [Path(root, one) for one in names if kind(Path(one)) in READERS]
    return sorted(found, key=lambda file: file.relative_to(folder).parts)


def _matching(pattern: str) -> list[Path]:
    """Files that match a glob, in the order of their paths."""
    parts = Path(pattern).parts
    for number, part in enumerate(parts):
        if has_magic(part):  # glob passes in silence over folders that it may not list
            above = Path(*parts[:number])
            searched = f"{above}/**/" if part == "**" else f"{above}/"
            for folder in glob(searched, recursive=True):  # noqa: PTH207 (no folder to start from)
                os.scandir(folder).close()
    matches = sorted(glob(pattern, recursive=True))  # noqa: PTH207
    return [Path(match) for match in matches if not Path(match).is_dir()]


def _demo_documents(cache: Path) -> Iterator[tuple[str, float]]:
    from mining.demo.corpus import read_sentences

    sentences = read_sentences(Path(os.environ.get("KEYHOLE_CACHE", cache)))
    for number, text in enumerate(sentences, start=1):
        yield text, number / len(sentences)
