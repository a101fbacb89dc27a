"""The sidebar: who is here, how far they are in each layer, and the guidelines."""

import streamlit as st

from annotations.guidelines import GUIDELINE_VERSION, GUIDELINES
from annotations.queries import LayerProgress
from annotations.tables import Annotator, Run
from app import account, brand, sign_in, visit
from app.plain import plain
from app.settings import NONE

_STYLE = """
<style>
.kh-layers {display: grid; grid-template-columns: max-content 1fr max-content; gap: .25rem .6rem;
  align-items: center; font-size: .85rem; font-variant-numeric: tabular-nums;}
.kh-layers p {grid-column: 1 / -1; margin: 0 0 .3rem; font-size: 1rem;}
.kh-track {display: flex; height: .5rem; border-radius: .25rem; overflow: hidden;
  background: color-mix(in srgb, currentColor 16%, transparent);}
.kh-done {background: #009E73;} .kh-begun {background: #E69F00;}
</style>
"""


def show(run: Run, person: Annotator) -> None:
    """Fill the sidebar; what takes time to draw is drawn when it is opened."""
    with st.sidebar:
        _choose_run(run)
        about_run = f"The run: {run.layers} layers of {run.d_ff} keys, top {run.top_k}."
        if sign_in.mode() != NONE:
            account.show(person, about_run)
        else:
            st.button(
                plain(person.name), icon=":material/person:", width="stretch",
                on_click=visit.choose_person, args=(None,),
                help=f"You, {account.role_in_words(person.role)}. Press to be somebody else."
                f" {about_run}",
            )  # fmt: skip
        st.html(_progress(visit.progress(run, person)))
        guidelines = st.expander(
            f"Guidelines, version {GUIDELINE_VERSION}", icon=":material/menu_book:",
            key="guidelines", on_change="rerun",
        )  # fmt: skip
        if guidelines.open:
            guidelines.markdown(GUIDELINES)


def _choose_run(run: Run) -> None:
    names = [other.name for other in visit.runs()]
    if len(names) > 1:
        name = st.selectbox("Run", names, index=names.index(run.name))
        if name != run.name:
            visit.choose_run(name)
            st.rerun()


def _progress(layers: list[LayerProgress]) -> str:
    """One line a layer. Only numbers go into this HTML, never a person's text."""
    done, keys = sum(row.submitted for row in layers), sum(row.keys for row in layers)
    lines = [
        f"<span>Layer {row.layer}</span>"
        f"<span class='kh-track' role='img' aria-label='Layer {row.layer}: {row.submitted} of"
        f" {row.keys} keys submitted, {row.drafts} begun'>"
        f"<span class='kh-done' style='width:{row.submitted / row.keys:.1%}'></span>"
        f"<span class='kh-begun' style='width:{row.drafts / row.keys:.1%}'></span></span>"
        f"<span>{row.submitted}/{row.keys}</span>"
        for row in layers
    ]
    summary = f"<p><b>{done} of {keys}</b> keys submitted</p>"
    return f"{brand.STYLE}{_STYLE}<div class='kh-layers'>{summary}{''.join(lines)}</div>"
