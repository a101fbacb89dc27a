"""The tables of a dataset that hold what the database holds, some keys at a time.

No more of them is in memory at once than a block of keys, and the columns of all of them that
statistics are computed from.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import pandas as pd
from sqlmodel import Session

from annotations.frame_columns import COLUMNS, TICKS, labels_of
from annotations.frames import Asked, frame_blocks, key_ranges

# What statistics and agreement read of each table.
_READ = {
    "prefixes": ["layer", "key", "rank"],
    "annotators": ["annotator", "kind"],
    "submissions": ["layer", "key", "annotator", "status", "seconds"],
    "patterns": ["layer", "key", "annotator", "pattern", "type"],
    "labels": ["layer", "key", "annotator", "pattern", "rank"],
}
_SMALLER = {"layer": "int32", "key": "int32", "pattern": "int32", "rank": "int32"}


class LabelTables:
    """Reads the tables called in COLUMNS; annotators as `shown` calls them, or by name if None."""

    def __init__(self, asked: Asked, shown: Mapping[str, str] | None, *, session: Session) -> None:
        self._asked = asked
        self._shown = shown
        self._session = session
        self._ranges = key_ranges(asked, session=session)
        self._kept: dict[str, list[pd.DataFrame]] = defaultdict(list)
        self._ticked: list[pd.DataFrame] = []  # patterns by their place, with ticks

    def __len__(self) -> int:
        """How many blocks a table has, but for `annotators`, which has one."""
        return max(len(self._ranges), 1)

    def blocks(self, name: str) -> Iterator[pd.DataFrame]:
        """The rows of one table in the dataset's order; together they have all of its columns.

        `labels` come after `patterns`, with which their ticks were read.
        """
        for frame in self._labels() if name == "labels" else self._read(name):
            if name in _READ:
                self._kept[name].append(_smaller(frame[_READ[name]]))
            yield frame

    def _read(self, name: str) -> Iterator[pd.DataFrame]:
        how = (name, self._asked, self._ranges)
        for frame in frame_blocks(*how, session=self._session, called=self._shown):
            if name == "patterns":
                self._ticked.append(_smaller(frame.drop(columns=["type", "description"])))
            yield frame.drop(columns=TICKS, errors="ignore")

    def _labels(self) -> Iterator[pd.DataFrame]:
        assert self._ticked, "labels are read with patterns"
        while self._ticked:
            yield labels_of(self._ticked.pop(0))

    def for_statistics(self) -> dict[str, pd.DataFrame]:
        """What statistics read of the tables, all of which were read to their ends; given once."""
        assert set(_READ) == self._kept.keys(), "statistics need every table"
        return {name: pd.concat(self._kept.pop(name), ignore_index=True) for name in _READ}


def _smaller(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({column: kind for column, kind in _SMALLER.items() if column in frame})


assert _READ.keys() < COLUMNS.keys()
