"""Find the English that every installation already holds: docstrings and language-reference topics.

Source files are parsed, never imported, so that reading them runs no code and needs no optional
dependency. The packages are listed by name rather than discovered: what else happens to be
installed must not change the corpus.
"""

import ast
import inspect
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path

PACKAGES = (
    "alembic", "altair", "anyio", "click", "datasets", "fsspec", "huggingface_hub", "jinja2",
    "joblib", "mpmath", "narwhals", "networkx", "numpy", "pandas", "PIL", "pyarrow", "pydantic",
    "pygments", "requests", "rich", "scipy", "sklearn", "sqlalchemy", "sqlmodel", "starlette",
    "streamlit", "sympy", "tokenizers", "torch", "transformers", "typer", "uvicorn",
)  # fmt: skip
SKIPPED_FOLDERS = {
    "__pycache__", "_vendor", "idlelib", "lib2to3", "site-packages", "test", "testing", "tests",
    "turtledemo",
}  # fmt: skip
SHORTEST_DOCSTRING = 40  # characters; anything shorter holds no sentence worth a context


def source_files() -> list[Path]:
    """The Python files of the standard library and of the project's dependencies, in a fixed order.

    A package that is not installed is passed over: the corpus is then smaller, not broken.
    """
    paths = sysconfig.get_paths()
    roots = [Path(paths["stdlib"])] + [Path(paths["purelib"]) / name for name in PACKAGES]
    return [path for root in roots for path in _python_files(root)]


def _python_files(root: Path) -> list[Path]:
    found = (path.relative_to(root) for path in root.rglob("*.py"))
    kept = (path for path in found if not SKIPPED_FOLDERS.intersection(path.parts[:-1]))
    return [root / path for path in sorted(kept, key=lambda path: path.as_posix())]


def docstrings(path: Path) -> list[str]:
    """Every docstring of one file, cleaned of indentation; [] for a file Python cannot parse."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # other people's invalid escape sequences
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, RecursionError):
            return []
    return [
        inspect.cleandoc(text) for text in _strings(tree.body) if len(text) >= SHORTEST_DOCSTRING
    ]


def _strings(body: list[ast.stmt]) -> Iterator[str]:
    """Docstrings below these statements. Only bodies are walked: expressions are most of a tree."""
    for statement in body:
        if isinstance(statement, ast.Expr):
            yield from _documentation(statement.value)
        for name in ("body", "orelse", "finalbody"):
            yield from _strings(getattr(statement, name, []))


def _documentation(expression: ast.expr) -> Iterator[str]:
    """A bare string, or the strings of a call such as `add_docstr(abs, "…")` (C extensions)."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        yield expression.value
    elif isinstance(expression, ast.Call) and "doc" in ast.unparse(expression.func).lower():
        for argument in expression.args:
            parts = argument.elts if isinstance(argument, ast.Tuple) else [argument]
            for part in parts:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def reference_topics() -> list[str]:
    """The topics of Python's language reference, as `help()` shows them."""
    from pydoc_data import topics

    return [text for _, text in sorted(topics.topics.items())]
