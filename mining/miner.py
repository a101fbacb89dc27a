"""Mining from end to end: one pass over the corpus, the winners settled, the run folder written.

What is kept while the corpus streams by is layers × keys × places; text is fetched again at the
end for the sentences that won a place.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from mining import __version__
from mining.activity import obstacle, slower
from mining.checkpoint import Checkpoints, refuse_difference
from mining.collect import Pass, Progress
from mining.corpus import Corpus
from mining.errors import CorpusError, KeyholeError, ModelError, RunFolderError
from mining.interrupts import stop_requests
from mining.layer_memory import LayerMemory
from mining.models import LoadedModel, load_model
from mining.reading import Reading
from mining.run_folder import MANIFEST, SHARDS, Manifest, RunFolder, RunWriter, new_run_folder
from mining.settle import SPARE, Found, Settler
from mining.spare_memory import give_back
from mining.trigger_tables import (
    key_table,
    read_again,
    trigger_table,
)
from mining.winning_sentences import WinningSentences

CPU_BATCH_TOKENS, GPU_BATCH_TOKENS = 4_096, 65_536
_READ_AT_ONCE = 1_024  # sentences whose offsets the tokenizer holds
OVER_RETAINED = 4  # places kept under bfloat16, as a multiple of top_k


@dataclass(frozen=True)
class MiningOptions:
    """What to mine; the defaults are the paper's."""

    top_k: int = 25
    layers: list[int] | None = None  # None: all
    per_sentence: str = "one"  # one | all
    sign: str = "positive"  # positive | both
    max_sentences: int | None = None
    batch_tokens: int | None = None  # None: by device
    resume: bool = False  # go on with an interrupted run, if there is one
    checkpoint_seconds: float = 60.0

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
        if not chosen:
            raise ModelError("--layers names no layer; give at least one, or none for all.")
        for layer in chosen:
            if not 0 <= layer < layers:
                raise ModelError(
                    f"--layers: there is no layer {layer}; the model has 0 to {layers - 1}."
                )
        return chosen


@torch.inference_mode()
def mine(
    loaded: LoadedModel,
    corpus: Corpus,
    out: Path,
    options: MiningOptions,
    progress: Progress = lambda _mined, _expected: None,
    notice: Callable[[str], None] = lambda _line: None,
) -> Manifest:
    """Write the run folder `out`: the top triggers of every key.

    If it fails it leaves nothing, or what `resume` can go on from. `notice` is told in a line
    what the user should know of while it runs.
    """
    options.check()
    layers = options.chosen_layers(len(loaded.values))
    asked = asked_of(loaded, corpus, layers, options)
    with new_run_folder(out, resume=options.resume) as writer, stop_requests() as stops:
        if (out / MANIFEST).exists():
            complete = RunFolder.open(out).manifest
            refuse_difference(complete.extra["asked"], asked, out)
            return complete
        if (out / SHARDS).exists():
            raise RunFolderError(
                f"{out} was begun with --cluster; go on with it, or mine into another --out."
            )
        one_pass = new_pass(loaded, corpus, out, options, asked)
        one_pass.progress, one_pass.notice = progress, notice
        if line := slower("Mining", loaded.device):
            notice(line)
        reading = one_pass.run(stops)
        mined = Mined(
            one_pass.memory, reading, one_pass.command_line, one_pass.halved,
            tokens_per_second=reading.counts.tokens / one_pass.seconds,
            sentences=fetch(places_held(one_pass.memory), reading),
        )  # fmt: skip
        return finish(writer, mined, options, asked, lambda: one_pass.seconds, notice)


@dataclass(frozen=True)
class Mined:
    """What was found in a whole corpus, before it is settled."""

    memory: dict[int, LayerMemory]  # by layer
    reading: Reading  # of the corpus, to its end
    command_line: list[str]
    halved: int
    tokens_per_second: float
    sentences: WinningSentences


def finish(
    writer: RunWriter,
    mined: Mined,
    options: MiningOptions,
    asked: dict[str, Any],
    seconds: Callable[[], float],
    notice: Callable[[str], None],
) -> Manifest:
    """Settle what was found and write the run; `seconds`: spent on it so far."""
    loaded, sentences, counts = mined.reading.loaded, mined.sentences, mined.reading.counts
    if not counts.tokens:
        raise CorpusError(f"{mined.reading.corpus.name} holds no sentence with a token to mine.")
    found, account = settled(places_held(mined.memory), loaded, sentences, options, notice)
    writer.write("sentences", sentences.table(winners(found)))
    writer.write("triggers", trigger_table(found, sentences))
    activity = {layer: memory.activity for layer, memory in mined.memory.items()}
    writer.write("keys", key_table(found, activity))
    if mined.halved:
        account["batches_halved"] = mined.halved
    manifest = _manifest(mined.reading, [*mined.memory], options)
    manifest.update(
        command_line=mined.command_line,
        wall_seconds=round(seconds(), 3),
        tokens_per_second=round(mined.tokens_per_second, 1),
        extra={"asked": asked} | account,
    )
    complete = Manifest(**manifest)
    writer.finish(complete)
    return complete


def places_held(memory: Mapping[int, LayerMemory]) -> Found:
    """The places of each (layer, sign), on the processor."""
    return {
        (layer, sign): best.result().cpu()
        for layer, of_layer in memory.items()
        for sign, best in of_layer.best.items()
    }


def new_pass(
    loaded: LoadedModel,
    corpus: Corpus,
    out: Path | None,
    options: MiningOptions,
    asked: dict[str, Any],
    only: Mapping[int, torch.Tensor] | None = None,
) -> Pass:
    """A pass over the corpus that has not begun; `asked` is what it must be resumed with.

    Without `out` it keeps no checkpoint. `only`: these keys of each layer.
    """
    # Under bfloat16 the order found is only roughly the true one: keep more, to score them anew.
    wider = 1 if loaded.dtype == "float32" else OVER_RETAINED
    by_device = CPU_BATCH_TOKENS if loaded.device.type == "cpu" else GPU_BATCH_TOKENS
    places = wider * options.top_k + SPARE[options.per_sentence]
    chosen = only or {}
    memory = {
        layer: LayerMemory(
            len(chosen[layer]) if layer in chosen else loaded.d_ff, places, loaded.device,
            signs=(1, -1) if options.sign == "both" else (1,), every=options.per_sentence == "all",
            only=chosen.get(layer), once=not obstacle(loaded.device),
        )
        for layer in options.chosen_layers(len(loaded.values))
    }  # fmt: skip
    return Pass(
        loaded, Reading(corpus, loaded, options.max_sentences), memory, asked, command_line(),
        Checkpoints(out, options.checkpoint_seconds) if out is not None else None,
        options.batch_tokens or by_device,
    )  # fmt: skip


def command_line() -> list[str]:
    """The words that a run was begun with."""
    return [word for word in sys.argv if word != "--resume"]


def settled(
    found: Found,
    loaded: LoadedModel,
    sentences: WinningSentences,
    options: MiningOptions,
    notice: Callable[[str], None],
) -> tuple[Found, dict[str, Any]]:
    """The places in their final order, and an account of it for the manifest."""
    every = options.per_sentence == "all"
    if loaded.dtype == "float32":
        settler = Settler(found, loaded, sentences, options.top_k, every)
        settler.settle()
        best, moved = settler.result()
        return best, {"near_ties_settled": moved}
    exact = load_model(loaded.name, dtype="float32", device=str(loaded.device))
    settler = Settler(found, exact, sentences, options.top_k, every)
    settler.rescore()
    best, moved = settler.result()
    notice(
        f"{loaded.dtype}: {moved:,} of {sum(map(len, best.values())):,} places changed hands"
        f" when {len(sentences):,} sentences were scored again in float32."
    )
    return best, {"places_changed_by_float32": moved, "sentences_rescored": len(sentences)}


def winners(found: Found) -> set[int]:
    """The ids of all sentences that hold a place."""
    return {at for places in found.values() for at in places.sentence_N.tolist()}


def fetch(found: Found, reading: Reading) -> WinningSentences:
    """Read the winners' text again; CorpusError if the corpus is not what it was."""
    wanted = winners(found)
    again = reading.again()
    sentences = WinningSentences()
    for window in again.windows():
        chosen = [one for one in window.sentences if one.sentence_id in wanted]
        for start in range(0, len(chosen), _READ_AT_ONCE):
            read = read_again(reading.loaded, chosen[start : start + _READ_AT_ONCE])
            for at in sorted(read):
                sentences.add(read[at])
    give_back()
    if again.digest.digest() != reading.digest.digest():
        raise CorpusError(f"{reading.corpus.name} changed while it was being mined; mine again.")
    return sentences


def asked_of(
    loaded: LoadedModel, corpus: Corpus, layers: list[int], options: MiningOptions
) -> dict[str, Any]:
    """What a run is begun with and must be resumed with, as the user would name it."""
    return {
        "model (weights)": loaded.weights_sha256, "model (tokenizer)": loaded.tokenizer_sha256,
        "corpus": corpus.name, "--text-column": corpus.text_column, "--top-k": options.top_k,
        "--layers": layers, "--per-sentence": options.per_sentence, "--sign": options.sign,
        "--dtype": loaded.dtype, "--device": loaded.device.type,
        "--max-sentences": options.max_sentences, "--batch-tokens": options.batch_tokens,
        "library versions": versions(),
    }  # fmt: skip


def versions() -> dict[str, str]:
    """Of everything that numbers or text may depend on."""
    packages = ("torch", "transformers", "tokenizers", "numpy", "pyarrow", "sentencex")
    python = ".".join(map(str, sys.version_info[:3]))
    return {"keyhole": __version__, "python": python} | {name: version(name) for name in packages}


def _manifest(reading: Reading, layers: list[int], options: MiningOptions) -> dict[str, Any]:
    loaded, corpus = reading.loaded, reading.corpus
    return {
        "model": loaded.name, "model_revision": loaded.revision,
        "architecture": loaded.architecture, "weights_sha256": loaded.weights_sha256,
        "layers": len(loaded.values), "d_model": loaded.d_model, "d_ff": loaded.d_ff,
        "activation": loaded.activation, "gated": loaded.layout.gated,
        "tokenizer_sha256": loaded.tokenizer_sha256,
        "corpus": corpus.name, "corpus_sha256": reading.digest.hexdigest(),
        "sentences": reading.counts.sentences, "tokens": reading.counts.tokens,
        "skipped": reading.counts.skipped(corpus),
        "bos": bool(loaded.lead_ids), "top_k": options.top_k, "per_sentence": options.per_sentence,
        "ranked": f"input of {loaded.layout.value} (memory coefficient)", "sign": options.sign,
        "dtype": loaded.dtype, "device": str(loaded.device),
        "seed": 0,  # nothing in mining is random
        "mined_layers": layers, "versions": versions(),
    }  # fmt: skip
