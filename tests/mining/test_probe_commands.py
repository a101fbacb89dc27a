"""`python -m mining probe` as a person types it, and its server as a program asks it."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checkpoints import Checkpoint
from corpora import mixed_lines
from oracle import Oracle
from terminal import Typed, assert_refused

from mining.errors import ModelError
from mining.models import LoadedModel
from mining.probe import Probe
from mining.probe_server import serve
from mining.run_folder import RunFolder

ROOT = Path(__file__).parents[2]

ByName = Callable[[str], Checkpoint]
Loaded = Callable[[str], LoadedModel]
Mined = Callable[..., RunFolder]


@pytest.fixture
def a_run(mined: Mined) -> RunFolder:
    return mined("random-gelu", mixed_lines())


# `python -m mining probe`.


@pytest.fixture
def probed(typed: Typed, desk: Path) -> Typed:
    """`probe run LAYER KEY TEXT`, of a run on the desk."""
    ended = typed("mine", "model", "text.txt", "--out", "run", "--device", "cpu")
    assert ended.code == 0, ended.err
    return lambda *arguments: typed("probe", "--device", "cpu", "run", *arguments)


def test_probe_prints_each_token_with_its_coefficient_and_the_yardstick(
    probed: Typed, desk: Path, checkpoint: ByName
) -> None:
    text = "the dog and the cat"
    ended = probed(0, 2, text)  # planted on cat, dog, bird, the
    assert ended.code == 0, ended.err
    head, _, *rows = ended.out.splitlines()
    alone = Oracle(checkpoint("planted-relu"), [text]).coefficients[0][0][:, 2]
    least = RunFolder.open(desk / "run").triggers(0, 2)["coefficient"].iloc[-1]
    assert "layer 0, key 2" in head and f"{least:.3f}" in head and "2 triggers" in head
    assert [row.split()[0] for row in rows] == [f"{number:.3f}" for number in alone]
    tokens = ["'the'", "' dog'", "' and'", "' the'", "' cat'"]
    for row, token, number in zip(rows, tokens, alone, strict=True):
        assert token in row
        assert ("as high as its triggers" in row) == (number >= least), row


def test_probe_says_which_tokens_are_special_and_that_a_key_is_dead(probed: Typed) -> None:
    ended = probed(1, 1, "the <s> cat")  # planted on special tokens
    assert "no trigger in this run" in ended.out
    said = ["special: never a trigger" in row for row in ended.out.splitlines()[2:]]
    assert said == [False, True, False]


def test_probe_hands_no_control_character_to_the_terminal(probed: Typed) -> None:
    out = probed(0, 2, "[red] \x1b[2J\x07 \x9b31m the").out
    assert "[red]" in out and r"\x1b[2J\x07" in out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((0, 2, ""), "no token"),
        ((0, 2, "cat " * 33), "33 tokens"),
        ((2, 2, "cat"), "layer 2"),
        ((0, 32, "cat"), "key 32"),
        ((0, 2), "text"),
        (("one", 2, "cat"), "layer"),
        ((0, 2, "cat", "--model", "nowhere/at/all"), "nowhere"),
        ((0, 2, "cat", "--device", "abacus"), "abacus"),
    ],
)
def test_probe_refuses_in_one_line(probed: Typed, arguments: tuple[object, ...], said: str) -> None:
    assert_refused(probed(*arguments), said)


def test_probe_refuses_what_is_no_run(typed: Typed, desk: Path) -> None:
    assert_refused(typed("probe", "nowhere", 0, 0, "cat"), "nowhere")


# The server.


def served(run: Path, questions: list[str], model: str | None = None) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    serve(run, questions, said.append, model, "cpu")
    return said


def asked(**question: object) -> str:
    return json.dumps(question)


def test_the_server_says_that_it_is_ready_then_answers_each_line(
    a_run: RunFolder, loaded: Loaded
) -> None:
    text = "the <s> café sat"
    questions = [asked(id=7, layer=2, key=7, text=text), asked(id="b", layer=0, key=0, text="cat")]
    ready, first, second = served(a_run.path, questions)
    assert ready == {"ready": True}
    wanted = Probe(loaded("random-gelu")).coefficients(text, 2, [7])
    assert first == {
        "id": 7,
        "token_ends": [3, 7, 12, 16],
        "coefficients": wanted.coefficients[:, 0].tolist(),
        "ranked": [True, False, False, True],
        "yardstick": float(a_run.triggers(2, 7)["coefficient"].min()),
    }
    assert second["id"] == "b" and second["yardstick"] is None


@pytest.mark.parametrize(
    ("line", "about", "said"),
    [
        ("", None, "JSON"),
        ("[1]", None, "JSON"),
        ("[" * 100_000, None, "JSON"),
        ('{"id": 1, "layer": 0, "key": 0}', 1, '"text"'),
        ('{"id": 1, "layer": true, "key": 0, "text": "cat"}', 1, '"layer"'),
        ('{"id": 1, "layer": 0, "key": "0", "text": "cat"}', 1, '"key"'),
        ('{"id": 1, "layer": 3, "key": 0, "text": "cat"}', 1, "layer 3"),
        ('{"id": 1, "layer": 0, "key": 0, "text": ""}', 1, "no token"),
        ('{"id": 1, "layer": 0, "key": 0, "text": "\\ud800"}', 1, "surrogate"),
    ],
)
def test_a_question_with_a_mistake_is_answered_in_one_line_and_the_next_is_heard(
    a_run: RunFolder, line: str, about: object, said: str
) -> None:
    _, told, after = served(a_run.path, [line, asked(id=2, layer=0, key=3, text="cat")])
    assert set(told) == {"id", "error"} and told["id"] == about
    assert said in told["error"] and "\n" not in told["error"]
    assert after["id"] == 2 and len(after["coefficients"]) == 1


def test_a_server_without_its_model_says_so_and_gives_up(a_run: RunFolder) -> None:
    said: list[dict[str, Any]] = []
    with pytest.raises(ModelError):
        serve(a_run.path, ["never read"], said.append, str(ROOT / "nowhere"), "cpu")
    (told,) = said
    assert set(told) == {"error"} and "nowhere" in told["error"] and "\n" not in told["error"]


def test_a_real_server_answers_as_it_is_asked_and_ends_with_its_input(
    typed: Typed, desk: Path
) -> None:
    assert typed("mine", "model", "text.txt", "--out", "run", "--device", "cpu").code == 0
    with started("-m", "mining", "probe-server", "run", "--device", "cpu", cwd=desk) as server:
        assert server.stdin and server.stdout and server.stderr
        assert json.loads(server.stdout.readline()) == {"ready": True}
        for number in range(2):  # each is answered before the next one is asked
            server.stdin.write(asked(id=number, layer=0, key=0, text="the cat") + "\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
            assert (answer["id"], len(answer["coefficients"])) == (number, 2)
        server.stdin.close()
        assert server.stdout.read() == ""
        assert (server.wait(30), server.stderr.read()) == (0, "")


def test_a_real_server_of_no_run_ends_with_code_2_and_a_line_of_json(desk: Path) -> None:
    with started("-m", "mining", "probe-server", "nowhere", cwd=desk) as server:
        said, complained = server.communicate(timeout=60)
    assert server.returncode == 2
    assert "nowhere" in json.loads(said)["error"]
    assert complained.startswith("error: ") and complained.count("\n") == 1


def test_what_libraries_print_does_not_get_among_the_answers(tmp_path: Path) -> None:
    code = (
        "import os; from mining.probe_server import json_lines\n"
        "with json_lines() as (questions, say):\n"
        "    print('a notice'); os.write(1, b'a progress bar'); say({'id': 1})\n"
        "    say({'heard': [*questions]})\n"
        "print('afterwards')\n"
    )
    with started("-c", code, cwd=tmp_path) as process:
        said, complained = process.communicate("half \udc80", timeout=60)
    assert said == '{"id": 1}\n{"heard": ["half \\\\udc80"]}\nafterwards\n'.replace("\\\\", "\\")
    assert "a notice" in complained and "a progress bar" in complained


def started(*arguments: str, cwd: Path) -> "subprocess.Popen[str]":
    """Python with these arguments, its three streams as pipes."""
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=cwd, text=True, errors="surrogateescape",
        env=os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
