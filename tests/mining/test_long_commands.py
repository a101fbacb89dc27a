"""`mine` in a process of its own that is stopped and taken up again, and `bench`."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from corpora import mixed_lines
from terminal import Typed

from mining.run_folder import CHECKPOINT, RunFolder

ROOT = Path(__file__).parents[2]


def started(desk: Path, *arguments: object) -> "subprocess.Popen[str]":
    """`python -m mining ARGUMENTS` on the desk, running."""
    return subprocess.Popen(
        [sys.executable, "-m", "mining", *map(str, arguments)],
        cwd=desk, env={"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_says_how_to_go_on_and_does(
    typed: Typed, desk: Path, asked: signal.Signals
) -> None:
    lines = [line for seed in range(60) for line in mixed_lines(seed=seed)]
    (desk / "long.txt").write_text("\n".join(lines), encoding="utf-8")
    arguments = ("mine", "model", "long.txt", "--out", "run", "--batch-tokens", 40)
    mining = started(desk, *arguments, "--checkpoint-seconds", 0)
    while not (desk / "run" / CHECKPOINT).exists():
        assert mining.poll() is None, mining.communicate()[1]
        time.sleep(0.01)
    mining.send_signal(asked)
    said, complained = mining.communicate(timeout=60)
    assert (said, mining.returncode) == ("", 128 + asked)
    assert complained == "error: interrupted; go on with the same command and --resume\n"
    assert typed(*arguments).code == 2
    ended = typed(*arguments, "--resume")
    assert ended.code == 0, ended.err
    assert typed(*arguments, "--resume").out == ended.out  # already complete
    run = RunFolder.open(desk / "run")
    assert run.manifest.sentences > len(lines)  # those that were split count once a part


def test_bench_prints_a_json_line_for_each_benchmark(typed: Typed, desk: Path) -> None:
    (desk / "some.txt").write_text("\n".join(mixed_lines(longest=40)), encoding="utf-8")
    options = ("--corpus", "some.txt", "--tokens", 40, "--rounds", 2)
    ended = typed("bench", "--only", "forward-8x128", *options)
    assert ended.code == 0, ended.err
    (line,) = map(json.loads, ended.out.splitlines())
    assert line["benchmark"] == "forward-8x128"
    assert line["spread"][0] <= line["ratio"] <= line["spread"][1]
    assert line["rounds"] == 2 and line["tokens"] > 100
    assert line["mining_tokens_per_second"] > 0


def test_a_benchmark_that_does_not_exist_is_named_with_those_that_do(typed: Typed) -> None:
    ended = typed("bench", "--only", "forward-8x128,nothing")
    assert ended.code == 2
    assert "nothing" in ended.err and "end-to-end" in ended.err
