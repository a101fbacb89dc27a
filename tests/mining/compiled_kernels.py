"""Whether a script compiles kernels, in a process in which Triton interprets none."""

import os
import subprocess
import sys


def assert_compiles(script: str) -> None:
    """The interpreter knows no types: what it runs may still not compile. The last line says so."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout.split() == ["compiled"]
