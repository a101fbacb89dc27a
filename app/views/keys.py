"""Keys: find any key by layer, status, words in its patterns, triggers or value, and open it."""

from collections.abc import Iterable

import streamlit as st

from annotations import queries, search
from annotations.database import session
from annotations.search import STATUSES, FoundKey, Wanted
from annotations.tables import DRAFT, SKIPPED, SUBMITTED, Run
from app import visit
from app.plain import plain

Place = st.delta_generator.DeltaGenerator
_ICONS = {
    DRAFT: ":material/edit:",
    SUBMITTED: ":material/check:",
    SKIPPED: ":material/block:",
    search.UNTOUCHED: ":material/radio_button_unchecked:",
}
_A_PAGE = 25
_SHOWN = "keys shown"
_LONGEST = 90  # characters of a prefix, from its end


def page() -> None:
    """A search, and a button for each key that fits; it opens the key."""
    run, person = visit.here()
    st.title("Keys")
    wanted = _ask(run)
    st.session_state.setdefault(_SHOWN, _A_PAGE)
    assert run.id is not None and person.id is not None
    with session(visit.engine(), read_only=True) as opened:
        found, more = search.find_keys(
            session=opened, run_id=run.id, viewer_id=person.id, wanted=wanted,
            limit=st.session_state[_SHOWN],
        )  # fmt: skip
    if not found:
        st.info("No key fits. Take away a word or a choice.", icon=":material/search_off:")
        return
    for key in found:
        _row(key)
    if more:
        st.button("More", icon=":material/expand_more:", on_click=_show_more)


def _ask(run: Run) -> Wanted:
    assert run.id is not None
    with session(visit.engine(), read_only=True) as opened:
        layers = queries.layers(session=opened, run_id=run.id)
        by_value = search.has_value_tokens(session=opened, run_id=run.id)
    first, second, *words = st.columns([1, 1.3, 2, 2, *([2] if by_value else [])])
    layer = _one_of(first, "Layer", "all", map(str, layers))
    return Wanted(
        layer=None if layer is None else int(layer),
        status=_one_of(second, "Your status", "any", STATUSES),
        trigger=words[0].text_input("In a trigger", key="find trigger", on_change=_show_fewer),
        pattern=words[1].text_input(
            "In a pattern", key="find pattern", on_change=_show_fewer,
            help="Your own patterns, and others' for keys that you have submitted.",
        ),
        value_token=words[2].text_input(
            "Its value pushes towards", key="find value", on_change=_show_fewer
        ) if by_value else "",
    )  # fmt: skip


def _one_of(place: Place, name: str, whatever: str, choices: Iterable[str]) -> str | None:
    """What is chosen; None for whatever there is."""
    # Not None among the options, or Streamlit would offer to clear it.
    chosen: str = place.selectbox(
        name, [whatever, *choices], key=f"find {name}", on_change=_show_fewer
    )
    return None if chosen == whatever else chosen


def _row(key: FoundKey) -> None:
    patterns = "" if not key.patterns else f" · {key.patterns} pattern{'s' * (key.patterns > 1)}"
    if key.status == SUBMITTED and not key.patterns:
        patterns = " · no pattern"
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        pressed = st.button(
            f"Layer {key.layer}, key {key.key}{patterns}", key=f"open {key.key_id}",
            icon=_ICONS[key.status], help=key.status, width=270,
        )  # fmt: skip
        if key.flag:
            st.badge("flagged", icon=":material/flag:", color="orange", help=plain(key.flag))
        shown = key.trigger if len(key.trigger) <= _LONGEST else f"…{key.trigger[-_LONGEST:]}"
        st.markdown(plain(" ".join(shown.split())))
    if pressed:
        visit.choose_key(key.key_id)
        st.switch_page(st.session_state[visit.LABEL_PAGE])


def _show_more() -> None:
    st.session_state[_SHOWN] += _A_PAGE


def _show_fewer() -> None:
    st.session_state[_SHOWN] = _A_PAGE
