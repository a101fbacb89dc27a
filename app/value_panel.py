"""A key's value: which tokens it pushes towards, and how that fits the key's triggers."""

from pathlib import Path

import pandas as pd
import streamlit as st

from annotations.queries import KeyPage
from app.plain import plain
from exports.model_charts import shown_token
from mining.errors import KeyholeError
from mining.run_folder import MANIFEST, RunFolder


@st.fragment
def panel(folder: str, key: KeyPage) -> None:
    """The value's top tokens, and where the best trigger's next token is among them."""
    try:
        stored = _stored(folder, key.layer, key.key)
    except KeyholeError as mistake:
        st.warning(plain(str(mistake)), icon=":material/error:")
        return
    if stored is not None:
        _distribution(stored, key)
    elif key.value_tokens:
        tokens = ", ".join(map(_shown, key.value_tokens))
        st.markdown(f"Its value pushes towards {tokens}.")
    else:
        st.write("The values of this run have not been analysed yet. Type:")
        st.code(f"python -m mining analyse {folder} --only values", language="shell")
        return
    st.caption(
        "A pattern is what the prefixes share, not what the value says. The key is active in"
        f" {key.active_share:.1%} of all positions."
    )


def _stored(folder: str, layer: int, key: int) -> "pd.Series[object] | None":
    """The key's row of values.parquet; None where that is not."""
    if not (Path(folder) / MANIFEST).is_file():
        return None
    values = RunFolder.open(folder).values(layer, key)
    return None if values is None or values.empty else values.iloc[0]


def _distribution(value: "pd.Series[object]", key: KeyPage) -> None:
    tokens, chances = list(value["top_tokens"]), list(value["top_probabilities"])
    rank = int(value["next_token_rank"])
    st.markdown(_verdict(rank, key.prefixes[0].next_token if key.prefixes else "", len(tokens)))
    shown = pd.DataFrame(
        {
            "#": range(1, len(tokens) + 1),
            "Token": [shown_token(token) for token in tokens],
            "Probability": chances,
        }
    )
    if 1 <= rank <= len(tokens):
        shown["Next token"] = ["yes" if place == rank else "" for place in shown["#"]]
    st.dataframe(
        shown, hide_index=True, width="content",
        column_config={"Probability": st.column_config.NumberColumn(format="%.3g")},
    )  # fmt: skip


def _verdict(rank: int, following: str, shown: int) -> str:
    """Where the next token of the best trigger stands among the value's tokens."""
    if rank < 1:
        return "The key's best trigger ends its sentence, so no token follows it."
    token = _shown(following) if following else "The next token"
    if rank == 1:
        return f"{token}, which follows the key's best trigger, is the value's **top token**."
    among = "is among them" if rank <= shown else "is not among them"
    return f"{token}, which follows the key's best trigger, {among}: it has **rank {rank:,}**."


def _shown(token: str) -> str:
    return plain(shown_token(token))
