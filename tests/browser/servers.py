"""Programs under test that answer on an address: started, awaited, told apart by their log."""

import os
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PATIENCE = 90.0  # seconds until a server must answer; a busy machine is slow to import


@dataclass
class Server:
    """A started program that answers on `url`; `log` is what it has printed."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """End it, gently if it lets itself be ended."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_server(
    command: list[str], env: dict[str, str], folder: Path, port: int = 0, at: Path | None = None
) -> Server:
    """Start a command `at` a place, by default in the folder, where its log is.

    `{port}` in the command becomes a free port, or the one given.
    """
    port = port or _free_port()
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [part.format(port=port) for part in command],
            cwd=at or folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | env,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Server(f"http://127.0.0.1:{port}", process, log)


def wait_until_healthy(server: Server) -> None:
    """Return when the server says that it is well; fail with what it printed if it never does."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and server.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"The server did not start:\n{server.log.read_text(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
