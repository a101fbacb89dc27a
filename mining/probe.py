"""What keys make of any text: its memory coefficients, as mining would have read them.

A text is one sentence, fed alone with whatever special tokens the model wants before it.

Shapes: T tokens of the text, K keys asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Group
from rich.table import Table
from rich.text import Text

from mining.alone import feed_alone
from mining.corpus import Sentence
from mining.errors import CorpusError, ModelError
from mining.models import LoadedModel, load_model
from mining.run_folder import RunFolder
from mining.trigger_tables import read_again


@dataclass(frozen=True)
class ProbedText:
    """A text as the model read it, and what the keys made of each token."""

    token_ends: npt.NDArray[np.int32]  # [T] character offset after each token
    coefficients: npt.NDArray[np.float32]  # [T, K]
    ranked: npt.NDArray[np.bool_]  # [T] False at special tokens, which are never triggers


class Probe:
    """A model that any text can be shown to."""

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded

    @classmethod
    def of_run(cls, run: RunFolder, model: str | None = None, device: str = "auto") -> "Probe":
        """A probe with the model that a run was mined with; see `model_of_run`."""
        return cls(model_of_run(run, model, device))

    @torch.inference_mode()
    def coefficients(self, text: str, layer: int, keys: Sequence[int]) -> ProbedText:
        """The coefficient of each of a layer's keys at each token of the text.

        Raises CorpusError for a text without a token or longer than the model reads at once,
        ModelError for a layer or a key that the model does not have.
        """
        loaded = self.loaded
        _check(loaded, layer, keys)
        if not _encodable(text):
            raise CorpusError("The text holds half a surrogate pair; type it again.")
        read = read_again(loaded, [Sentence(0, 0, text)])[0]
        if not len(read.token_ids) or not text.strip():
            raise CorpusError("There is no token in this text; type a word or more.")
        if len(read.token_ids) > loaded.room:
            raise CorpusError(
                f"The text has {len(read.token_ids):,} tokens, and {loaded.name} reads"
                f" {loaded.room:,} at once; shorten it."
            )
        seen: list[torch.Tensor] = []

        def keep(_layer: int, coefficient_1TF: torch.Tensor) -> None:
            seen.append(coefficient_1TF[0][:, list(keys)].float().cpu())

        feed_alone(loaded, [read.token_ids.tolist()], [layer], keep)
        coefficient_TK = seen[0].numpy()
        if not np.isfinite(coefficient_TK).all():
            raise ModelError(
                f"Layer {layer} makes this text infinite or no number; the weights are damaged."
            )
        ranked_T = ~np.isin(read.token_ids, loaded.tokenizer.all_special_ids)
        return ProbedText(read.token_ends, coefficient_TK, ranked_T)


def model_of_run(
    run: RunFolder, model: str | None = None, device: str = "auto", *, readout: bool = False
) -> LoadedModel:
    """The model that a run was mined with, in float32; `model`: where it is now, if elsewhere.

    Raises ModelError if it cannot be loaded, or is not the one; see `check_model_of_run`.
    """
    try:
        loaded = load_model(model or run.manifest.model, device=device, readout=readout)
    except ModelError as mistake:
        if model:
            raise
        raise ModelError(
            f"The model that {run.path} was mined with cannot be loaded: {mistake} If it has moved,"
            " say where it is with --model."
        ) from None
    check_model_of_run(run, loaded)
    return loaded


def check_model_of_run(run: RunFolder, loaded: LoadedModel) -> None:
    """ModelError unless weights and tokenizer are those that the manifest tells of."""
    manifest = run.manifest
    for part, found, mined in (
        ("set of weights", loaded.weights_sha256, manifest.weights_sha256),
        ("tokenizer", loaded.tokenizer_sha256, manifest.tokenizer_sha256),
    ):
        if found != mined:
            raise ModelError(
                f"{loaded.name} is not the model that {run.path} was mined with: it has another"
                f" {part} (SHA-256 {found[:12]}…, in the manifest {mined[:12]}…); say where the"
                " right one is with --model."
            )


def yardstick(run: RunFolder, layer: int, key: int) -> float | None:
    """The coefficient of the key's last trigger, what a text has to reach to be one; None: none."""
    triggers = run.triggers(layer, key)
    coefficients = triggers.loc[triggers["sign"] > 0, "coefficient"]
    return float(coefficients.iloc[-1]) if len(coefficients) else None


def probe_view(probe: Probe, run: RunFolder, layer: int, key: int, text: str) -> Group:
    """A text's tokens and what a key of the run makes of each, as a terminal table."""
    probed = probe.coefficients(text, layer, [key])
    least = yardstick(run, layer, key)
    table = Table(box=None, pad_edge=False)
    table.add_column("coefficient", justify="right")
    table.add_column("token", no_wrap=True)
    table.add_column("")
    start = 0
    for end, coefficient, ranked in zip(
        probed.token_ends.tolist(), probed.coefficients[:, 0], probed.ranked, strict=True
    ):
        reached = bool(ranked) and least is not None and coefficient >= least
        said = "" if ranked else "special: never a trigger"
        table.add_row(
            f"{coefficient:.3f}",
            Text(repr(text[start:end])),  # quoted, so that white space and control characters show
            Text("as high as its triggers" if reached else said),
            style="bold" if reached else "",
        )
        start = end
    triggers = run.triggers(layer, key)
    head = Text(f"{run.manifest.model}, layer {layer}, key {key}: ", "bold")
    head.append(
        "no trigger in this run"
        if least is None
        else f"{least:.3f} at the last of its {int((triggers['sign'] > 0).sum())} triggers",
        "not bold",
    )
    return Group(head, table)


def _check(loaded: LoadedModel, layer: int, keys: Sequence[int]) -> None:
    if not 0 <= layer < len(loaded.values):
        last = len(loaded.values) - 1
        raise ModelError(f"There is no layer {layer}; {loaded.name} has 0 to {last}.")
    for key in keys:
        if not 0 <= key < loaded.d_ff:
            raise ModelError(f"There is no key {key}; a layer has 0 to {loaded.d_ff - 1}.")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
