"""The mining loop: one pass of the model over the corpus, every key of every layer at once.

What is kept while the corpus streams by is layers × keys × places; text is fetched again at the
end for the sentences that won a place.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from mining import __version__
from mining.activity import KeyActivity
from mining.batches import Batch, Reading, ahead, batches
from mining.capture import memory_coefficients
from mining.corpus import Corpus
from mining.errors import CorpusError, KeyholeError, ModelError
from mining.models import LoadedModel
from mining.run_folder import Manifest, new_run_folder
from mining.settle import SPARE, settle
from mining.topk import Places, RunningTopK, prefix_hashes
from mining.trigger_tables import (
    ReadSentence,
    key_table,
    read_again,
    sentence_table,
    trigger_table,
)

CPU_BATCH_TOKENS, GPU_BATCH_TOKENS = 4_096, 65_536
Progress = Callable[[int, int], None]  # (tokens mined, tokens expected or 0)
Found = dict[tuple[int, int], Places]  # (layer, sign) → places


@dataclass(frozen=True)
class MiningOptions:
    """What to mine; the defaults are the paper's."""

    top_k: int = 25
    layers: list[int] | None = None  # None: all
    per_sentence: str = "one"  # one | all
    sign: str = "positive"  # positive | both
    max_sentences: int | None = None
    batch_tokens: int | None = None  # None: by device

    def check(self) -> None:
        """Raise a KeyholeError that names the option that does not fit."""
        for name, value in (
            ("--top-k", self.top_k),
            ("--max-sentences", self.max_sentences),
            ("--batch-tokens", self.batch_tokens),
        ):
            if value is not None and value < 1:
                raise KeyholeError(f"{name} {value} finds nothing; give at least 1.")
        for name, chosen, known in (
            ("--per-sentence", self.per_sentence, ("one", "all")),
            ("--sign", self.sign, ("positive", "both")),
        ):
            if chosen not in known:
                raise KeyholeError(f"{name} {chosen} is not known; use {' or '.join(known)}.")

    def chosen_layers(self, layers: int) -> list[int]:
        """The layers to mine of a model that has so many; ModelError for one it has not."""
        chosen = list(range(layers)) if self.layers is None else sorted(set(self.layers))
        for layer in chosen:
            if not 0 <= layer < layers:
                raise ModelError(
                    f"--layers: there is no layer {layer}; the model has 0 to {layers - 1}."
                )
        return chosen


class LayerMemory:
    """What is remembered of one layer while the corpus streams by."""

    def __init__(self, loaded: LoadedModel, options: MiningOptions) -> None:
        signs = (1, -1) if options.sign == "both" else (1,)
        places = options.top_k + SPARE
        self.best = {sign: RunningTopK(loaded.d_ff, places, loaded.device) for sign in signs}
        self.activity = KeyActivity(loaded.d_ff, loaded.device)

    def add(self, coefficient_BTF: torch.Tensor, batch: "PlacedBatch", per_sentence: str) -> None:
        """Take from one batch's coefficients what this layer needs."""
        mask_BT = batch.mask_BT
        ranked_XYF = coefficient_BTF if mask_BT is None else coefficient_BTF[mask_BT][None]
        self.activity.add(ranked_XYF)
        for sign, best in self.best.items():
            if per_sentence == "all":
                ranked_NF = ranked_XYF.reshape(-1, ranked_XYF.shape[-1])
                row_N, column_N = batch.ranked_positions()
                sentence_N = batch.sentence_ids_B[row_N]
                hash_N = batch.prefix_BT[row_N, column_N]
                best.offer_all(sign * ranked_NF, sentence_N, column_N, hash_N)
                continue
            signed_BTF = coefficient_BTF if sign == 1 else -coefficient_BTF
            if mask_BT is not None:
                signed_BTF = signed_BTF.masked_fill(~mask_BT[..., None], -torch.inf)
            best.offer_best(signed_BTF, batch.sentence_ids_B, batch.prefix_BT)


@dataclass(frozen=True)
class PlacedBatch:
    """A batch on the model's device; T counts the sentences' own tokens, without leading ones."""

    fed_BU: torch.Tensor  # token ids as fed, leading special tokens included
    mask_BT: torch.Tensor | None  # False where nothing is ranked; None: everything is
    sentence_ids_B: torch.Tensor
    prefix_BT: torch.Tensor  # hash of each prefix

    @classmethod
    def of(cls, batch: Batch, loaded: LoadedModel) -> "PlacedBatch":
        """Move a batch to the device; positions count from the sentence's own first token."""
        lead = len(loaded.lead_ids)
        mask_BT = batch.rankable_BT[:, lead:]
        return cls(
            batch.ids_BT.to(loaded.device),
            None if bool(mask_BT.all()) else mask_BT.to(loaded.device),
            batch.sentence_ids_B.to(loaded.device),
            prefix_hashes(batch.ids_BT[:, lead:]).to(loaded.device),
        )

    def ranked_positions(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(row, column) of every ranked position, in the order of boolean indexing."""
        mask_BT = self.mask_BT
        if mask_BT is None:
            mask_BT = torch.ones_like(self.prefix_BT, dtype=torch.bool)
        row_N, column_N = mask_BT.nonzero(as_tuple=True)
        return row_N, column_N


@torch.inference_mode()
def mine(
    loaded: LoadedModel,
    corpus: Corpus,
    out: Path,
    options: MiningOptions,
    progress: Progress = lambda _mined, _expected: None,
) -> Manifest:
    """Write the run folder `out`: the top triggers of every key. Leaves nothing if it fails."""
    options.check()
    layers = options.chosen_layers(len(loaded.values))
    with new_run_folder(out) as writer:
        started = time.monotonic()
        reading, memory = collect(loaded, corpus, layers, options, progress)
        mining_seconds = time.monotonic() - started
        found = {
            (layer, sign): best.result()
            for layer in layers
            for sign, best in memory[layer].best.items()
        }
        sentences = fetch(found, loaded, corpus, options, reading)
        contexts = {
            at: [*loaded.lead_ids, *read.token_ids[: loaded.room]] for at, read in sentences.items()
        }
        found, moved = settle(found, loaded, contexts, options.top_k)
        used = winners(found)
        sentences = {at: read for at, read in sentences.items() if at in used}
        writer.write("sentences", sentence_table(sentences))
        writer.write("triggers", trigger_table(found, sentences, loaded))
        activity = {layer: memory[layer].activity for layer in layers}
        writer.write("keys", key_table(found, activity))
        manifest = _manifest(loaded, corpus, layers, options, reading)
        manifest.update(
            wall_seconds=round(time.monotonic() - started, 3),
            tokens_per_second=round(reading.tokens / mining_seconds, 1),
            extra={"near_ties_settled": moved},
        )
        complete = Manifest(**manifest)
        writer.finish(complete)
    return complete


def collect(
    loaded: LoadedModel,
    corpus: Corpus,
    layers: list[int],
    options: MiningOptions,
    progress: Progress,
) -> tuple[Reading, dict[int, LayerMemory]]:
    """Run the model over the corpus once; CorpusError if it holds no sentence."""
    reading = Reading()
    memory = {layer: LayerMemory(loaded, options) for layer in layers}
    lead = len(loaded.lead_ids)
    placed: PlacedBatch

    def consume(layer: int, coefficients: torch.Tensor) -> None:
        sentences, width = placed.fed_BU.shape
        coefficient_BTF = coefficients.reshape(sentences, width, -1)[:, lead:]
        memory[layer].add(coefficient_BTF, placed, options.per_sentence)

    by_device = CPU_BATCH_TOKENS if loaded.device.type == "cpu" else GPU_BATCH_TOKENS
    stream = batches(
        corpus, loaded, reading,
        batch_tokens=options.batch_tokens or by_device, max_sentences=options.max_sentences,
    )  # fmt: skip
    mined = 0
    with memory_coefficients(loaded.values, layers, consume):
        for batch in ahead(stream):
            placed = PlacedBatch.of(batch, loaded)
            loaded.model(input_ids=placed.fed_BU, use_cache=False)
            mined += batch.tokens
            progress(mined, batch.expected_tokens)
    if not reading.tokens:
        raise CorpusError(f"{corpus.name} holds no sentence with a token; nothing can be mined.")
    return reading, memory


def winners(found: Found) -> set[int]:
    """The ids of all sentences that hold a place."""
    return {at for places in found.values() for at in places.sentence_N.tolist()}


def fetch(
    found: Found, loaded: LoadedModel, corpus: Corpus, options: MiningOptions, reading: Reading
) -> dict[int, ReadSentence]:
    """Read the winners' text again; CorpusError if the corpus is not what it was."""
    wanted = winners(found)
    again, kept = Reading(), []
    for sentence in corpus:
        if options.max_sentences is not None and again.sentences == options.max_sentences:
            break
        again.sentences += 1
        again.digest.update(sentence.text.encode() + b"\n")
        if sentence.sentence_id in wanted:
            kept.append(sentence)
    if again.digest.digest() != reading.digest.digest():
        raise CorpusError(f"{corpus.name} changed while it was being mined; mine again.")
    return read_again(loaded, kept)


def _manifest(
    loaded: LoadedModel,
    corpus: Corpus,
    layers: list[int],
    options: MiningOptions,
    reading: Reading,
) -> dict[str, Any]:
    packages = ("torch", "transformers", "tokenizers", "numpy", "pyarrow", "sentencex")
    python = ".".join(map(str, sys.version_info[:3]))
    return {
        "model": loaded.name, "model_revision": loaded.revision,
        "architecture": loaded.architecture, "weights_sha256": loaded.weights_sha256,
        "layers": len(loaded.values), "d_model": loaded.d_model, "d_ff": loaded.d_ff,
        "activation": loaded.activation, "gated": loaded.layout.gated,
        "tokenizer_sha256": loaded.tokenizer_sha256,
        "corpus": corpus.name, "corpus_sha256": reading.digest.hexdigest(),
        "sentences": reading.sentences, "tokens": reading.tokens, "skipped": reading.skipped,
        "bos": bool(loaded.lead_ids), "top_k": options.top_k, "per_sentence": options.per_sentence,
        "ranked": f"input of {loaded.layout.value} (memory coefficient)", "sign": options.sign,
        "dtype": loaded.dtype, "device": str(loaded.device),
        "seed": 0,  # nothing in mining is random
        "command_line": sys.argv[:], "mined_layers": layers,
        "versions": {"keyhole": __version__, "python": python}
        | {package: version(package) for package in packages},
    }  # fmt: skip
