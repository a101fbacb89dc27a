"""The probe: what the key makes of a typed text, token by token, to test a hypothesis with."""

from html import escape
from itertools import pairwise
from pathlib import Path

import streamlit as st

from annotations.queries import KeyPage
from app.plain import plain
from app.probing import ABSENT, FAILED, LOADING, LONGEST_TEXT, Probed, Prober
from mining.errors import AnnotationError

_STYLE = """
<style>
.kh-probe {display: flex; flex-wrap: wrap; gap: .25rem; line-height: 1.25;}
.kh-probe span {display: flex; flex-direction: column; align-items: center; padding: .1rem .25rem;
  border-radius: .25rem; white-space: pre; border-bottom: 3px solid transparent;
  background: color-mix(in srgb, #0072B2 calc(var(--share) * 45%), transparent);}
.kh-probe span.over {border-bottom-color: currentColor; font-weight: 600;}
.kh-probe small {font-variant-numeric: tabular-nums;}
</style>
"""


@st.cache_resource
def _prober(folder: str) -> Prober:
    return Prober(folder)


@st.fragment
def panel(folder: str, key: KeyPage) -> None:
    """Ask for a text and show it; nothing is loaded before somebody wants it."""
    if not (Path(folder) / "manifest.json").is_file():
        st.info(
            f"The run's folder {plain(folder)} is not there, so its model cannot be found. Import"
            " the run again from where it is now.",
            icon=":material/folder_off:",
        )
        return
    prober = _prober(folder)
    state = prober.state()
    if state == LOADING:
        _waiting(folder)
        return
    if state == FAILED:
        st.warning(plain(prober.failure), icon=":material/error:")
    if state in (ABSENT, FAILED):
        _offer(prober)
        return
    text = st.text_input(
        "A text", key=f"probe {key.id}", max_chars=LONGEST_TEXT,
        placeholder="Type a beginning of a sentence and press Enter",
    )  # fmt: skip
    if text.strip():
        _answer(prober, key, text)


def _offer(prober: Prober) -> None:
    st.button("Load the model", icon=":material/memory:", on_click=prober.start)
    st.caption("It is loaded once, in the background, for everybody who works on this run.")


@st.fragment(run_every=0.7)
def _waiting(folder: str) -> None:
    if _prober(folder).state() == LOADING:
        st.markdown(":material/hourglass_top: The model is loading; you can go on labelling.")
    else:
        st.rerun()


def _answer(prober: Prober, key: KeyPage, text: str) -> None:
    try:
        probed = prober.ask(key.layer, key.key, text)
    except AnnotationError as mistake:
        st.warning(plain(str(mistake)), icon=":material/error:")
        if prober.state() in (ABSENT, FAILED):  # it ended only now
            _offer(prober)
        return
    st.html(_STYLE + _tokens(text, probed))
    ranked = [number for number, is_ranked in _numbers(probed) if is_ranked]
    if probed.yardstick is not None and ranked:
        best = max(ranked)
        verdict = "reaches" if best >= probed.yardstick else "stays below"
        st.caption(
            f"The highest coefficient, {best:.3f}, {verdict} that of the last trigger"
            f" ({len(key.prefixes)}th), **{probed.yardstick:.3f}**; tokens that reach it are"
            " underlined."
        )


def _numbers(probed: Probed) -> list[tuple[float, bool]]:
    """Each token's coefficient, and whether it could be a trigger: special tokens never are."""
    return list(zip(probed.coefficients, probed.ranked, strict=True))


def _tokens(text: str, probed: Probed) -> str:
    """The tokens as HTML, each escaped, with its coefficient below it."""
    yardstick = probed.yardstick or max([1e-9, *probed.coefficients])
    pieces = pairwise((0, *probed.token_ends))
    shown = []
    for (start, end), (coefficient, ranked) in zip(pieces, _numbers(probed), strict=True):
        share = min(1.0, max(0.0, coefficient / yardstick))
        over = " class='over'" if share >= 1 and ranked else ""
        token = escape(text[start:end])
        if not token.strip():  # a space, or a byte of the character before
            token = "·"
        shown.append(
            f"<span{over} style='--share: {share:.3f}'><bdi>{token}</bdi>"
            f"<small>{coefficient:.2f}</small></span>"
        )
    return f"<div class='kh-probe' role='group' aria-label='Coefficients'>{''.join(shown)}</div>"
