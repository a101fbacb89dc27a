"""The tables of a dataset that hold what the database holds, some keys at a time.

No more of them is in memory at once than a block of keys, and the columns of all of them that
statistics are computed from.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import pandas as pd
from sqlmodel import Session

from annotations.frame_columns import COLUMNS
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

    def __len__(self) -> int:
        """How many blocks a table has, but for `annotators`, which has one."""
        return max(len(self._ranges), 1)

    def blocks(self, name: str) -> Iterator[pd.DataFrame]:
        """The rows of one table in the dataset's order; together they have all of its columns."""
        how = (name, self._asked, self._ranges)
        for frame in frame_blocks(*how, session=self._session, called=self._shown):
            if name in _READ:
                smaller = {column: kind for column, kind in _SMALLER.items() if column in frame}
                self._kept[name].append(frame[_READ[name]].astype(smaller))
            yield frame

    def for_statistics(self) -> dict[str, pd.DataFrame]:
        """What statistics read of the tables, all of which were read to their ends; given once."""
        assert set(_READ) == self._kept.keys(), "statistics need every table"
        return {name: pd.concat(self._kept.pop(name), ignore_index=True) for name in _READ}


assert _READ.keys() < COLUMNS.keys()
