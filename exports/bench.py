"""How long a large dataset takes, beside pandas: JSON lines (`python -m exports.bench`).

First the same frames are written by the dataset's own writer and by `DataFrame.to_csv`, in turn,
since the machine may be shared; the sums that the manifest needs are counted in. Then whole exports
out of a database, statistics and agreement included, in a process of their own each, in turn with
`DataFrame.to_csv` of the same tables. A ratio is the median over rounds, its spread the quartiles.
Memory is what the process's peak grows by.
"""

import hashlib
import json
import multiprocessing
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import chain
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import typer

from annotations.database import make_engine, session
from annotations.frame_columns import COLUMNS
from annotations.frames import dataset_frames
from exports.bench_labels import fill
from exports.csv_files import csv_header, csv_rows
from exports.dataset import write_dataset
from exports.folders import new_files
from mining.command_line import new_app, run

TICKS = 1_000_000
ROUNDS = 5
BAR = 2.5  # times as long as pandas, at the most
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
    """Write a dataset's label files, and whole datasets, beside pandas."""
    _writer(ticks, rounds)
    for number in (ticks // 10, ticks):
        _whole(number, rounds)


def _writer(ticks: int, rounds: int) -> None:
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
    figures = {
        "benchmark": "dataset-write",
        "beside": "DataFrame.to_csv of the same frames",
        **_ratio(spent["ours"], spent["pandas"]),
        "seconds": round(statistics.median(spent["ours"]), 2),
        "peak_mib": _most(grown["ours"]),
        "peak_mib_beside": _most(grown["pandas"]),
        "rows": {name: len(frame) for name, frame in frames.items()},
        "rounds": rounds,
    }  # fmt: skip
    _print(figures, ticks)


def _whole(ticks: int, rounds: int) -> None:
    """Export a database, and write the tables that come out of it with pandas."""
    told: list[dict[str, Any]] = []
    beside: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "bench.db")
        fill(database, ticks)
        engine = make_engine(f"sqlite:///{database}")
        with session(engine, read_only=True) as opened:
            frames = dataset_frames(session=opened, run_id=1)
        engine.dispose()
        for _ in range(rounds):
            told.append(_exported(database, Path(folder, "data")))
            started = time.perf_counter()
            _pandas(frames, Path(folder))
            beside.append(time.perf_counter() - started)
    whole = [one["seconds"] for one in told]
    tables = [sum(one["stages"].get(name, 0.0) for name in frames) for one in told]
    middle = told[whole.index(statistics.median_low(whole))]
    _print(
        {
            "benchmark": "dataset-whole",
            "beside": "DataFrame.to_csv of the same tables of labels, in memory already",
            **_ratio(whole, beside),
            "ratio_of_tables": _ratio(tables, beside)["ratio"],
            "seconds": round(middle["seconds"], 2),
            "seconds_beside": round(statistics.median(beside), 2),
            "peak_mib": _most([one["peak_mib"] for one in told]),
            "stages": {stage: round(spent, 2) for stage, spent in middle["stages"].items()},
            "rows": {name: len(frame) for name, frame in frames.items()},
            "rounds": rounds,
        },
        ticks,
    )


def _exported(database: Path, out: Path) -> dict[str, Any]:
    """What `_export` tells of a process of its own."""
    context = multiprocessing.get_context("spawn")
    told: SimpleQueue[dict[str, Any]] = context.SimpleQueue()
    child = context.Process(target=_export, args=(database, out, told))
    child.start()
    figures = told.get()
    child.join()
    return figures


def _export(database: Path, out: Path, told: "SimpleQueue[dict[str, Any]]") -> None:
    """Export, and tell how long each stage took and what memory it needed."""
    engine = make_engine(f"sqlite:///{database}")
    began: list[tuple[str, float]] = []

    def progress(stage: str, *_: int | None) -> None:
        if not began or began[-1][0] != stage:
            began.append((stage, time.perf_counter()))

    before = _memory(reset=True)
    started = time.perf_counter()
    with session(engine, read_only=True) as opened:
        write_dataset(out, session=opened, run_id=1, progress=progress)
    ended = time.perf_counter()
    after = _memory()
    ends = [moment for _, moment in began[1:]] + [ended]
    told.put(
        {
            "seconds": ended - started,
            "peak_mib": None if before is None or after is None else after - before,
            "stages": {stage: end - start for (stage, start), end in zip(began, ends, strict=True)},
        }
    )


def _ratio(ours: list[float], beside: list[float]) -> dict[str, Any]:
    ratios = sorted(one / other for one, other in zip(ours, beside, strict=True))
    return {
        "ratio": round(statistics.median(ratios), 2),
        "spread": [round(ratios[len(ratios) // 4], 2), round(ratios[-len(ratios) // 4], 2)],
    }


def _print(figures: dict[str, Any], ticks: int) -> None:
    about = {
        "bar": BAR if ticks >= TICKS else None,  # with few, the rounds of statistics stand out
        "pandas": pd.__version__, "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip
    typer.echo(json.dumps(figures | about))


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
