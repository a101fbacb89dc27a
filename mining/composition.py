"""Figures 6 to 10: how a layer's memories, and the layers, make up the model's prediction.

Of a seeded sample of prefixes, in one forward pass a batch: which memories are active, what the
residual stream r, the block's output y and their sum o would predict, and what the model does.

Shapes: B prefixes of one length, D the model's width, F keys, L layers, N rows to be read as words.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import torch

from mining.alone import TOGETHER, equal_lengths
from mining.batches import at_least
from mining.corpus import Corpus
from mining.distributions import CPU_SCORES, GPU_SCORES, best_words, summarise
from mining.errors import CorpusError
from mining.models import LoadedModel
from mining.reading import Reading
from mining.readout import Readout
from mining.run_folder import SCHEMAS
from mining.stream import check_stream, last_tokens
from mining.values import value_rows

Progress = Callable[[int, int], None]  # (tokens run, tokens to run)
TopWords = Mapping[int, torch.Tensor]  # layer → [F] top(v_i), on the model's device


@dataclass(frozen=True)
class Prefixes:
    """A uniform sample of a corpus's ranked positions, in corpus order."""

    sentence_id: npt.NDArray[np.int64]
    position: npt.NDArray[np.int64]
    token_ids: list[npt.NDArray[np.int32]]
    drawn_from: int
    digest: str  # of the corpus's sentences


def sample_prefixes(
    loaded: LoadedModel,
    corpus: Corpus,
    count: int,
    seed: int,
    max_sentences: int | None = None,
    progress: Progress = lambda _done, _expected: None,
) -> Prefixes:
    """`count` prefixes, or all there are: each position draws a number, the lowest ones stay."""
    random = np.random.default_rng([seed])
    reading = Reading(corpus, loaded, max_sentences)
    number, rows = np.empty(0), pd.DataFrame()
    seen = 0
    for window in reading.windows():
        sentence_N = np.repeat(np.arange(len(window.length_S)), window.length_S)
        start_S = np.cumsum(window.length_S) - window.length_S
        at_N = np.flatnonzero(~window.special_N)
        drawn_N = random.random(len(at_N))
        seen += len(at_N)
        kept = np.sort(np.argsort(drawn_N, kind="stable")[:count])
        starts = start_S[sentence_N[at_N[kept]]]
        new = {
            "sentence_id": sentence_N[at_N[kept]] + window.before.sentences,
            "position": at_N[kept] - starts,
            "token_ids": [
                window.ids_N[start : at + 1] for start, at in zip(starts, at_N[kept], strict=True)
            ],
        }
        rows = pd.concat([rows, pd.DataFrame(new)], ignore_index=True)
        number = np.concatenate([number, drawn_N[kept]])
        lowest = np.sort(np.argsort(number, kind="stable")[:count])
        rows, number = rows.iloc[lowest].reset_index(drop=True), number[lowest]
        progress(reading.counts.tokens, window.expected_tokens)
    if not len(rows):
        raise CorpusError(f"{corpus.name} holds no prefix to draw.")
    return Prefixes(
        rows["sentence_id"].to_numpy(np.int64), rows["position"].to_numpy(np.int64),
        [ids.astype(np.int32) for ids in rows["token_ids"]], seen, reading.digest.hexdigest(),
    )  # fmt: skip


@torch.inference_mode()
def top_of_values(
    loaded: LoadedModel,
    layers: Iterable[int],
    variant: str = "plain",
    progress: Progress = lambda _done, _expected: None,
) -> TopWords:
    """top(v_i) of every value of these layers: once a value, not once a prefix."""
    readout, top, chosen = loaded.readout, {}, list(layers)
    assert readout is not None
    for number, layer in enumerate(chosen):
        rows_FD = value_rows(loaded.values[layer])
        top[layer] = _best(readout, rows_FD, lambda rows: readout.scores(rows, variant))
        progress(number + 1, len(chosen))
    return top


@torch.inference_mode()
def composition_table(
    loaded: LoadedModel,
    prefixes: Prefixes,
    layers: list[int],
    top: TopWords,
    *,
    variant: str = "plain",
    progress: Progress = lambda _done, _expected: None,
) -> pa.Table:
    """composition.parquet: one row a layer and prefix. ModelError where r + y is not the stream."""
    check_stream(loaded)
    token_ids = dict(enumerate(prefixes.token_ids))
    done, expected = 0, sum(map(len, prefixes.token_ids))
    parts = []
    for group in equal_lengths(token_ids, token_ids, TOGETHER):
        equal = [token_ids[sample] for sample in group]
        columns = _run_equal(loaded, equal, layers, top, variant)
        places = {"layer": np.repeat(layers, len(group)), "sample": np.tile(group, len(layers))}
        parts.append(pd.DataFrame(places | columns))
        done += len(group) * len(equal[0])
        progress(done, expected)
    table = pd.concat(parts).sort_values(["layer", "sample"], ignore_index=True)
    table["sentence_id"] = prefixes.sentence_id[table["sample"]]
    table["position"] = prefixes.position[table["sample"]]
    schema = SCHEMAS["composition"]
    return pa.Table.from_pandas(table[schema.names], schema, preserve_index=False)


def _run_equal(
    loaded: LoadedModel,
    equal: list[npt.NDArray[np.int32]],
    layers: list[int],
    top: TopWords,
    variant: str,
) -> dict[str, npt.NDArray[np.generic]]:
    """Columns of composition.parquet for prefixes of one length, layer by layer."""
    readout, last = loaded.readout, len(loaded.values) - 1
    assert readout is not None
    fed_BU = torch.tensor(np.array([[*loaded.lead_ids, *ids] for ids in equal], dtype=np.int64))
    with last_tokens(loaded, {*layers, last}, len(equal)) as seen:
        loaded.model(input_ids=at_least(fed_BU).to(loaded.device), use_cache=False)
    leaving_BD = seen.residual_BD[last] + seen.added_BD[last]
    final_B = _best(readout, leaving_BD, readout.model_scores)
    residual_ND, added_ND = (
        torch.cat([of_layer[layer] for layer in layers])
        for of_layer in (seen.residual_BD, seen.added_BD)
    )
    final_N = final_B.repeat(len(layers))
    read = [*summarise(readout, variant, residual_ND, final_N, 1)]
    residual_N = torch.cat([summary.ids_Nk[:, 0] for summary in read])
    added_N, sum_N = (
        _best(readout, hidden_ND, lambda rows: readout.scores(rows, variant))
        for hidden_ND in (added_ND, residual_ND + added_ND)
    )
    active, agreement = [], []
    for layer, top_B in zip(layers, torch.split(added_N, len(equal)), strict=True):
        active_BF = seen.coefficient_BF[layer] > 0
        active.append(active_BF.float().mean(1))
        agreement.append((active_BF & (top[layer] == top_B[:, None])).any(1))
    columns = {
        "active_share": torch.cat(active),
        "zero_agreement": ~torch.cat(agreement),
        "residual_matches": residual_N == final_N,
        "residual_probability": torch.cat([summary.asked_probability_N for summary in read]),
    }
    own = {name: column.cpu().numpy() for name, column in columns.items()}
    tops = (words.cpu().numpy() for words in (residual_N, added_N, sum_N))
    return own | {"category": categories(*tops)}


def categories(
    residual_N: npt.NDArray[np.int64], added_N: npt.NDArray[np.int64], sum_N: npt.NDArray[np.int64]
) -> npt.NDArray[np.generic]:
    """Figure 10: which of top(r) and top(y) the sum o predicts: both, one or neither."""
    as_residual, as_added = sum_N == residual_N, sum_N == added_N
    names = ["agreement", "residual", "ffn"]
    return np.select(
        [as_residual & as_added, as_residual, as_added], names, default="composition"
    ).astype(object)


def _best(
    readout: Readout, hidden_ND: torch.Tensor, scores: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """[N] the best word of each hidden vector."""
    at_once = CPU_SCORES if hidden_ND.device.type == "cpu" else GPU_SCORES
    step = max(1, at_once // readout.vocabulary)
    return torch.cat(
        [
            best_words(scores(hidden_ND[start : start + step]), 1)[1][:, 0]
            for start in range(0, len(hidden_ND), step)
        ]
    )
