"""The slow re-computation that the analyses are compared with: one prefix at a time, plain loops.

Written from the paper's definitions; it shares no line with `mining/`. A prefix is run by itself
through the transformers model in float32, with hooks of its own; norms, scores and softmax are
worked out here in float64. r is what enters the norm before the feed-forward block, y what the
down-projection gives (bias included), o = r + y.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import torch
from checkpoints import Checkpoint
from oracle import Oracle, Trigger
from tiny_models import coefficients_alone
from transformers import AutoModelForCausalLM, PreTrainedModel

CLOSE = 1e-4  # scores nearer than this may change places by rounding
Vector = np.ndarray


@dataclass(frozen=True)
class Architecture:
    """Where transformers keeps the parts of a sequential decoder."""

    blocks: str
    entry: str  # the norm before the feed-forward block: its input is r
    down: str
    final_norm: str


ARCHITECTURES = {
    "gpt2": Architecture("transformer.h", "ln_2", "mlp.c_proj", "transformer.ln_f"),
    "llama": Architecture(
        "model.layers", "post_attention_layernorm", "mlp.down_proj", "model.norm"
    ),
}


@dataclass(frozen=True)
class State:
    """What the model makes of a prefix's last token; L layers."""

    coefficients: Vector  # [L, keys]
    residual: Vector  # [L, d] r
    update: Vector  # [L, d] y
    output: Vector  # [L, d] o
    logits: Vector  # [V] the model's own


@dataclass(frozen=True)
class Composition:
    """One expected row of composition.parquet; `certain`: no comparison in it is a near tie."""

    active_share: float
    zero_agreement: bool
    residual_matches: bool
    residual_probability: float
    category: str
    certain: bool


class AnalysisOracle(Oracle):
    """A checkpoint's values, removals and compositions over some sentences."""

    def __init__(
        self, checkpoint: Checkpoint, sentences: Sequence[str], variant: str = "plain"
    ) -> None:
        self._read(checkpoint, sentences)
        self.lead = list(checkpoint.begins_with)
        self.model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(
            checkpoint.folder, dtype=torch.float32
        ).eval()
        self._parts = ARCHITECTURES[self.model.config.model_type]
        self._blocks = list(self.model.get_submodule(self._parts.blocks))
        self._folded = variant == "folded"
        self._embedding = _numbers(self.model.get_output_embeddings().weight)  # [V, d]
        # Only the triggers come from these; everything else runs its prefix by itself.
        self.coefficients = [self._whole(ids) for ids in self.token_ids]
        self.state = cache(self._state)
        self.value_top = cache(self._value_top)

    @property
    def vocabulary(self) -> int:
        return len(self._embedding)

    # -- scores ---------------------------------------------------------------------------------

    def scores(self, hidden: Vector) -> Vector:
        """h · E, with the final norm first in the folded variant."""
        return self._embedding @ (self._normed(hidden) if self._folded else hidden)

    def probabilities(self, hidden: Vector) -> Vector:
        return softmax(self.scores(hidden))

    def value(self, layer: int, key: int) -> Vector:
        """v_i; GPT-2 keeps values as rows, Llama as columns."""
        module = self._blocks[layer].get_submodule(self._parts.down)
        weight = _numbers(module.weight)
        return weight[:, key] if isinstance(module, torch.nn.Linear) else weight[key]

    def _normed(self, hidden: Vector) -> Vector:
        norm = self.model.get_submodule(self._parts.final_norm)
        gain = _numbers(norm.weight)
        if isinstance(norm, torch.nn.LayerNorm):
            centred = hidden - hidden.mean()
            return centred / np.sqrt((centred**2).mean() + norm.eps) * gain + _numbers(norm.bias)
        return hidden / np.sqrt((hidden**2).mean() + norm.variance_epsilon) * gain

    def _value_top(self, layer: int, key: int) -> tuple[int, bool]:
        return top(self.scores(self.value(layer, key)))

    # -- states ---------------------------------------------------------------------------------

    def _whole(self, ids: Sequence[int]) -> Vector:
        if not ids:
            keys = self.model.get_submodule(self._parts.blocks)[0]
            return np.zeros((len(self._blocks), 0, _width(keys.get_submodule(self._parts.down))))
        found: Vector = coefficients_alone(self.model, [*self.lead, *ids]).numpy()
        return found[:, len(self.lead) :]

    def _state(self, ids: tuple[int, ...]) -> State:
        """A prefix as a sentence of its own, whatever must lead it in front."""
        seen: dict[tuple[str, int], Vector] = {}

        def entered(part: str, layer: int, _: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
            seen[part, layer] = _numbers(inputs[0].reshape(-1, inputs[0].shape[-1])[-1])

        def left(layer: int, _: torch.nn.Module, __: object, output: torch.Tensor) -> None:
            seen["update", layer] = _numbers(output.reshape(-1, output.shape[-1])[-1])

        hooks = []
        for layer, block in enumerate(self._blocks):
            entry, down = (block.get_submodule(p) for p in (self._parts.entry, self._parts.down))
            hooks.append(entry.register_forward_pre_hook(partial(entered, "residual", layer)))
            hooks.append(down.register_forward_pre_hook(partial(entered, "memories", layer)))
            hooks.append(down.register_forward_hook(partial(left, layer)))
        with torch.inference_mode():
            logits = self.model(torch.tensor([[*self.lead, *ids]]), use_cache=False).logits[0, -1]
        for hook in hooks:
            hook.remove()
        stacked = {
            part: np.stack([seen[part, layer] for layer in range(len(self._blocks))])
            for part in ("memories", "residual", "update")
        }
        return State(
            stacked["memories"], stacked["residual"], stacked["update"],
            stacked["residual"] + stacked["update"], _numbers(logits),
        )  # fmt: skip

    # -- the analyses ---------------------------------------------------------------------------

    def after_removal(self, row: Trigger, token: int) -> float:
        """The key's coefficient at the end of the trigger prefix without its token number so."""
        ids = self.token_ids[row.sentence_id][: row.position + 1]
        rest = ids[:token] + ids[token + 1 :]
        return float(self.state(tuple(rest)).coefficients[row.layer, row.key])

    def composition(self, layer: int, sentence_id: int, position: int) -> Composition:
        state = self.state(tuple(self.token_ids[sentence_id][: position + 1]))
        prediction, sure_prediction = top(state.logits)
        top_r, sure_r = top(self.scores(state.residual[layer]))
        top_y, sure_y = top(self.scores(state.update[layer]))
        top_o, sure_o = top(self.scores(state.output[layer]))
        memories = state.coefficients[layer]
        own = [self.value_top(layer, int(key)) for key in np.flatnonzero(memories > 0)]
        if top_o == top_r:
            category = "agreement" if top_o == top_y else "residual"
        else:
            category = "ffn" if top_o == top_y else "composition"
        nearly_zero = (memories != 0) & (np.abs(memories) < CLOSE)
        return Composition(
            active_share=len(own) / len(memories),
            zero_agreement=all(word != top_y for word, _ in own),
            residual_matches=top_r == prediction,
            residual_probability=float(self.probabilities(state.residual[layer])[prediction]),
            category=category,
            certain=all([sure_prediction, sure_r, sure_y, sure_o, not nearly_zero.any()])
            and all(sure for _, sure in own),
        )


def top(scores: Vector) -> tuple[int, bool]:
    """The best word, of equals the lowest id; and whether no other comes close."""
    best = int(np.argmax(scores))
    others = np.delete(scores, best)
    return best, bool(scores[best] - others.max() > CLOSE)


def softmax(scores: Vector) -> Vector:
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def rank_of(scores: Vector, word: int) -> int:
    """From 1: how many words stand before it, of equals those with a lower id."""
    before = 0
    for other, score in enumerate(scores):
        if score > scores[word] or (score == scores[word] and other < word):
            before += 1
    return before + 1


def _numbers(tensor: torch.Tensor) -> Vector:
    found: Vector = tensor.detach().numpy().astype(np.float64)
    return found


def _width(down: torch.nn.Module) -> int:
    rows, columns = down.weight.shape
    return int(columns if isinstance(down, torch.nn.Linear) else rows)
