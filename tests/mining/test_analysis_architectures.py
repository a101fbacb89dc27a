"""Figures 6 to 10 of every architecture of LAYOUTS, against the model as transformers runs it.

o is the output of a block and y what its feed-forward block adds (behind a second norm, where an
architecture has one); r = o − y. So r holds the attention's output too where attention and
feed-forward run side by side. The final prediction is the whole model's own: with the head's bias.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from analysed_runs import Mined, mined_at, table
from analysis_oracle import top
from checkpoints import Checkpoint
from test_architectures import CASES, LAYERS, save
from transformers import AutoModelForCausalLM, AutoTokenizer

LINES = ["the cat sat on a mat", "a dog ran", "one two three cat", "bird", "red blue old new"]
CLOSE = 1e-4  # in proportion to the scores
SECOND_NORM = ("gemma2", "gemma3_text", "olmo2")
DOWN = {
    "gptj": "mlp.fc_out", "gpt2": "mlp.c_proj", "gpt_neo": "mlp.c_proj", "opt": "fc2",
    "phi": "mlp.fc2", **dict.fromkeys(("gpt_neox", "bloom", "falcon"), "mlp.dense_4h_to_h"),
}  # fmt: skip


class WholeModel:
    """One prefix at a time: what each block adds, what it puts out, what the model predicts."""

    def __init__(self, folder: Path, model_type: str) -> None:
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.embedding = self.model.get_output_embeddings().weight.detach().double().numpy()
        blocks = self.model.base_model.get_submodule(CASES[model_type][2])
        self.down = [block.get_submodule(DOWN.get(model_type, "mlp.down_proj")) for block in blocks]
        self.seen: dict[tuple[str, int], np.ndarray] = {}
        for layer, block in enumerate(blocks):
            second = model_type in SECOND_NORM
            adds = block.post_feedforward_layernorm if second else self.down[layer]
            adds.register_forward_hook(partial(self._keep_output, "y", layer))
            block.register_forward_hook(partial(self._keep_output, "o", layer))
            self.down[layer].register_forward_pre_hook(partial(self._keep_input, layer))

    def run(self, ids: list[int]) -> np.ndarray:
        with torch.inference_mode():
            logits = self.model(torch.tensor([ids]), use_cache=False).logits
        return last(logits)

    def value(self, layer: int, key: int) -> np.ndarray:
        weight = self.down[layer].weight.detach().double().numpy()
        return weight[:, key] if isinstance(self.down[layer], torch.nn.Linear) else weight[key]

    def _keep_input(self, layer: int, _: object, inputs: tuple[torch.Tensor]) -> None:
        self.seen["m", layer] = last(inputs[0])

    def _keep_output(self, name: str, layer: int, _: object, __: object, output: object) -> None:
        self.seen[name, layer] = last(output[0] if isinstance(output, tuple) else output)


def last(tensor: torch.Tensor) -> np.ndarray:
    """The last token's vector, copied: some architectures add to their tensors in place."""
    found: np.ndarray = tensor.reshape(-1, tensor.shape[-1])[-1].double().numpy().copy()
    return found


def clear(scores: np.ndarray) -> tuple[int, bool]:
    word, _ = top(scores)
    second = np.delete(scores, word).max()
    return word, bool(scores[word] - second > CLOSE * np.abs(scores).max())


@pytest.mark.parametrize("model_type", CASES)
def test_compositions_are_those_of_the_whole_model(model_type: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save(folder, model_type, CASES[model_type][0])
    tokenizer = AutoTokenizer.from_pretrained(folder)  # qwen2 makes a tokenizer of its own of it
    one: Mined = mined_at(tmp_path, Checkpoint(folder, (), frozenset(), 32), LINES, top_k=2)
    rows = table(one.analysed(only=("composition",), prefixes=1_000), "composition")
    whole = WholeModel(folder, model_type)
    sentences = [tokenizer(line, add_special_tokens=False)["input_ids"] for line in LINES]
    ranked = [i for ids in sentences for i in ids if i not in tokenizer.all_special_ids]
    assert len(rows) == LAYERS * len(ranked)
    compared = 0
    for row in rows.itertuples():
        prediction, sure = clear(whole.run(sentences[row.sentence_id][: row.position + 1]))
        m, y, o = (whole.seen[part, row.layer] for part in "myo")
        tops = [clear(whole.embedding @ hidden) for hidden in (o - y, y, o)]
        (r_word, _), (y_word, _), (o_word, _) = tops
        own = [clear(whole.embedding @ whole.value(row.layer, k)) for k in np.flatnonzero(m > 0)]
        scores = whole.embedding @ (o - y)
        chance = np.exp(scores - scores.max())[prediction] / np.exp(scores - scores.max()).sum()
        if not sure or not all(sure for _, sure in (*tops, *own)):
            continue
        compared += 1
        assert row.active_share == pytest.approx((m > 0).mean(), abs=1e-6)
        assert row.residual_probability == pytest.approx(chance, rel=2e-3, abs=1e-5)
        assert row.residual_matches == (r_word == prediction)
        assert row.zero_agreement == all(word != y_word for word, _ in own)
        if o_word == r_word:
            assert row.category == ("agreement" if o_word == y_word else "residual")
        else:
            assert row.category == ("ffn" if o_word == y_word else "composition")
    assert compared > 0.8 * len(rows)
