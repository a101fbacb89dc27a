"""The sentences that hold a place, packed: a text and eight bytes a token, for each of thousands.

Python's own objects would take several times as much, and there can be one for every place of every
key, however long the corpus.
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import compress, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from mining.corpus import Sentence
from mining.run_folder import SCHEMAS


@dataclass(frozen=True)
class ReadSentence:
    """A sentence as the model read it. `token_ends` are character offsets after each token."""

    sentence: Sentence
    token_ids: npt.NDArray[np.int32]
    token_ends: npt.NDArray[np.int32]


class WinningSentences(Mapping[int, ReadSentence]):
    """Sentences by id, added in the order of their ids, and all of them before one is read."""

    def __init__(self) -> None:
        self._sentence_ids, self._document_ids = array("q"), array("q")
        self._texts: list[str] = []
        self._token_ids, self._token_ends = array("i"), array("i")
        self._starts = array("q", [0])  # of each sentence's tokens, and the end of the last one's

    def add(self, read: ReadSentence) -> None:
        """Keep a sentence whose id is higher than all before."""
        assert not self._sentence_ids or read.sentence.sentence_id > self._sentence_ids[-1]
        self._sentence_ids.append(read.sentence.sentence_id)
        self._document_ids.append(read.sentence.document_id)
        self._texts.append(read.sentence.text)
        self._token_ids.frombytes(read.token_ids.tobytes())
        self._token_ends.frombytes(read.token_ends.tobytes())
        self._starts.append(len(self._token_ids))

    def append(self, following: "WinningSentences", offset: int) -> None:
        """Keep others too, whose ids are higher once this has been added to them."""
        ids = np.frombuffer(following._sentence_ids, np.int64) + offset
        assert not (len(self) and len(ids)) or ids[0] > self._sentence_ids[-1]
        starts = np.frombuffer(following._starts, np.int64)[1:] + len(self._token_ids)
        self._sentence_ids.frombytes(ids.tobytes())
        self._document_ids.extend(following._document_ids)
        self._texts += following._texts
        self._token_ids.extend(following._token_ids)
        self._token_ends.extend(following._token_ends)
        self._starts.frombytes(starts.tobytes())

    def only(self, used: Collection[int]) -> "WinningSentences":
        """Those of these ids."""
        stored = self.arrays()
        wanted = np.fromiter(used, np.int64, len(used))
        kept_S = np.isin(stored["sentence_ids"], wanted)
        kept_N = np.repeat(kept_S, stored["tokens"])
        for name in ("sentence_ids", "document_ids", "text_bytes", "tokens"):
            stored[name] = stored[name][kept_S]
        for name in ("token_ids", "token_ends"):
            stored[name] = stored[name][kept_N]
        texts = "".join(compress(self._texts, kept_S.tolist()))
        stored["text"] = np.frombuffer(texts.encode(), np.uint8)
        return WinningSentences.of_arrays(stored)

    def __getitem__(self, sentence_id: int) -> ReadSentence:
        row = bisect_left(self._sentence_ids, sentence_id)
        if row == len(self) or self._sentence_ids[row] != sentence_id:
            raise KeyError(sentence_id)
        tokens = slice(self._starts[row], self._starts[row + 1])
        return ReadSentence(
            Sentence(sentence_id, self._document_ids[row], self._texts[row]),
            _numbers(self._token_ids)[tokens],
            _numbers(self._token_ends)[tokens],
        )

    def __iter__(self) -> Iterator[int]:
        return iter(self._sentence_ids)

    def __len__(self) -> int:
        return len(self._sentence_ids)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """All of them as arrays by name, for `of_arrays`; the texts as UTF-8, one after another."""
        texts = [text.encode() for text in self._texts]
        return {
            "sentence_ids": np.frombuffer(self._sentence_ids, np.int64),
            "document_ids": np.frombuffer(self._document_ids, np.int64),
            "text": np.frombuffer(b"".join(texts), np.uint8),
            "text_bytes": np.array([len(text) for text in texts], np.int64),
            "token_ids": _numbers(self._token_ids),
            "token_ends": _numbers(self._token_ends),
            "tokens": np.diff(np.frombuffer(self._starts, np.int64)),
        }

    @classmethod
    def of_arrays(cls, stored: Mapping[str, npt.NDArray[Any]]) -> "WinningSentences":
        """The sentences of such arrays."""
        kept, text = cls(), stored["text"].tobytes()
        ends = np.cumsum(stored["text_bytes"]).tolist()
        kept._sentence_ids.frombytes(stored["sentence_ids"].tobytes())
        kept._document_ids.frombytes(stored["document_ids"].tobytes())
        kept._texts = [text[start:end].decode() for start, end in pairwise([0, *ends])]
        kept._token_ids.frombytes(stored["token_ids"].tobytes())
        kept._token_ends.frombytes(stored["token_ends"].tobytes())
        kept._starts.frombytes(np.cumsum(stored["tokens"]).tobytes())
        return kept

    def table(self, used: Collection[int]) -> pa.Table:
        """sentences.parquet: those of these ids, in order."""
        starts = pa.array(np.frombuffer(self._starts, dtype=np.int64).astype(np.int32))
        columns = [
            pa.array(np.frombuffer(self._sentence_ids, dtype=np.int64)),
            pa.array(np.frombuffer(self._document_ids, dtype=np.int64)),
            pa.array(self._texts, pa.string()),
            *(
                pa.ListArray.from_arrays(starts, pa.array(_numbers(column)))
                for column in (self._token_ids, self._token_ends)
            ),
        ]
        schema = SCHEMAS["sentences"]
        arrays = [column.cast(field.type) for column, field in zip(columns, schema, strict=True)]
        rows = [row for row, at in enumerate(self._sentence_ids) if at in used]
        return pa.Table.from_arrays(arrays, schema=schema).take(pa.array(rows, pa.int64()))


def _numbers(column: "array[int]") -> npt.NDArray[np.int32]:
    return np.frombuffer(column, dtype=np.int32)
