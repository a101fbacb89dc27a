"""Start the app: check what can be checked, then hand over to Streamlit."""

import ipaddress
import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import typer

from annotations.database import database_url, make_engine, migrate
from mining.command_line import new_app, run
from mining.errors import KeyholeError

MAIN = Path(__file__).parent / "main.py"

app = new_app("Open the labelling app in a browser.")


@app.command()
def start(
    host: Annotated[str, typer.Option(help="Loopback address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on")] = 8501,
) -> None:
    """Open the labelling app in a browser."""
    _check_loopback(host)
    _check_free(host, port)
    migrate(make_engine(database_url()))
    root = str(MAIN.parent.parent)
    # Streamlit puts the script's folder on the path, not the project's.
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    typer.echo(f"Keyhole is at http://{host}:{port} (stop it with Ctrl+C).")
    sys.stdout.flush()
    os.execve(
        sys.executable,
        [sys.executable, "-m", "streamlit", "run", str(MAIN),
         f"--server.address={host}", f"--server.port={port}", "--logger.level=warning"],
        os.environ | {"PYTHONPATH": path},
    )  # fmt: skip


def _check_loopback(host: str) -> None:
    """There is no sign-in: whoever reaches the app can be anybody, so only this machine may."""
    try:
        inside = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise KeyholeError(
            f"--host {host} would let others in, and there is no sign-in; use 127.0.0.1 and reach"
            " it through an SSH tunnel."
        )


def _check_free(host: str, port: int) -> None:
    if not 0 < port < 65536:
        raise KeyholeError(f"--port {port} is no port; choose one from 1 to 65535.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as mistake:
            raise KeyholeError(
                f"Port {port} cannot be used ({mistake.strerror}); choose another with --port."
            ) from None


if __name__ == "__main__":
    run(app, "python -m app")
