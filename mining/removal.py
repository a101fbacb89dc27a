"""Figure 3: how far a trigger's coefficient falls when its first, its last or any token is removed.

What remains of the prefix is a sentence of its own, and its last token's coefficient is taken. Many
remains are the beginning of another one: under causal attention the longer one tells both.

Shapes: B equal texts, T tokens, F keys, R rows (a trigger and what is removed of it).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
        at_R = torch.from_numpy(texts.last_R[own_R]).to(loaded.device)
        after_R[own_R] = coefficient_BTF[row_R, at_R, key_R].float().cpu().numpy()

    feed_alone(loaded, equal, np.unique(texts.layer_R[chosen_R]).tolist(), keep)


@dataclass(frozen=True)
class _Texts:
    """What is run: what remains of triggers, none of it twice, the least deep and shortest first.

    A text is run up to the deepest layer that asks for it.
    """

    texts: list[npt.NDArray[np.int32]]
    depth: npt.NDArray[np.int64]  # of each text
    text_R: npt.NDArray[np.int64]  # which text a row is about
    last_R: npt.NDArray[np.int64]  # position in it of the row's last token
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
        remains = []  # of each prefix, in the order of REMOVED
        for (sentence, position), share in zip(prefixes, drawn, strict=True):
            ids = np.asarray(token_ids[sentence][: position + 1], dtype=np.int32)
            for at in (0, position, int(share * len(ids))):
                remains.append(np.delete(ids, at).tobytes())
        holder = _holders(remains)
        remains_R = (len(REMOVED) * prefix_of[:, None] + np.arange(len(REMOVED))).ravel()
        layer_R = np.repeat(rows["layer"].to_numpy(np.int64), len(REMOVED))
        texts = [np.frombuffer(held, dtype=np.int32) for held in sorted(set(holder.values()))]
        number = {text.tobytes(): at for at, text in enumerate(texts)}
        of_remains = np.array([number[holder[text]] for text in remains], dtype=np.int64)
        last_of = np.array([len(text) // 4 - 1 for text in remains], dtype=np.int64)
        text_R = of_remains[remains_R]
        depth = np.zeros(len(texts), dtype=np.int64)
        np.maximum.at(depth, text_R, layer_R)
        order = np.lexsort((np.array([len(text) for text in texts]), depth))
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        key_R = np.repeat(rows["key"].to_numpy(np.int64), len(REMOVED))
        return cls(
            [texts[at] for at in order], depth[order], place[text_R], last_of[remains_R],
            layer_R, key_R,
        )  # fmt: skip

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


def _holders(texts: Iterable[bytes]) -> dict[bytes, bytes]:
    """Of each text, as the bytes of its ids, one that begins with it and is no beginning itself."""
    ordered = sorted(set(texts))  # whatever begins with a text stands right behind it
    holder: dict[bytes, bytes] = {}
    for text, following in zip(reversed(ordered), [b"", *reversed(ordered)], strict=False):
        holder[text] = holder[following] if following.startswith(text) else text
    return holder
