"""How every command of the project ends: quietly, or with one line that says how to mend it.

Exit codes: 0 done, 2 a mistake the user can mend, 130 or 143 interrupted. A traceback is a bug of
ours.
"""

import os
import sys

import typer
from typer.exceptions import TyperException

from mining.errors import KeyholeError

_MOST_LAYERS = 100_000  # more than any model has, few enough to list


def new_app(description: str) -> typer.Typer:
    """A typer application in the house's manner: plain help, no shell-completion options."""
    return typer.Typer(
        help=description,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def run(app: typer.Typer, program: str, arguments: list[str] | None = None) -> None:
    """Run a command line; mistakes become one line on standard error and exit code 2.

    `arguments`: other ones than the program was started with.
    """
    try:
        code = app(arguments, prog_name=program, standalone_mode=False)
        sys.stdout.flush()
    except TyperException as mistake:
        message = getattr(mistake, "format_message", mistake.__str__)()
        _stop(f"{message} See `{program} --help`.", 2)
    except KeyholeError as mistake:
        _stop(str(mistake), mistake.exit_code)
    except BrokenPipeError:
        # The reader (`| head`) has gone; nothing is wrong, and nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as mistake:
        place = f" ({mistake.filename})" if mistake.filename else ""
        _stop(f"{mistake.strerror or mistake}{place}", 2)
    except (KeyboardInterrupt, typer.Abort):
        _stop("interrupted", 130)
    else:
        sys.exit(code if isinstance(code, int) else 0)


def with_value(arguments: list[str], option: str, value: str) -> list[str]:
    """The arguments, with this value where an option that may go without has none."""
    given: list[str] = []
    for argument, following in zip(arguments, [*arguments[1:], "--"], strict=True):
        given.append(argument)
        if argument == option and following.startswith("-"):
            given.append(value)
    return given


def layer_numbers(given: str) -> list[int] | None:
    """`0,3-5` → [0, 3, 4, 5]; empty → None, all layers."""
    if not given.strip():
        return None
    layers: list[int] = []
    for part in given.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise KeyholeError(f"--layers {given!r} is not understood; write it like 0,3-5.")
        end = int(last if dash else first)
        if end >= _MOST_LAYERS:
            raise KeyholeError(f"--layers {given}: no model has a layer {end}.")
        layers += range(int(first), end + 1)
    if not layers:
        raise KeyholeError(f"--layers {given!r} names no layer; write it like 0,3-5.")
    return layers


def _stop(message: str, code: int) -> None:
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    sys.exit(code)
