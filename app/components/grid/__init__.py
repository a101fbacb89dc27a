"""The labelling grid: 25 prefixes, a column a pattern, keyboard and mouse. Labels from section 3.

The grid answers in the browser and sends every change whole; Python hands it to a callback, which
stores it, and gives back what is stored. Only that makes the grid say "Saved". The browser's side
is in the `.js` files beside this, joined into one module (`grid_script.py`); saving.js explains how
a change is sent, acknowledged, repeated and refused.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from annotations.answers import Answer, StoredAnswer
from annotations.queries import KeyPage
from app.components import grid_script
from exports.palette import CATEGORY_COLOURS, TYPE_LETTERS
from mining.errors import AnnotationError

_LONGEST_WRITER = 64  # characters; a window's random name has 32


@dataclass(frozen=True)
class GridData:
    """A key as somebody sees it. `notice` is one line on why the last change was refused.

    `shading_on`: whether the annotator wants each token shaded by the key's coefficient there. That
    needs prefixes with their `shading`; without it the grid says how to get it.
    """

    page: KeyPage
    title: str
    stored: StoredAnswer
    locked: bool = False
    notice: str | None = None
    shading_on: bool = False


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


_mount = st.components.v2.component("keyhole_labelling_grid", js=grid_script.sent())


def labelling_grid(
    *,
    key: str,
    data: GridData,
    on_draft: Callable[[DraftEvent], None],
    on_submit: Callable[[DraftEvent], None],
    on_shading: Callable[[bool], None] | None = None,
) -> None:
    """Show the grid; call `on_draft` for each change and `on_submit` for a submission.

    `on_shading` is told when the annotator switches the shading, which the grid has done by then.

    `key` must differ between annotators, too: a window keeps unsaved work under it across pages.
    The callbacks run before the script, and an event may come again: storing it twice must be
    storing it once. An AnnotationError that they raise is shown in the grid, and so is what is
    wrong with an event that is no well-formed answer, which reaches no callback.
    """
    heard = st.session_state.setdefault(_slot(key), {})
    sent = _mount(
        key=key,
        data=_message(key, data, heard),
        on_draft_change=lambda: _handle(key, "draft", on_draft),
        on_submit_change=lambda: _handle(key, "submit", on_submit),
        on_shading_change=lambda: _switched(key, on_shading),
    )
    # Streamlit may have left the callback out, and a switch, unlike an answer, is not sent again.
    _switch(sent.get("shading"), heard, on_shading)


def _handle(key: str, event: str, callback: Callable[[DraftEvent], None]) -> None:
    # Once the browser has sent more, Streamlit leaves off at the next `st.` call and never calls a
    # callback for this value again. Reading by to_dict() it does not leave off.
    state = st.session_state.to_dict()
    value = state[key].get(event)
    if value is None:  # a trigger that has been reset
        return
    heard = state[_slot(key)]
    try:
        callback(DraftEvent.from_json(value))
    except AnnotationError as mistake:
        heard["mistake"] = str(mistake)
    # Remembered although it may have been refused: from this the window knows that it was heard.
    if isinstance(value, dict):
        heard["answer"] = {name: value.get(name) for name in ("writer", "sequence", "attempt")}


def _switched(key: str, callback: Callable[[bool], None] | None) -> None:
    state = st.session_state.to_dict()
    _switch(state[key].get("shading"), state[_slot(key)], callback)


def _switch(
    switched: object, heard: dict[str, Any], callback: Callable[[bool], None] | None
) -> None:
    if isinstance(switched, dict) and switched != heard.get("shading"):
        if callback is not None:
            callback(switched.get("on") is True)
        heard["shading"] = switched


def _message(key: str, data: GridData, heard: dict[str, Any]) -> bytes:
    """What the browser is told, as JSON: Streamlit itself would write it twice at every rerun."""
    stored, mistake = data.stored, heard.pop("mistake", None)
    told = {
        "instance": key,
        "key_id": data.page.id,
        "title": data.title,
        "stored": {
            "answer": stored.answer.to_json(),
            "status": stored.status,
            "revision": stored.revision,
            "writer": stored.writer,
            "sequence": stored.sequence,
        },
        "locked": data.locked,
        "notice": data.notice or mistake,
        "shading_on": data.shading_on,
        "handled": heard.get("answer"),
    } | _LOOKS
    return b'{"prefixes":%b,%b' % (data.page.prefixes_json, json.dumps(told).encode()[1:])


def _slot(key: str) -> str:
    """Where a session keeps what it has heard from the grid with this key."""
    return f"labelling_grid {key}"


def _ink(colour: str) -> str:
    """Black or white, whichever is easier to read on the colour (WCAG 2 relative luminance)."""
    red, green, blue = (_linear(int(colour[start : start + 2], 16) / 255) for start in (1, 3, 5))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    on_black, on_white = (luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05)
    return "#000000" if on_black >= on_white else "#FFFFFF"


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


_LOOKS = {
    "letters": TYPE_LETTERS,
    "colours": {
        type_: {"fill": CATEGORY_COLOURS[type_], "ink": _ink(CATEGORY_COLOURS[type_])}
        for type_ in TYPE_LETTERS
    },
}
