"""Rights, by reading the app: a page asks as whoever visits it, and never as the command line."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from rights import BY_NAME, COMMAND_LINE, INSIDE, everything_with_a_session, parameters_of

APP = Path(__file__).parents[2] / "app"
PERSON = ("annotator_id", "viewer_id", "lead_id", "by")
VISITORS = ("person", "lead")  # what a page calls whoever visits it
FUNCTIONS = everything_with_a_session()


def pages() -> list[Path]:
    return [path for path in sorted(APP.rglob("*.py")) if not path.name.startswith("bench")]


def calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call of a function of the table, whatever it is imported as."""
    tree = ast.parse(source)
    modules, functions = {}, {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                called = name.asname or name.name
                modules[called] = name.name
                functions[called] = f"{node.module.rpartition('.')[2]}.{name.name}"
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        meant, called = node.func, None
        if isinstance(meant, ast.Name) and meant.id == "partial":
            meant = node.args[0]
        if isinstance(meant, ast.Name):
            called = functions.get(meant.id)
        elif isinstance(meant, ast.Attribute) and isinstance(meant.value, ast.Name):
            called = f"{modules.get(meant.value.id)}.{meant.attr}"
        if called in BY_NAME:
            yield called, node


def wrong(source: str) -> list[str]:
    """What a page's calls do that they must not."""
    found = []
    for name, call in calls(source):
        if BY_NAME[name] in (COMMAND_LINE, INSIDE):
            found.append(f"{name} is not for pages")
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        if "decided_by" in given:
            found.append(f"{name} decides for somebody else")
        if None in given:  # **: what is in it must be looked at where it is made
            continue
        asked = [one for one in PERSON if one in parameters_of(FUNCTIONS[name])]
        if "by" in asked:
            asked = ["by"]  # the other one is whom it is about
        themself = isinstance(given.get("themself"), ast.Constant)
        if not themself and not all(one in given and _visitor(given[one]) for one in asked):
            found.append(f"{name} is not asked as the visitor")
    return found


def _visitor(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Attribute)
        and value.attr == "id"
        and isinstance(value.value, ast.Name)
        and value.value.id in VISITORS
    )


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_a_page_asks_as_its_visitor(path: Path) -> None:
    assert wrong(path.read_text(encoding="utf-8")) == []


def test_pages_ask_at_all() -> None:
    asked = {name for path in pages() for name, _ in calls(path.read_text(encoding="utf-8"))}
    assert {"store.save_draft", "frames.dataset_frames", "queue.assign", "team.workers"} <= asked


@pytest.mark.parametrize(
    "call",
    [
        "dataset_frames(session=s, run_id=1)",
        "dataset_frames(session=s, run_id=1, viewer_id=None)",
        "dataset_frames(session=s, run_id=1, viewer_id=1)",
        "store.submit(session=s, annotator_id=row.annotator_id, key_id=1)",
        "queue.assign(session=s, run_id=1, overlap=2)",
        "people.set_role(session=s, name=name, role=role)",
        "accounts.sign_out_everywhere(session=s, annotator_id=person.id, by=None)",
        "partial(accounts.set_active, name=name, active=False)",
        "audit.entries(session=s)",
        "store.submit(session=s, annotator_id=person.id, key_id=1, decided_by=2)",
        "claims.locked_answer(s, person.id, 1, now)",
    ],
)
def test_a_page_that_does_not_is_found(call: str) -> None:
    imports = (
        "from annotations import accounts, audit, claims, people, queue, store\n"
        "from annotations.frames import dataset_frames\n"
    )
    assert wrong(imports + call)
