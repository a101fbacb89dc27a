"""Store what sampled keys make of every token of their triggers, for people to see as shading.

Each sentence is run once, alone, up to the deepest layer that one of its triggers belongs to: under
causal attention a token's coefficient is the same in a prefix as in the whole sentence.

Shapes: B equal sentences, T tokens, F keys, N triggers of one layer in these sentences.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import torch

from mining.additions import alone_in
from mining.alone import TOGETHER, equal_lengths, feed_alone
from mining.errors import KeyholeError, ModelError, RunFolderError
from mining.models import LoadedModel
from mining.run_folder import SCHEMAS, RunFolder, RunWriter
from mining.sampled_keys import FEWEST_TRIGGERS, sampled_keys

Progress = Callable[[int, int], None]  # (tokens run, tokens to run)

_COLUMNS = ["layer", "key", "rank", "coefficient", "sentence_id", "position"]
# How far a coefficient may be from what was mined, perhaps on another device: in proportion to it,
# or to the layer's mean trigger, since a small one may be what is left of large terms.
_CLOSE = 1e-4


@dataclass(frozen=True)
class ShadeReport:
    """What was stored. `present_keys` were sampled too, and had been stored before."""

    added_keys: int
    present_keys: int
    prefixes: int  # of the added keys


def shade(
    run: RunFolder,
    load: Callable[[], LoadedModel],
    *,
    keys_per_layer: int = 10,
    seed: int = 0,
    progress: Progress = lambda _done, _expected: None,
) -> ShadeReport:
    """Add a sample of keys to the run's `shading.parquet`; what is stored there stays.

    `load` gives the model that the run was mined with; it is not called if nothing is to be added.
    Raises KeyholeError for an impossible sample, RunFolderError for a damaged run or one that is
    being written, ModelError if the model's coefficients are not those that were mined.
    """
    if keys_per_layer < 1:
        raise KeyholeError(f"--keys-per-layer {keys_per_layer} is no sample; give at least 1.")
    if seed < 0:
        raise KeyholeError(f"--seed {seed} is negative; give 0 or more.")
    with alone_in(run.path):
        layers = run.manifest.mined_layers
        rows = pd.concat([_sample(run, layer, keys_per_layer, seed) for layer in layers])
        stored = run.shading()
        if stored is None:
            stored = SCHEMAS["shading"].empty_table().to_pandas()
        present = _keys(rows).isin(_keys(stored))
        new = rows[~present].reset_index(drop=True)
        if len(new):
            token_ids = _token_ids(run, new)
            new["coefficients"] = _shades(load(), new, token_ids, progress)
            every = pd.concat([stored, new[stored.columns]]).sort_values(["layer", "key", "rank"])
            table = pa.Table.from_pandas(every, SCHEMAS["shading"], preserve_index=False)
            RunWriter(run.path).write("shading", table)
    return ShadeReport(_keys(new).nunique(), _keys(rows[present]).nunique(), len(new))


def _keys(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["layer", "key"]])


def _sample(run: RunFolder, layer: int, keys_per_layer: int, seed: int) -> pd.DataFrame:
    """The positive triggers of a layer's sampled keys."""
    keys = run.keys(layer)
    enough = keys.loc[keys["triggers"] >= FEWEST_TRIGGERS, "key"].to_numpy(np.int64)
    drawn = sampled_keys(np.sort(enough), layer, seed)[:keys_per_layer]
    triggers = run.triggers(layer)
    return triggers.loc[(triggers["sign"] > 0) & triggers["key"].isin(drawn), _COLUMNS]


def _token_ids(run: RunFolder, rows: pd.DataFrame) -> dict[int, list[int]]:
    """The token ids of these triggers' sentences, by sentence id."""
    stored = run.sentences()["token_ids"]
    used = rows["sentence_id"].unique()
    missing = set(used) - set(stored.index)
    if missing:
        raise RunFolderError(
            f"{run.path} is damaged: it lacks sentence {min(missing)}, which a trigger uses;"
            " mine again."
        )
    return {int(sentence): stored.at[sentence].tolist() for sentence in sorted(used)}


@torch.inference_mode()
def _shades(
    loaded: LoadedModel, rows: pd.DataFrame, token_ids: dict[int, list[int]], progress: Progress
) -> list[npt.NDArray[np.float32]]:
    """Each row's coefficients at every token of its prefix."""
    typical = rows.groupby("layer")["coefficient"].mean()
    deepest = rows.groupby("sentence_id")["layer"].max()
    shades: dict[int, npt.NDArray[np.float32]] = {}
    done, expected = 0, sum(map(len, token_ids.values()))
    for depth in sorted(deepest.unique()):
        sentences = deepest.index[deepest == depth].tolist()
        for group in equal_lengths(token_ids, sentences, TOGETHER):
            own = rows[rows["sentence_id"].isin(group)]
            equal = [token_ids[sentence] for sentence in group]
            row = own["sentence_id"].map({sentence: row for row, sentence in enumerate(group)})
            shades |= _shades_of_equal(loaded, equal, own.assign(row=row), typical)
            done += len(group) * len(equal[0])
            progress(done, expected)
    return [shades[row] for row in rows.index]


def _shades_of_equal(
    loaded: LoadedModel, equal: list[list[int]], triggers: pd.DataFrame, typical: "pd.Series[float]"
) -> dict[int, npt.NDArray[np.float32]]:
    """The shades of these sentences' triggers, by their index; `row` says which sentence it is."""
    of_layer = dict(iter(triggers.groupby("layer")))
    shades: dict[int, npt.NDArray[np.float32]] = {}

    def keep(layer: int, coefficient_BTF: torch.Tensor) -> None:
        own = of_layer[layer]
        row_N, key_N = (torch.tensor(own[name].tolist()) for name in ("row", "key"))
        value_NT = coefficient_BTF[row_N, :, key_N].float().cpu().numpy()
        _check_same(own, value_NT, typical[layer])
        for index, position, value_T in zip(own.index, own["position"], value_NT, strict=True):
            shades[index] = value_T[: position + 1]

    feed_alone(loaded, equal, of_layer, keep)
    return shades


def _check_same(triggers: pd.DataFrame, value_NT: npt.NDArray[np.float32], typical: float) -> None:
    """ModelError unless the last coefficient of each prefix is what was mined."""
    mined_N = triggers["coefficient"].to_numpy()
    found_N = value_NT[np.arange(len(triggers)), triggers["position"]]
    wrong_N = ~(np.abs(found_N - mined_N) <= _CLOSE * np.maximum(mined_N, typical))
    if wrong_N.any():
        first = int(wrong_N.argmax())
        row = triggers.iloc[first]
        raise ModelError(
            f"Layer {row['layer']:.0f}, key {row['key']:.0f} has {found_N[first]:.6g} at trigger"
            f" {row['rank']:.0f}, and {mined_N[first]:.6g} was mined: this is not the model that"
            " the run was mined with. Say where that one is with --model."
        )
