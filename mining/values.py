"""Figures 4 and 5 and table 3: what each value pushes towards, and what follows its key's triggers.

p_i = softmax(v_i · E), v_i a row of the down-projection without its bias. Where the block's output
passes a norm before it is added (Gemma 2, OLMo 2), v_i is what the projection gives, before that.

Shapes: F values of a layer, D their width.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from torch import nn

from mining.distributions import Summary, summarise
from mining.models import LoadedModel
from mining.run_folder import SCHEMAS, RunFolder
from mining.run_tables import TOP_TOKENS

PREDICTIVE = 100  # values in table 3
TRIGGERS = 50  # of each, whose next tokens are looked at

Progress = Callable[[int, int], None]  # (values done, values in all)


def value_rows(projection: nn.Module) -> torch.Tensor:
    """[F, D] the values of a down-projection. GPT-2's Conv1D keeps them so, Linear [D, F]."""
    weight = projection.weight
    assert isinstance(weight, torch.Tensor)
    return weight.T if isinstance(projection, nn.Linear) else weight


@dataclass(frozen=True)
class ValueTable:
    """values.parquet and what the manifest says of it."""

    rows: pa.Table
    counts: dict[str, int]
    chance: dict[str, float]  # of figure 4, for a word drawn at random


@torch.inference_mode()
def value_table(
    run: RunFolder,
    loaded: LoadedModel,
    *,
    variant: str = "plain",
    progress: Progress = lambda _done, _expected: None,
) -> ValueTable:
    """Every mined layer's values as distributions over words."""
    readout = loaded.readout
    assert readout is not None
    layers = run.manifest.mined_layers
    texts = _Texts(loaded)
    parts, compared, distinct = [], 0, 0.0
    for number, layer in enumerate(layers):
        next_F, any_next = _next_tokens(run, layer, loaded.d_ff)
        rows_FD = value_rows(loaded.values[layer])
        asked_F = torch.from_numpy(next_F).to(loaded.device)
        summaries, done = [], number * loaded.d_ff
        for summary in summarise(readout, variant, rows_FD, asked_F, TOP_TOKENS):
            summaries.append(summary)
            done += len(summary.rank_N)
            progress(done, len(layers) * loaded.d_ff)
        parts.append(_layer_table(layer, summaries, any_next, texts))
        compared += int((next_F >= 0).sum())
        distinct += int((next_F[any_next["key"]] >= 0).sum())
    keys = len(layers) * loaded.d_ff
    return ValueTable(
        pa.concat_tables(parts),
        {"values": keys, "values_with_next_token": compared},
        {
            "chance": 1 / readout.vocabulary,
            "chance_any": distinct / max(1, compared) / readout.vocabulary,
        },
    )


def _next_tokens(
    run: RunFolder, layer: int, keys: int
) -> tuple[np.ndarray[Any, np.dtype[np.int64]], pd.DataFrame]:
    """Next token of each key's best trigger (−1: none), and the distinct ones of all, by key."""
    triggers = run.triggers(layer)
    positive = triggers[triggers["sign"] > 0]
    first = positive[positive["rank"] == 1]
    next_F = np.full(keys, -1, dtype=np.int64)
    next_F[first["key"]] = first["next_token_id"]
    known = positive.loc[positive["next_token_id"] >= 0, ["key", "next_token_id"]]
    return next_F, known.drop_duplicates()


def _layer_table(
    layer: int, summaries: list[Summary], any_next: pd.DataFrame, texts: "_Texts"
) -> pa.Table:
    ids_Fk, probability_Fk, rank_F = (
        torch.cat([getattr(summary, name) for summary in summaries]).cpu().numpy()
        for name in ("ids_Nk", "probability_Nk", "rank_N")
    )
    keys, best = ids_Fk.shape
    any_F = np.zeros(keys, dtype=np.bool_)
    top = ids_Fk[any_next["key"], 0] == any_next["next_token_id"].to_numpy()
    any_F[any_next["key"].to_numpy()[top]] = True
    offsets = pa.array(np.arange(0, keys * best + 1, best, dtype=np.int32))
    lists = (ids_Fk.ravel(), texts.of(ids_Fk.ravel().tolist()), probability_Fk.ravel())
    schema = SCHEMAS["values"]
    columns: list[Any] = [
        np.full(keys, layer), np.arange(keys),
        *(
            pa.ListArray.from_arrays(offsets, pa.array(flat).cast(column.type.value_type))
            for flat, column in zip(lists, list(schema)[2:5], strict=True)
        ),
        rank_F, rank_F == 1, any_F, probability_Fk[:, 0],
    ]  # fmt: skip
    arrays = [
        column if isinstance(column, pa.ListArray) else pa.array(column).cast(of.type)
        for column, of in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


class _Texts:
    """Words as they stand in a text, each decoded once."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._tokenizer = loaded.tokenizer.backend_tokenizer
        self._known: dict[int, str] = {}

    def of(self, ids: list[int]) -> list[str]:
        """The text of each id; empty for an id that only fills up the embedding."""
        new = sorted(set(ids) - self._known.keys())
        read = self._tokenizer.decode_batch([[one] for one in new], skip_special_tokens=False)
        self._known.update(zip(new, read, strict=True))
        return [self._known[one] for one in ids]


def predictive(values: pd.DataFrame) -> pd.DataFrame:
    """The PREDICTIVE surest values: the highest maximum first, then by layer and key."""
    order = values.sort_values(
        ["max_probability", "layer", "key"], ascending=[False, True, True], ignore_index=True
    )
    return order.head(PREDICTIVE)


def predictive_table(surest: pd.DataFrame, triggers: pd.DataFrame) -> pa.Table:
    """predictive_values.parquet: `triggers` are up to TRIGGERS of each of these keys."""
    first = surest.assign(
        top_token_id=[ids[0] for ids in surest["top_token_ids"]],
        top_token=[tokens[0] for tokens in surest["top_tokens"]],
    )
    both = first[["layer", "key", "top_token_id"]].merge(triggers, on=["layer", "key"])
    both["matches"] = both["next_token_id"] == both["top_token_id"]
    found = both.groupby(["layer", "key"])["matches"].agg(["size", "mean"])
    found = found.rename(columns={"size": "triggers", "mean": "matching_share"})
    rows = first.merge(found, left_on=["layer", "key"], right_index=True, how="left")
    rows["triggers"] = rows["triggers"].fillna(0)  # a dead key has none, and no share
    schema = SCHEMAS["predictive_values"]
    return pa.Table.from_pandas(rows[schema.names], schema, preserve_index=False)


def keys_by_layer(rows: pd.DataFrame) -> Mapping[int, "np.ndarray[Any, np.dtype[np.int64]]"]:
    """The distinct keys of these rows, ascending, by layer."""
    return {
        int(layer): np.unique(own["key"].to_numpy(np.int64)) for layer, own in rows.groupby("layer")
    }
