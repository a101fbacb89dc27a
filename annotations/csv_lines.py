"""Lines of CSV files that somebody may have edited; what is no CSV is refused with its line."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from mining.errors import DatasetError


def csv_lines(path: Path, *, marked: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The header (empty for an empty file), then every row, each with the line where it ends.

    Blank lines are passed over; with `marked` so is a byte-order mark, which spreadsheet programs
    add. Raises DatasetError for what is not UTF-8, not CSV, or has another number of cells than
    the header.
    """
    csv.field_size_limit(sys.maxsize)  # the module's own limit is shorter than a sentence may be
    try:
        with path.open(encoding="utf-8-sig" if marked else "utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            yield reader.line_num, header
            for cells in reader:
                if not cells:  # as editors leave at the end
                    continue
                if len(cells) != len(header):
                    raise DatasetError(
                        f"{path}, line {reader.line_num}: {len(cells)} cells under "
                        f"{len(header)} column names."
                    )
                yield reader.line_num, cells
    except csv.Error as mistake:
        raise DatasetError(f"{path}, line {reader.line_num} is not CSV: {mistake}.") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{path}, line {_undecodable(path)} is not UTF-8; save it so.") from None


def _undecodable(path: Path) -> int:
    """The first line that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    raise AssertionError(f"{path} is UTF-8")
