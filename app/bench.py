"""How long the server takes for a page: benchmarks, a JSON line each (`python -m app.bench`).

Pages are run as the server runs them, by Streamlit's own script runner, without a browser. Ratios
come from interleaved runs, since the machine may be shared.
"""

import json
import logging
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import streamlit
import typer
from streamlit.testing.v1 import AppTest

from annotations.bench_run import PREFIXES
from app.bench_database import ANNOTATORS, ANSWERS, fill
from app.components import grid_script
from mining.command_line import new_app, run

MAIN = Path(__file__).with_name("main.py")
SMALL, LARGE = 160, 65_536  # keys
ROUNDS = 40
_ROOM = 600  # seconds for a page, so that a slow one is measured and not broken off

app = new_app("Measure how long the server takes for a page; a JSON line each.")


def _almost_empty() -> None:
    import streamlit as st

    st.title("A page")
    st.button("A button")


def _tick(key_id: int) -> None:
    """What the server draws after a tick: the grid, which is a fragment of its page."""
    from annotations.tables import DRAFT
    from app import visit
    from app.views import label

    run, person = visit.chosen_run(), visit.chosen_person()
    assert run is not None and person is not None
    visit.choose_key(key_id)
    label.grid(run, person, visit.key_page(key_id), DRAFT)


def _other_page(name: str) -> None:
    """One page alone, as `main` would run it; notes when the first of each element is sent."""
    import time
    from importlib import import_module

    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    from app import sidebar, visit

    started = time.perf_counter()
    sent: dict[str, float] = {}
    context = get_script_run_ctx()
    assert context is not None
    send = context.enqueue

    def noting(message):  # type: ignore[no-untyped-def]
        element = message.delta.new_element.WhichOneof("type") or ""
        sent.setdefault(element, time.perf_counter() - started)
        send(message)

    context.enqueue = noting  # type: ignore[method-assign]

    run, person = visit.chosen_run(), visit.chosen_person()
    assert run is not None and person is not None
    visit.arrive(run, person)
    sidebar.show(run, person)
    import_module(f"app.views.{name}").page()
    st.session_state["sent"] = sent


@app.command()
def bench(
    keys: int = typer.Option(LARGE, help="Keys of the large database"),
    rounds: int = typer.Option(ROUNDS, help="Reruns that each figure is the median of"),
) -> None:
    """Rerun the labelling page beside an almost empty one, on a small and a large database."""
    os.environ[grid_script.SERVED] = "yes"  # as the server does
    logging.disable(logging.WARNING)  # Streamlit warns at length that there is no server
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small.db"), Path(folder, "large.db")
        fill(small, SMALL)
        fill(large, keys)
        empty = AppTest.from_function(_almost_empty, default_timeout=_ROOM)
        whole = AppTest.from_file(str(MAIN), default_timeout=_ROOM)
        again = AppTest.from_file(str(MAIN), default_timeout=_ROOM)
        tick = AppTest.from_function(
            _tick, kwargs={"key_id": ANSWERS + 1}, default_timeout=_ROOM
        )  # the key that the whole page opens
        works = [_on(small, whole), _on(small, tick), _on(large, again)]
        none, page, ticked, large_page = _interleaved([empty.run, *works], rounds)
        _say("label-tick", "an almost empty page", ticked, none)
        _say("label-page", "an almost empty page", page, none)
        _say(f"label-page-{keys}-keys", f"the same with {SMALL} keys", large_page, page)
        _first_contents(large, keys)


def _on(database: Path, page: AppTest) -> Callable[[], object]:
    page.query_params["annotator"] = ANNOTATORS[1]

    def rerun() -> object:
        _use(database)
        return _checked(page.run())

    return rerun


def _first_contents(database: Path, keys: int) -> None:
    """Each page's first content, in a session and a process that have cached nothing of it."""
    _use(database)
    for name in ("label", "keys", "figures", "adjudicate", "team"):
        streamlit.cache_data.clear()
        streamlit.cache_resource.clear()
        page = AppTest.from_function(_other_page, kwargs={"name": name}, default_timeout=_ROOM)
        page.query_params["annotator"] = ANNOTATORS[0]
        started = time.perf_counter()
        _checked(page.run())
        seconds = time.perf_counter() - started
        _print({"benchmark": f"first-content-{name}", "seconds": round(seconds, 3), "keys": keys})
        if name == "figures":  # which goes on computing below its first chart
            sent = page.session_state["sent"]
            first = {
                "title_seconds": round(sent["heading"], 3),
                "figure2_seconds": round(sent["vega_lite_chart"], 3),
            }
            _print({"benchmark": "first-chart-figures", **first, "keys": keys})


def _use(database: Path) -> None:
    # The engine is cached by process, as in a server; here two databases take turns.
    address = f"sqlite:///{database}"
    if os.environ.get("DATABASE_URL") != address:
        os.environ["DATABASE_URL"] = address
        streamlit.cache_data.clear()
        streamlit.cache_resource.clear()


def _checked(page: AppTest) -> AppTest:
    assert not page.exception and not page.error, page.exception or page.error
    return page


def _interleaved(works: list[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Seconds of each work, round by round; the first run of each goes before, unmeasured."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, seconds in zip(works, spent, strict=True):
            work()  # its caches are warm, whatever ran in between
            started = time.perf_counter()
            work()
            seconds.append(time.perf_counter() - started)
    return spent


def _say(name: str, beside: str, ours: list[float], theirs: list[float]) -> None:
    ratios = sorted(one / other for one, other in zip(ours, theirs, strict=True))
    _print(
        {
            "benchmark": name,
            "beside": beside,
            "ratio": round(statistics.median(ours) / statistics.median(theirs), 2),
            "spread": [round(ratios[len(ratios) // 4], 2), round(ratios[-len(ratios) // 4], 2)],
            "milliseconds": round(statistics.median(ours) * 1000, 2),
            "rounds": len(ratios),
        }
    )


def _print(figures: dict[str, Any]) -> None:
    about = {
        "prefixes_a_key": PREFIXES, "annotators": len(ANNOTATORS),
        "hardware": f"{os.cpu_count()} cores, {platform.machine()}",
        "streamlit": streamlit.__version__, "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip
    typer.echo(json.dumps(figures | about))


if __name__ == "__main__":
    run(app, "python -m app.bench")
