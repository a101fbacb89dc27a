"""How the tests of a command see it end: its exit code, its output, and what it left behind."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Typed = Callable[..., Ended]


def assert_refused(ended: Ended, *said: str) -> None:
    lines = ended.err.splitlines()
    assert ended.code == 2, ended
    assert "Traceback" not in ended.err
    assert len(lines) == 1 and lines[0].startswith("error: "), ended.err
    assert ended.out == ""
    for text in said:
        assert text.lower() in lines[0].lower(), lines[0]


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def assert_refused_and_nothing_left(
    typed: Typed, desk: Path, arguments: list[object], *said: str
) -> None:
    before = contents(desk)
    assert_refused(typed(*arguments), *said)
    assert contents(desk) == before
