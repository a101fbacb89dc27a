"""A script that stands in for the process that holds a model, and what tests ask of it."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from app.probing import Prober

PATIENCE = 60.0  # seconds; a busy machine is slow to start a process

# Takes a folder for the run. Files in it say how it behaves: `wait` (until it is gone, before it
# is ready), `refuse`, `crash`, `chatter`, `deaf`. It writes its process id to `started`.
SCRIPT = """
import json, os, sys, time
from pathlib import Path

run = Path(sys.argv[1])
with (run / "started").open("a") as started:
    started.write(f"{os.getpid()}\\n")
def say(**message):
    print(json.dumps(message), flush=True)
while (run / "wait").exists():
    time.sleep(0.01)
if (run / "refuse").exists():
    say(error="The model is not there.")
    sys.exit(2)
if (run / "crash").exists():
    sys.exit("Traceback: of many lines\\nMemoryError: it is too large\\n")
if (run / "chatter").exists():
    print("Loading weights: 100 %", flush=True)
if (run / "shut").exists():
    os.close(0)
say(ready=True)
held = None
while (run / "deaf").exists():
    time.sleep(0.01)
for line in sys.stdin:
    asked = json.loads(line)
    text = asked["text"]
    if text == "die":
        os.kill(os.getpid(), 9)
    elif text == "nothing":
        continue
    elif text == "arguments":
        say(id=asked["id"], error=" ".join(sys.argv[2:]))
    elif text == "hold":
        held = asked["id"]
    else:
        ends = list(range(1, len(text) + 1))
        numbers = [asked["layer"] + asked["key"] / 1000] * len(text)
        say(id=asked["id"], token_ends=ends, coefficients=numbers, ranked=[True] * len(text),
            yardstick=1.5 if asked["key"] else None)
        if held is not None:
            say(id=held, token_ends=[], coefficients=[], ranked=[], yardstick=None)
            held = None
"""


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def ready(prober: Prober) -> Prober:
    prober.start()
    wait_for(lambda: prober.state() != "loading")
    assert prober.state() == "ready", prober.failure
    return prober


def processes(run: Path) -> list[int]:
    file = run / "started"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
