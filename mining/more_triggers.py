"""More triggers than a run holds, of a few of its keys: mined again, with more places.

The corpus is read and the model run as mining does it, but only these keys are looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from mining.collect import Progress
from mining.corpus import Corpus
from mining.errors import CorpusError
from mining.interrupts import StopRequests
from mining.miner import MiningOptions, fetch, new_pass, settled
from mining.models import LoadedModel
from mining.run_folder import RunFolder
from mining.settle import Found
from mining.trigger_tables import trigger_table

Keys = Mapping[int, npt.NDArray[np.int64]]  # ascending, by layer


@dataclass(frozen=True)
class Triggers:
    """Positive triggers, sorted by layer, key, rank, and the sentences that they are from."""

    rows: pd.DataFrame  # the columns of triggers.parquet
    token_ids: Mapping[int, npt.NDArray[np.int32]]  # by sentence id


def read_limit(run: RunFolder) -> int | None:
    """How many of the corpus's own sentences the run was made from; None: all."""
    limit: int | None = run.manifest.extra.get("asked", {}).get("--max-sentences")
    return limit


def check_same_text(run: RunFolder, corpus: Corpus, digest: str) -> None:
    """CorpusError if what was read is not what the run was mined from."""
    if digest != run.manifest.corpus_sha256:
        raise CorpusError(
            f"{corpus.name} is not the text that {run.path} was mined from: it has changed since."
            " Mine it again, into a new folder."
        )


@torch.inference_mode()
def more_triggers(
    run: RunFolder,
    loaded: LoadedModel,
    corpus: Corpus,
    keys: Keys,
    top_k: int,
    stops: StopRequests,
    *,
    progress: Progress = lambda _mined, _expected: None,
    notice: Callable[[str], None] = lambda _line: None,
) -> Triggers:
    """Up to `top_k` positive triggers of these keys; read from the run if it holds as many."""
    keys = {layer: own for layer, own in keys.items() if len(own)}
    if not keys or run.manifest.top_k >= top_k:
        return _of_run(run, keys, top_k)
    options = MiningOptions(
        top_k, [*keys], run.manifest.per_sentence, max_sentences=read_limit(run)
    )
    only = {layer: torch.from_numpy(own).to(loaded.device) for layer, own in keys.items()}
    one_pass = new_pass(loaded, corpus, None, options, {}, only)
    one_pass.progress, one_pass.notice = progress, notice
    reading = one_pass.run(stops)
    check_same_text(run, corpus, reading.digest.hexdigest())
    found: Found = {}
    for layer, own in keys.items():
        places = one_pass.memory[layer].best[1].result().cpu()
        found[layer, 1] = replace(places, key_N=torch.from_numpy(own)[places.key_N])
    sentences = fetch(found, reading)
    found, _ = settled(found, loaded, sentences, options, notice)
    token_ids = {sentence: sentences[sentence].token_ids for sentence in sentences}
    return Triggers(trigger_table(found, sentences).to_pandas(), token_ids)


def _of_run(run: RunFolder, keys: Keys, top_k: int) -> Triggers:
    parts = [run.triggers(-1)]  # no such layer: the columns alone
    for layer, own in keys.items():
        triggers = run.triggers(layer)
        wanted = (triggers["sign"] > 0) & (triggers["rank"] <= top_k) & triggers["key"].isin(own)
        parts.append(triggers[wanted])
    rows = pd.concat(parts, ignore_index=True)
    stored = run.sentences()["token_ids"]
    return Triggers(rows, {int(at): stored.at[at] for at in rows["sentence_id"].unique()})
