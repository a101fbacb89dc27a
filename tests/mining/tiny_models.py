"""Tiny random GPT-2 and Llama models for any tokenizer, loaded by mining and by transformers.

`coefficients_alone` runs any of these models by itself, without our code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizer_kinds import Kind
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
)

from mining.models import LoadedModel

DOWN = ("mlp.c_proj", "mlp.down_proj", "mlp.dense_4h_to_h")  # as the models' own files name it


@dataclass(frozen=True)
class Case:
    """A checkpoint as mining loads it, and the same as transformers does."""

    loaded: LoadedModel
    whole: PreTrainedModel
    leads: list[int]
    ends: list[int]


def tiny_model(
    vocabulary: int, *, llama: bool, context: int = 256, seed: int = 0
) -> PreTrainedModel:
    """Two layers of 12 memories with random weights."""
    torch.manual_seed(seed)
    model: PreTrainedModel
    if llama:
        model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=vocabulary, hidden_size=8, intermediate_size=12, num_hidden_layers=2,
                num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=context,
                bos_token_id=None, eos_token_id=None,
            )
        )  # fmt: skip
    else:
        model = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=vocabulary, n_embd=8, n_inner=12, n_layer=2, n_head=2,
                n_positions=context, bos_token_id=None, eos_token_id=None,
            )
        )  # fmt: skip
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" not in name and "ln_" not in name:
                weight.normal_(std=0.5)
    return model.eval()


def save_kind(kind: Kind, folder: Path) -> Path:
    """The checkpoint folder of a tokenizer and a tiny random model for it."""
    tokenizer = kind.make()
    tiny_model(len(tokenizer), llama=kind.llama).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def coefficients_alone(model: PreTrainedModel, ids: Sequence[int]) -> torch.Tensor:
    """[layers, tokens, keys] of one sentence fed by itself: what each value is multiplied by."""
    seen: list[torch.Tensor] = []
    hooks = [
        module.register_forward_pre_hook(
            lambda _, inputs: seen.append(inputs[0].reshape(len(ids), -1))
        )
        for name, module in model.named_modules()
        if name.endswith(DOWN)
    ]
    with torch.inference_mode():
        model(input_ids=torch.tensor([[*ids]]), use_cache=False)
    for hook in hooks:
        hook.remove()
    return torch.stack(seen)
