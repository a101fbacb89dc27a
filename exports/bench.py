"""How long a large dataset takes to write, beside pandas: a JSON line (`python -m exports.bench`).

The same frames are written by the dataset's own writer and by `DataFrame.to_csv`, in turn, since
the machine may be shared; the sums that the manifest needs are counted in. Memory is what the
process's peak grows by while each of them writes. Statistics and agreement are not part of it.
"""

import hashlib
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import typer

from annotations.frames import COLUMNS
from exports.csv_files import csv_header, csv_rows
from exports.folders import new_files
from mining.command_line import new_app, run

TICKS = 1_000_000
ROUNDS = 5
_PATTERNS, _TICKS_A_PATTERN, _PREFIXES = 2, 5, 25  # a key

app = new_app("Measure how long a large dataset takes to write; a JSON line each.")


def frames_of(ticks: int) -> dict[str, pd.DataFrame]:
    """Frames with so many ticks, as `dataset_frames` would give them: seeded, two annotators."""
    keys = max(ticks // (2 * _PATTERNS * _TICKS_A_PATTERN), 1)
    number = np.arange(keys)
    place = pd.DataFrame({"layer": number // 4096, "key": number % 4096})
    shares = np.random.default_rng(0).random(keys)
    words = "the key of a feed forward layer fires on text = that holds, this word".split()
    text = [" ".join(words[i % 7 :] + words[: i % 7]) + f" {i}" for i in range(keys)]
    rank = _repeated(place, _PREFIXES, "rank").assign(
        coefficient=np.random.default_rng(1).random(keys * _PREFIXES) * 30,
        prefix=np.repeat(text, _PREFIXES), next_token=" next",
        sentence_id=np.arange(keys * _PREFIXES), position=14, token_ends="3 7 10 12 17",
    )  # fmt: skip
    answers = place.merge(pd.DataFrame({"annotator": ["annotator-1", "annotator-2"]}), how="cross")
    patterns = _repeated(answers, _PATTERNS, "pattern")
    return _typed(
        {
            "keys": place.assign(run="bench", model="bench", active_share=shares),
            "prefixes": rank,
            "submissions": answers.assign(
                status="submitted", submitted_at=pd.Timestamp("2026-03-01T09:30:00.125Z"),
                seconds=shares.repeat(2) * 100, guideline_version="1",
            ),
            "patterns": patterns.assign(type="shallow", description='ends with "word"'),
            "labels": _repeated(patterns, _TICKS_A_PATTERN, "rank"),
        }
    )  # fmt: skip


def _repeated(frame: pd.DataFrame, times: int, column: str) -> pd.DataFrame:
    longer = frame.loc[frame.index.repeat(times)].reset_index(drop=True)
    return longer.assign(**{column: np.tile(np.arange(1, times + 1), len(frame))})


def _typed(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {
        name: frame[list(COLUMNS[name])].astype(COLUMNS[name]) for name, frame in frames.items()
    }


def _ours(frames: Mapping[str, pd.DataFrame], folder: Path) -> None:
    with new_files(folder) as create:
        for name, frame in frames.items():
            digest = hashlib.sha256()
            with create(f"{name}.csv") as file:
                for block in chain([csv_header(f"{name}.csv")], csv_rows(f"{name}.csv", frame)):
                    digest.update(block)
                    file.write(block)


def _pandas(frames: Mapping[str, pd.DataFrame], folder: Path) -> None:
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\r\n")


@app.command()
def bench(
    ticks: int = typer.Option(TICKS, help="Rows of labels.csv"),
    rounds: int = typer.Option(ROUNDS, help="Pairs of runs that the ratio is the median of"),
) -> None:
    """Write a dataset's label files, and write them with pandas."""
    frames = frames_of(ticks)
    spent: dict[str, list[float]] = {"ours": [], "pandas": []}
    grown: dict[str, list[int | None]] = {"ours": [], "pandas": []}
    works: dict[str, Callable[[Mapping[str, pd.DataFrame], Path], None]]
    works = {"ours": _ours, "pandas": _pandas}
    for _ in range(rounds):
        for name, work in works.items():
            with tempfile.TemporaryDirectory() as folder:
                before = _memory(reset=True)
                started = time.perf_counter()
                work(frames, Path(folder))
                spent[name].append(time.perf_counter() - started)
                after = _memory()
                grown[name].append(None if before is None or after is None else after - before)
    ratios = sorted(one / other for one, other in zip(*spent.values(), strict=True))
    figures = {
        "benchmark": "dataset-write",
        "beside": "DataFrame.to_csv of the same frames",
        "ratio": round(statistics.median(ratios), 2),
        "spread": [round(ratios[len(ratios) // 4], 2), round(ratios[-len(ratios) // 4], 2)],
        "seconds": round(statistics.median(spent["ours"]), 2),
        "peak_mib": _most(grown["ours"]),
        "peak_mib_beside": _most(grown["pandas"]),
        "rows": {name: len(frame) for name, frame in frames.items()},
        "rounds": rounds, "pandas": pd.__version__,
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip
    typer.echo(json.dumps(figures))


def _most(grown: list[int | None]) -> int | None:
    return max((mib for mib in grown if mib is not None), default=None)


def _memory(*, reset: bool = False) -> int | None:
    """The process's peak memory in MiB since the last reset; None where Linux does not tell."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    run(app, "python -m exports.bench")
