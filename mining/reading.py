"""A corpus as windows of sentences that a model can read whole: tokenized, cut to its context.

A sentence longer than the context is split at the limit; each part is a sentence of its own from
then on. What was read is counted as it goes, so that a reading can be taken up again at a window.
"""

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice

import numpy as np
import numpy.typing as npt
import torch

from mining.corpus import Corpus, Sentence
from mining.errors import CorpusError
from mining.models import LoadedModel

WINDOW = 16_384  # sentences sorted together; more saves padding, costs memory
GPU_WINDOW = 65_536  # a GPU's batches hold more sentences, which must be near in length, too
_AT_ONCE = 1_024  # texts tokenized; what the tokenizer makes of each is many times its ids
_HEAD = 8  # characters of a long sentence tokenized at first, as a multiple of the context


@dataclass(frozen=True)
class Counts:
    """How much of a corpus has been read. `read` counts the corpus's own sentences."""

    read: int = 0
    sentences: int = 0  # as mined: what was split counts once a part
    tokens: int = 0
    empty: int = 0
    split: int = 0
    special: int = 0  # tokens of the text that are special, and so never triggers

    def skipped(self, corpus: Corpus) -> dict[str, int]:
        """The manifest's account of what was left out or cut."""
        return {
            "empty_sentences": self.empty,
            "sentences_split": self.split,
            "special_token_positions": self.special,
            **corpus.skipped,
        }


@dataclass(frozen=True)
class Window:
    """Some thousand sentences in corpus order, with their token ids."""

    sentences: list[Sentence]
    length_S: npt.NDArray[np.int64]  # tokens of each sentence
    ids_N: npt.NDArray[np.int64]  # all their tokens, one sentence after the other
    special_N: npt.NDArray[np.bool_]
    before: Counts  # what had been read when this window began
    digest_before: str
    expected_tokens: int  # of the whole corpus, an estimate that ends exact; 0: not known
    number: int = 0  # of the corpus's windows


@dataclass
class Reading:
    """One reading of a corpus, window by window; complete once `windows` is exhausted."""

    corpus: Corpus
    loaded: LoadedModel
    max_sentences: int | None = None
    window: int = 0  # sentences of each; 0: by device
    first_window: int = 0  # the number of the corpus's window that this reading begins with
    counts: Counts = field(default_factory=Counts)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)  # of the corpus's sentences

    def __post_init__(self) -> None:
        self.window = self.window or window_of(self.loaded.device)

    def windows(self, start: Counts | None = None, digest: str | None = None) -> Iterator[Window]:
        """All windows, or those after `start`; CorpusError if what lies before is not as it was."""
        sentences = iter(self.corpus)
        if start is not None:
            for sentence in islice(sentences, start.read):
                self.digest.update(sentence.text.encode() + b"\n")
            if self.digest.hexdigest() != digest:
                raise CorpusError(
                    f"{self.corpus.name} is not what this run began with: its first {start.read:,}"
                    " sentences differ. Mine it into a new folder."
                )
            self.counts = start
        while window := self._next(sentences):
            yield window

    @property
    def end_window(self) -> int:
        """The number of the window after the last one read."""
        return self.first_window + -(-self.counts.read // self.window)

    def again(self) -> "Reading":
        """The same reading, not begun."""
        return replace(self, counts=Counts(), digest=hashlib.sha256())

    def _next(self, sentences: Iterator[Sentence]) -> Window | None:
        room = self.window
        if self.max_sentences is not None:
            room = min(room, self.max_sentences - self.counts.read)
        read = list(islice(sentences, room))
        if not read:
            return None
        before, digest_before, number = self.counts, self.digest.hexdigest(), self.end_window
        for sentence in read:
            self.digest.update(sentence.text.encode() + b"\n")
        texts, token_ids, owners = fit(self.loaded, [sentence.text for sentence in read])
        numbered = [
            Sentence(before.sentences + n, read[owner].document_id, text)
            for n, (text, owner) in enumerate(zip(texts, owners, strict=True))
        ]
        length_S = np.array([len(ids) for ids in token_ids], dtype=np.int64)
        ids_N = np.fromiter(chain.from_iterable(token_ids), np.int64, count=int(length_S.sum()))
        special_N = np.isin(ids_N, self.loaded.tokenizer.all_special_ids)
        self.counts = Counts(
            read=before.read + len(read),
            sentences=before.sentences + len(texts),
            tokens=before.tokens + len(ids_N),
            empty=before.empty + int((length_S == 0).sum()),
            split=before.split + int((np.bincount(owners) > 1).sum()),
            special=before.special + int(special_N.sum()),
        )
        return Window(
            numbered, length_S, ids_N, special_N, before, digest_before, self._expected(), number
        )

    def _expected(self) -> int:
        of_limit = self.counts.read / self.max_sentences if self.max_sentences else 0.0
        share = max(self.corpus.share_read, of_limit)
        return round(self.counts.tokens / share) if share else 0


def window_of(device: torch.device) -> int:
    """Sentences of a window, by what the model runs on."""
    return WINDOW if device.type == "cpu" else GPU_WINDOW


def tokenize(loaded: LoadedModel, texts: list[str]) -> list["array[int]"]:
    """Each text's own token ids, without the special tokens a tokenizer would put around it."""
    encode = loaded.tokenizer.backend_tokenizer.encode_batch_fast
    blocks = [texts[start : start + _AT_ONCE] for start in range(0, len(texts), _AT_ONCE)]
    # Packed: a list's numbers would be objects of 28 bytes each.
    return [
        array("q", one.ids) for block in blocks for one in encode(block, add_special_tokens=False)
    ]


def fit(loaded: LoadedModel, texts: list[str]) -> tuple[list[str], list["array[int]"], list[int]]:
    """Texts that fit the model's context, their token ids, and which text each one is part of."""
    longest = _HEAD * loaded.room
    encoded = iter(tokenize(loaded, [text for text in texts if len(text) <= longest]))
    parts, token_ids, owners = [], [], []
    for owner, text in enumerate(texts):
        whole = next(encoded) if len(text) <= longest else None
        if whole is not None and len(whole) <= loaded.room:
            parts.append(text)
            token_ids.append(whole)
            owners.append(owner)
            continue
        for part, ids in _split(loaded, text):
            parts.append(part)
            token_ids.append(ids)
            owners.append(owner)
    return parts, token_ids, owners


def _split(loaded: LoadedModel, text: str) -> Iterator[tuple[str, "array[int]"]]:
    """A sentence in parts of as many tokens as the model reads at once."""
    start = 0
    while start < len(text):
        characters = _HEAD * loaded.room
        part = text[start : start + characters].rstrip()
        while len(ids := tokenize(loaded, [part])[0]) <= loaded.room and start + characters < len(
            text
        ):
            characters *= 2
            part = text[start : start + characters].rstrip()
        while len(ids) > loaded.room:
            part = part[: _cut(loaded, part)].rstrip()
            ids = tokenize(loaded, [part])[0]
        yield part, ids
        start += len(part)
        while start < len(text) and text[start].isspace():
            start += 1


def _cut(loaded: LoadedModel, text: str) -> int:
    """Characters that the first tokens cover, as many as fit, ending between two characters."""
    offsets = loaded.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).offsets
    for last in range(loaded.room, 0, -1):
        end = int(offsets[last - 1][1])
        if 0 < end < len(text) and offsets[last][0] >= end:
            return end
    if len(text) == 1:
        raise CorpusError(
            f"The context of {loaded.name}, {loaded.room} tokens, is too short for one character"
            f" of the corpus ({text!r}); choose another model."
        )
    return len(text) // 2  # pieces of unknown characters may all point at the whole run of them
