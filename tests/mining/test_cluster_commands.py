"""`mine --cluster` as it is typed: what is refused before a cluster does anything."""

import subprocess
import sys
from pathlib import Path

import pytest
from terminal import Typed, assert_refused_and_nothing_left

from mining.command_line import with_value

MINE = ["mine", "model", "text.txt", "--out", "run"]


def test_without_ray_one_line_names_the_file_that_installs_it(
    typed: Typed, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as if it were not installed
    said = "pip install -r requirements-cluster.txt"
    assert_refused_and_nothing_left(typed, desk, [*MINE, "--cluster", "local"], said)
    assert (Path(__file__).parents[2] / "requirements-cluster.txt").exists()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:9", "No cluster answers at 127.0.0.1:9"),
        ("nonsense", "use auto, local or HOST:PORT"),
        ("ray://127.0.0.1:10001", "use auto, local or HOST:PORT"),
        ("127.0.0.1:99999", "No cluster answers"),
    ],
)
def test_an_address_where_no_cluster_is_is_refused_at_once(
    typed: Typed, desk: Path, address: str, said: str
) -> None:
    assert_refused_and_nothing_left(typed, desk, [*MINE, "--cluster", address], said)


def test_a_bad_model_is_refused_before_a_cluster_is_asked_for(typed: Typed, desk: Path) -> None:
    arguments = ["mine", "./nowhere", "text.txt", "--out", "run", "--cluster"]
    assert_refused_and_nothing_left(typed, desk, arguments, "No checkpoint folder ./nowhere")


def test_nothing_imports_ray_unless_a_cluster_is_asked_for(desk: Path) -> None:
    code = (
        "import sys; from mining.__main__ import app\n"
        "import mining.cluster, mining.shards\n"
        "sys.exit('ray' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize(
    ("typed_words", "read"),
    [
        (["a", "--cluster"], ["a", "--cluster", "auto"]),
        (["--cluster", "--resume"], ["--cluster", "auto", "--resume"]),
        (["--cluster", "local", "a"], ["--cluster", "local", "a"]),
        (["a", "b"], ["a", "b"]),
    ],
)
def test_the_address_may_be_left_out(typed_words: list[str], read: list[str]) -> None:
    assert with_value(typed_words, "--cluster", "auto") == read
