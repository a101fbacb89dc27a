"""Starting the app: what is refused before Streamlit is."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.plain import plain

ROOT = Path(__file__).parents[2]


def start(*arguments: str, database: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "", "DATABASE_URL": database, "LANG": "C.UTF-8"},
    )  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'keyhole.db'}"


def test_an_address_others_can_reach_is_refused(database: str) -> None:
    done = start("--host", "0.0.0.0", database=database)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--host 0.0.0.0" in done.stderr and "no sign-in" in done.stderr


def test_a_taken_port_is_named(database: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = start("--port", str(port), database=database)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"Port {port}" in done.stderr and "--port" in done.stderr


def test_a_database_that_is_none_is_refused_before_a_page_opens(tmp_path: Path) -> None:
    (tmp_path / "keyhole.db").write_bytes(b"not a database, by its first bytes" * 100)
    done = start("--port", "1", database=f"sqlite:///{tmp_path / 'keyhole.db'}")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_markup_in_a_name_is_escaped_to_itself() -> None:
    assert plain("*Ada* :red[x]") == r"\*Ada\* \:red\[x\]"
    assert plain("José 李") == "José 李"
