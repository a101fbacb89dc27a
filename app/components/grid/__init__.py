"""The labelling grid: 25 prefixes, a column a pattern, keyboard and mouse. Labels from section 3.

The grid answers in the browser and sends every change whole; Python hands it to a callback, which
stores it, and gives back what is stored. Only that makes the grid say "Saved". The browser's side
is in the `.js` files beside this, joined into one module; saving.js explains how a change is sent,
acknowledged, repeated and refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from annotations.answers import Answer, StoredAnswer
from annotations.queries import PrefixView
from exports.palette import CATEGORY_COLOURS, TYPE_LETTERS
from mining.errors import AnnotationError

HERE = Path(__file__).parent
_PARTS = (
    "state.js",  # answers and their history: pure
    "text.js",  # tokens, words, finding: pure
    "saving.js",  # what the server has, and what it has not
    "rows.js",  # elements without state
    "view.js",  # the elements, brought up to date
    "finder.js",  # tick by text
    "grid.js",  # the commands
    "gestures.js",  # keyboard and mouse
    "mount.js",  # what Streamlit calls
)
_LONGEST_WRITER = 64  # characters; a window's random name has 32


@dataclass(frozen=True)
class GridData:
    """A key as one annotator sees it. `notice` is one line on why the last change was refused."""

    key_id: int
    title: str
    prefixes: Sequence[PrefixView]
    stored: StoredAnswer
    locked: bool = False
    notice: str | None = None


@dataclass(frozen=True)
class DraftEvent:
    """An answer as a window sends it: `sequence` counts the changes of the window `writer`."""

    key_id: int
    answer: Answer
    base_revision: int
    writer: str
    sequence: int

    @classmethod
    def from_json(cls, value: object) -> "DraftEvent":
        """Read what a browser sent; an AnnotationError says what is wrong with it."""
        if not isinstance(value, dict):
            raise AnnotationError("The page sent no answer; reload it.")
        numbers = [value.get(name) for name in ("key_id", "base_revision", "sequence")]
        writer = value.get("writer")
        # bool is a kind of int in Python, and `true` is no number.
        if any(type(number) is not int or not 0 <= number < 2**31 for number in numbers):
            raise AnnotationError("The page sent an answer without its numbers; reload it.")
        if not isinstance(writer, str) or not 0 < len(writer) <= _LONGEST_WRITER:
            raise AnnotationError("The page sent an answer without its window; reload it.")
        answer = Answer.from_json(value.get("answer"))
        return cls(value["key_id"], answer, value["base_revision"], writer, value["sequence"])


_mount = st.components.v2.component(
    "keyhole_labelling_grid",
    css=(HERE / "grid.css").read_text(encoding="utf-8"),
    js="\n".join((HERE / part).read_text(encoding="utf-8") for part in _PARTS),
)


def labelling_grid(
    *,
    key: str,
    data: GridData,
    on_draft: Callable[[DraftEvent], None],
    on_submit: Callable[[DraftEvent], None],
) -> None:
    """Show the grid; call `on_draft` for each change and `on_submit` for a submission.

    `key` must differ between annotators, too: a window keeps unsaved work under it across pages.
    The callbacks run before the script, and an event may come again: storing it twice must be
    storing it once. An AnnotationError that they raise is shown in the grid, and so is what is
    wrong with an event that is no well-formed answer, which reaches no callback.
    """
    shown = _data_json(key, data)
    _mount(
        key=key,
        data=shown,
        on_draft_change=lambda: _handle(key, "draft", on_draft),
        on_submit_change=lambda: _handle(key, "submit", on_submit),
    )


def _handle(key: str, event: str, callback: Callable[[DraftEvent], None]) -> None:
    value = st.session_state[key].get(event)
    if value is None:  # a trigger that has been reset
        return
    try:
        callback(DraftEvent.from_json(value))
    except AnnotationError as mistake:
        st.session_state[_slot(key, "mistake")] = str(mistake)
    # Remembered although it may have been refused: from this the window knows that it was heard.
    if isinstance(value, dict):
        heard = {"writer": value.get("writer"), "sequence": value.get("sequence")}
        st.session_state[_slot(key, "handled")] = heard | {"attempt": value.get("attempt")}


def _data_json(key: str, data: GridData) -> dict[str, Any]:
    mistake = st.session_state.pop(_slot(key, "mistake"), None)
    return {
        "instance": key,
        "key_id": data.key_id,
        "title": data.title,
        "prefixes": [
            {
                "rank": prefix.rank,
                "coefficient": prefix.coefficient,
                "text": prefix.text,
                "token_ends": list(prefix.token_ends),
                "next_token": prefix.next_token,
            }
            for prefix in data.prefixes
        ],
        "stored": {
            "answer": data.stored.answer.to_json(),
            "status": data.stored.status,
            "revision": data.stored.revision,
            "writer": data.stored.writer,
            "sequence": data.stored.sequence,
        },
        "locked": data.locked,
        "notice": data.notice or mistake,
        "handled": st.session_state.get(_slot(key, "handled")),
        "letters": TYPE_LETTERS,
        "colours": {
            type_: {"fill": CATEGORY_COLOURS[type_], "ink": _ink(CATEGORY_COLOURS[type_])}
            for type_ in TYPE_LETTERS
        },
    }


def _slot(key: str, what: str) -> str:
    return f"labelling_grid {what} {key}"


def _ink(colour: str) -> str:
    """Black or white, whichever is easier to read on the colour (WCAG 2 relative luminance)."""
    red, green, blue = (_linear(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    on_black, on_white = (luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05)
    return "#000000" if on_black >= on_white else "#FFFFFF"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
