"""Probes as JSON lines, for another program to ask: the model is loaded once, then answers.

The first line written is {"ready": true}, or {"error": "one line"} if the model cannot be loaded.
Then each line read is answered by one line written:

    {"id": …, "layer": 0, "key": 7, "text": "…"}
    {"id": …, "token_ends": […], "coefficients": […], "ranked": […], "yardstick": 1.5 or null}
    {"id": …, "error": "one line"}

`ranked` is false at special tokens, which are never triggers; `yardstick` is the coefficient of the
key's last trigger in the run, null if it has none.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, TextIO

from mining.errors import KeyholeError
from mining.run_folder import RunFolder

Say = Callable[[dict[str, Any]], None]


def serve(
    run_folder: Path, questions: Iterable[str], say: Say, model: str | None, device: str
) -> None:
    """Load a run's model, then answer each question until there are no more.

    A KeyholeError while loading is said, then raised; one that a question causes is its answer.
    """
    try:
        run = RunFolder.open(run_folder)
        from mining.probe import Probe, yardstick  # takes seconds, for torch

        probe = Probe.of_run(run, model, device)
    except KeyholeError as mistake:
        say({"error": _one_line(mistake)})
        raise
    say({"ready": True})
    least = cache(partial(yardstick, run))
    for line in questions:
        about: dict[str, Any] = {"id": None}
        try:
            question = _question(line)
            about["id"] = question.get("id")
            layer, key, text = _fields(question)
            probed = probe.coefficients(text, layer, [key])
            about |= {
                "token_ends": probed.token_ends.tolist(),
                "coefficients": probed.coefficients[:, 0].tolist(),
                "ranked": probed.ranked.tolist(),
                "yardstick": least(layer, key),
            }
        except KeyholeError as mistake:
            about["error"] = _one_line(mistake)
        say(about)


@contextmanager
def json_lines() -> Iterator[tuple[TextIO, Say]]:
    """(standard input, what writes a line): nobody else's words reach standard output meanwhile."""
    sys.stdout.flush()
    with (
        os.fdopen(os.dup(1), "w", encoding="ascii") as out,
        # Half a character is the question's mistake, and no reason to end.
        open(0, encoding="utf-8", errors="surrogateescape", closefd=False) as questions,
    ):
        os.dup2(2, 1)  # whatever a library prints, even past Python, goes to standard error

        def say(answer: dict[str, Any]) -> None:
            out.write(json.dumps(answer) + "\n")
            out.flush()

        try:
            yield questions, say
        finally:
            sys.stdout.flush()
            os.dup2(out.fileno(), 1)


def _question(line: str) -> dict[str, Any]:
    try:
        question = json.loads(line)
    except (ValueError, RecursionError):
        question = None
    if not isinstance(question, dict):
        raise KeyholeError("The question is no JSON object.")
    return question


def _fields(question: dict[str, Any]) -> tuple[int, int, str]:
    for name, kind in (("layer", int), ("key", int), ("text", str)):
        value = question.get(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise KeyholeError(f'The question has no "{name}" that is {_KINDS[kind]}.')
    return question["layer"], question["key"], question["text"]


_KINDS = {int: "a whole number", str: "a string"}


def _one_line(mistake: KeyholeError) -> str:
    return " ".join(str(mistake).split())
