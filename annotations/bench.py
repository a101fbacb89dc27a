"""How long agreement takes: benchmarks, a JSON line each (`python -m annotations.bench`).

The labels are made up: annotators who see the same patterns and differ over some ticks.
"""

import json
import os
import platform
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import typer

from annotations.agreement_table import agreement_pairs, agreement_table
from annotations.answers import TYPES
from annotations.bench_run import LAYERS, PREFIXES
from mining.command_line import new_app, run

PATTERNS = 4
_MISSED, _STRAY = 0.2, 0.05  # of a pattern's ticks, and of the other prefixes

app = new_app("Measure how long agreement takes; a JSON line each.")


@app.command()
def bench(
    keys: int = typer.Option(160, min=1, help="Keys, over 16 layers"),
    annotators: int = typer.Option(3, min=2, help="Who all answer each key"),
    rounds: int = typer.Option(1000, min=1, help="Bootstrap rounds"),
    repeats: int = typer.Option(3, min=1, help="Runs, of which the fastest counts"),
) -> None:
    """Compute both tables of agreement over made-up labels."""
    frames = made_up(keys, annotators)
    both = [_seconds(frames, rounds) for _ in range(repeats)]
    table, pairs = min(both, key=sum)
    figures = {
        "benchmark": "agreement", "seconds": round(table + pairs, 3),
        "table_seconds": round(table, 3), "pairs_seconds": round(pairs, 3),
        "keys": keys, "annotators": annotators, "prefixes_a_key": PREFIXES, "rounds": rounds,
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        "numpy": np.__version__, "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip
    typer.echo(json.dumps(figures))


def made_up(keys: int, annotators: int) -> dict[str, pd.DataFrame]:
    """A dataset's tables, as far as agreement reads them; the same for the same numbers."""
    random = np.random.default_rng(0)
    places = [(number % LAYERS, number // LAYERS) for number in range(keys)]
    names = [f"annotator {number:02}" for number in range(annotators)]
    patterns: list[tuple[Any, ...]] = []
    labels: list[tuple[Any, ...]] = []
    for place in places:
        seen_GN = random.random((PATTERNS, PREFIXES)) < random.uniform(0.15, 0.5, (PATTERNS, 1))
        for name in names:
            ticked_GN = random.random(seen_GN.shape) < np.where(seen_GN, 1 - _MISSED, _STRAY)
            for number, ticked in enumerate(ticked_GN, start=1):
                patterns.append((*place, name, number, TYPES[number % len(TYPES)]))
                ranks = (np.flatnonzero(ticked) + 1).tolist()
                labels += [(*place, name, number, rank) for rank in ranks]
    key, answer = ["layer", "key"], ["layer", "key", "annotator"]
    prefixes = [(*place, rank) for place in places for rank in range(1, PREFIXES + 1)]
    submissions = [(*place, name, "submitted") for place in places for name in names]
    return {
        "prefixes": pd.DataFrame(prefixes, columns=[*key, "rank"]),
        "annotators": pd.DataFrame({"annotator": names, "kind": "human"}),
        "submissions": pd.DataFrame(submissions, columns=[*answer, "status"]),
        "patterns": pd.DataFrame(patterns, columns=[*answer, "pattern", "type"]),
        "labels": pd.DataFrame(labels, columns=[*answer, "pattern", "rank"]),
    }


def _seconds(frames: Mapping[str, pd.DataFrame], rounds: int) -> tuple[float, float]:
    started = time.perf_counter()
    agreement_table(frames, rounds=rounds)
    between = time.perf_counter()
    agreement_pairs(frames, rounds=rounds)
    return between - started, time.perf_counter() - between


if __name__ == "__main__":
    run(app, "python -m annotations.bench")
