"""Figure 3: how far a trigger's coefficient falls when its first, its last or any token is removed.

What remains of the prefix is run as a sentence of its own, and its last token's coefficient taken.

Shapes: B equal texts, T tokens, F keys, R rows (a trigger and what is removed of it).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import torch

from mining.alone import TOGETHER, feed_alone
from mining.models import LoadedModel
from mining.more_triggers import Keys, Triggers
from mining.run_folder import SCHEMAS, RunFolder
from mining.run_tables import REMOVED
from mining.sampled_keys import sampled_keys

TRIGGERS = 50  # of each sampled key

Progress = Callable[[int, int], None]  # (tokens run, tokens to run)


@dataclass(frozen=True)
class RemovalTable:
    """removal.parquet and what the manifest says of it."""

    rows: pa.Table
    counts: dict[str, int]


def keys_to_remove_from(run: RunFolder, keys_per_layer: int, seed: int) -> Keys:
    """A seeded sample of each mined layer's keys that have a trigger."""
    chosen = {}
    for layer in run.manifest.mined_layers:
        keys = run.keys(layer)
        alive = np.sort(keys.loc[keys["triggers"] > 0, "key"].to_numpy(np.int64))
        chosen[layer] = np.sort(sampled_keys(alive, layer, seed)[:keys_per_layer])
    return chosen


@torch.inference_mode()
def removal_table(
    loaded: LoadedModel,
    triggers: Triggers,
    *,
    seed: int = 0,
    progress: Progress = lambda _done, _expected: None,
) -> RemovalTable:
    """Three rows a trigger, of all that have more than one token."""
    rows = triggers.rows
    short = rows["position"] == 0  # nothing would remain
    rows = rows[~short].reset_index(drop=True)
    texts = _Texts.of(rows, triggers.token_ids, seed)
    after_R = np.empty(len(REMOVED) * len(rows), dtype=np.float32)
    done, expected = 0, sum(map(len, texts.texts))
    for chosen_R, equal in texts.groups():
        _run_equal(loaded, equal, texts, chosen_R, after_R)
        done += len(equal) * len(equal[0])
        progress(done, expected)
    table = rows.loc[np.repeat(rows.index, len(REMOVED)), ["layer", "key", "rank", "coefficient"]]
    table = table.assign(removed=np.tile(REMOVED, len(rows)), coefficient_after=after_R)
    schema = SCHEMAS["removal"]
    return RemovalTable(
        pa.Table.from_pandas(table[schema.names], schema, preserve_index=False),
        {
            "keys": len(rows.drop_duplicates(["layer", "key"])),
            "triggers": len(rows),
            "triggers_of_one_token_left_out": int(short.sum()),
        },
    )


def _run_equal(
    loaded: LoadedModel,
    equal: list[npt.NDArray[np.int32]],
    texts: "_Texts",
    chosen_R: npt.NDArray[np.int64],
    after_R: npt.NDArray[np.float32],
) -> None:
    """Fill in the rows of these texts, which have one length and stand one after the other."""
    first = texts.text_R[chosen_R].min()

    def keep(layer: int, coefficient_BTF: torch.Tensor) -> None:
        own_R = chosen_R[texts.layer_R[chosen_R] == layer]
        row_R = torch.from_numpy(texts.text_R[own_R] - first).to(loaded.device)
        key_R = torch.from_numpy(texts.key_R[own_R]).to(loaded.device)
        after_R[own_R] = coefficient_BTF[row_R, -1, key_R].float().cpu().numpy()

    feed_alone(loaded, equal, np.unique(texts.layer_R[chosen_R]).tolist(), keep)


@dataclass(frozen=True)
class _Texts:
    """What remains of all triggers, each distinct text once, the least deep and shortest first.

    Many keys share a prefix; a text is run up to the deepest layer that asks for it.
    """

    texts: list[npt.NDArray[np.int32]]
    depth: npt.NDArray[np.int64]  # of each text
    text_R: npt.NDArray[np.int64]  # which text a row is about
    layer_R: npt.NDArray[np.int64]
    key_R: npt.NDArray[np.int64]

    @classmethod
    def of(
        cls, rows: pd.DataFrame, token_ids: Mapping[int, npt.NDArray[np.int32]], seed: int
    ) -> "_Texts":
        """Of triggers of two tokens or more; which token is random is drawn once a prefix."""
        places = pd.MultiIndex.from_frame(rows[["sentence_id", "position"]])
        prefix_of, prefixes = pd.factorize(places, sort=True)
        drawn = np.random.default_rng([seed]).random(len(prefixes))
        known: dict[bytes, int] = {}
        texts: list[npt.NDArray[np.int32]] = []
        text_P3 = np.empty((len(prefixes), len(REMOVED)), dtype=np.int64)
        for number, (sentence, position) in enumerate(prefixes):
            ids = np.asarray(token_ids[sentence][: position + 1], dtype=np.int32)
            for column, at in enumerate((0, position, int(drawn[number] * (position + 1)))):
                remains = np.delete(ids, at)
                text = known.setdefault(remains.tobytes(), len(texts))
                if text == len(texts):
                    texts.append(remains)
                text_P3[number, column] = text
        text_R = text_P3[prefix_of].ravel()
        layer_R = np.repeat(rows["layer"].to_numpy(np.int64), len(REMOVED))
        depth = np.zeros(len(texts), dtype=np.int64)
        np.maximum.at(depth, text_R, layer_R)
        order = np.lexsort((np.array([len(text) for text in texts]), depth))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        key_R = np.repeat(rows["key"].to_numpy(np.int64), len(REMOVED))
        return cls([texts[at] for at in order], depth[order], place[text_R], layer_R, key_R)

    def groups(self) -> Iterator[tuple[npt.NDArray[np.int64], list[npt.NDArray[np.int32]]]]:
        """(rows, their texts) of one depth and one length, up to TOGETHER tokens."""
        order_R = np.argsort(self.text_R, kind="stable")
        sorted_R = self.text_R[order_R]
        start = 0
        while start < len(self.texts):
            length, depth = len(self.texts[start]), self.depth[start]
            stop = start + 1
            while (
                stop < len(self.texts)
                and (stop + 1 - start) * length <= TOGETHER
                and (len(self.texts[stop]), self.depth[stop]) == (length, depth)
            ):
                stop += 1
            low, high = np.searchsorted(sorted_R, (start, stop))
            yield order_R[low:high], self.texts[start:stop]
            start = stop
