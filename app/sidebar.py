"""The sidebar: who is here, how far they are in each layer, and the guidelines."""

import streamlit as st

from annotations import queries
from annotations.database import session
from annotations.guidelines import GUIDELINES
from annotations.queries import LayerProgress
from annotations.tables import Annotator, Run
from app import visit
from app.plain import plain

_STYLE = """
<style>
.kh-layers {display: grid; grid-template-columns: max-content 1fr max-content; gap: .25rem .6rem;
  align-items: center; font-size: .85rem; font-variant-numeric: tabular-nums;}
.kh-track {display: flex; height: .5rem; border-radius: .25rem; overflow: hidden;
  background: color-mix(in srgb, currentColor 16%, transparent);}
.kh-done {background: #009E73;} .kh-begun {background: #E69F00;}
</style>
"""


def show(run: Run, person: Annotator) -> None:
    """Fill the sidebar."""
    assert run.id is not None and person.id is not None
    with session(visit.engine(), read_only=True) as opened:
        layers = queries.progress(session=opened, run_id=run.id, annotator_id=person.id)
    with st.sidebar:
        _choose_run(run)
        st.button(
            plain(person.name), icon=":material/person:", width="stretch",
            on_click=visit.choose_person, args=(None,), help="You. Press to be somebody else.",
        )  # fmt: skip
        _progress(layers)
        with st.popover("Guidelines", icon=":material/menu_book:", width="stretch"):
            st.markdown(GUIDELINES)


def _choose_run(run: Run) -> None:
    with session(visit.engine(), read_only=True) as opened:
        names = [other.name for other in queries.runs(session=opened)]
    if len(names) > 1:
        name = st.selectbox("Run", names, index=names.index(run.name))
        if name != run.name:
            visit.choose_run(name)
            st.rerun()
    st.caption(f"{run.layers} layers × {run.d_ff} keys, top {run.top_k}")


def _progress(layers: list[LayerProgress]) -> None:
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
    st.markdown(f"**{done} of {keys}** keys submitted")
    st.html(f"{_STYLE}<div class='kh-layers'>{''.join(lines)}</div>")
