"""Load a language model and find its memories, by the row of LAYOUTS that its architecture has."""

import hashlib
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mining.errors import ModelError
from mining.layouts import LAYOUTS, Layout
from mining.readout import Readout, readout_of

DEMO = "demo"
DEMO_FOLDER = Path(__file__).parent / "demo" / "model"
_PROBES = ("a", "1", ".", "の")  # text that most tokenizers know
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to mine: no gradients, evaluation mode, its output head only if asked for."""

    name: str
    model: nn.Module  # the base model: token ids in, hidden states out
    tokenizer: Any  # a fast tokenizer of transformers
    values: tuple[nn.Module, ...]  # one down-projection a layer
    layout: Layout
    architecture: str
    activation: str
    d_model: int
    d_ff: int
    context: int  # most tokens one sentence may have, leading ones included
    lead_ids: tuple[int, ...]  # special tokens fed before each sentence
    device: torch.device
    dtype: str
    weights_sha256: str
    tokenizer_sha256: str
    revision: str | None
    readout: Readout | None = None  # the output head, for the analyses

    @property
    def room(self) -> int:
        """Most tokens of a sentence itself."""
        return self.context - len(self.lead_ids)


def load_model(
    name: str, *, dtype: str = "float32", device: str = "auto", readout: bool = False
) -> LoadedModel:
    """Load a checkpoint folder, a Hugging Face id or `demo`; ModelError says what is missing.

    `readout`: keep the output head too, which mining does not need.
    """
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    source = str(DEMO_FOLDER) if name == DEMO else name
    _check_folder(source)
    if dtype not in DTYPES:
        raise ModelError(f"--dtype {dtype} is not known; choose one of {', '.join(DTYPES)}.")
    place = torch.device(_device(device))
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        whole, loading = AutoModelForCausalLM.from_pretrained(
            source, dtype=DTYPES[dtype], output_loading_info=True
        )
    except Exception as mistake:  # a damaged file can fail anywhere in these libraries
        reason = (str(mistake).strip() or type(mistake).__name__).splitlines()[0]
        raise ModelError(f"{name} cannot be loaded as a causal language model: {reason}") from None
    if loading["missing_keys"]:
        # transformers would fill these with random numbers and say so in passing.
        missing = ", ".join(sorted(loading["missing_keys"])[:5])
        raise ModelError(f"{name} lacks weights ({missing}); is the checkpoint complete?")
    base = whole.base_model.eval().requires_grad_(False).to(place)
    layout, values = find_memories(base, whole.config.model_type)
    fuse_activations(base)
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"{name} has no fast tokenizer (tokenizer.json), so no offsets into text.")
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
    return LoadedModel(
        name=name, model=base, tokenizer=tokenizer, values=values, layout=layout,
        architecture=type(whole).__name__,
        activation=str(getattr(whole.config, layout.activation)) if layout.activation else "gelu",
        d_model=whole.config.hidden_size, d_ff=_inputs(values[0]),
        context=int(getattr(whole.config, "max_position_embeddings", 2048)),
        lead_ids=_lead_ids(tokenizer), device=place, dtype=dtype,
        weights_sha256=_weights_sha256(source),
        revision=getattr(whole.config, "_commit_hash", None),
        tokenizer_sha256=hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest(),
        readout=readout_of(whole, layout.final_norm, layout.projection, place) if readout else None,
    )  # fmt: skip


def find_memories(base: nn.Module, model_type: str) -> tuple[Layout, tuple[nn.Module, ...]]:
    """The layout of this architecture and its down-projections, first layer first."""
    layout = LAYOUTS.get(model_type)
    if layout is None:
        seen = sorted({name.rpartition(".")[2] for name, _ in base.named_modules() if name})
        seen = [name for name in seen if not name.isdigit()]
        if "experts" in seen:
            raise ModelError(
                f"{model_type} is a mixture of experts, which is not supported: a token passes"
                " only some of the memories. Choose a dense model."
            )
        raise ModelError(
            f"No feed-forward layout for architecture {model_type!r}; modules seen:"
            f" {', '.join(seen)}. Add a row to LAYOUTS in mining/layouts.py"
            f" (known: {', '.join(sorted(LAYOUTS))})."
        )
    try:
        blocks = base.get_submodule(layout.blocks)
        assert isinstance(blocks, nn.ModuleList)
        for block in blocks:
            block.get_submodule(layout.key)
        return layout, tuple(block.get_submodule(layout.value) for block in blocks)
    except AttributeError as mistake:
        raise ModelError(
            f"This {model_type} model lacks the modules its layout names ({mistake})."
        ) from None


def fuse_activations(base: nn.Module) -> None:
    """Compute GELU's tanh form in one step where the model does in eight: the same function.

    It takes a sixth to a quarter of a forward pass otherwise (docs/performance.md).
    """
    from transformers.activations import ACT2FN, NewGELUActivation

    for module in [*base.modules()]:
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, ACT2FN["gelu_pytorch_tanh"])


def _inputs(projection: nn.Module) -> int:
    """Width of a down-projection's input. GPT-2's Conv1D keeps [in, out], Linear [out, in]."""
    weight = projection.weight
    assert isinstance(weight, torch.Tensor)
    return weight.shape[1 if isinstance(projection, nn.Linear) else 0]


def _check_folder(source: str) -> None:
    path = Path(source)
    if path.is_dir() and not (path / "config.json").is_file():
        raise ModelError(f"{source} is no checkpoint folder: it holds no config.json.")
    if path.is_file():
        raise ModelError(f"{source} is a file; give the checkpoint's folder.")
    looks_local = path.is_absolute() or source.startswith(".") or source.count("/") > 1
    if looks_local and not path.exists():
        raise ModelError(f"No checkpoint folder {source}; check the path of MODEL.")


def _device(device: str) -> str:
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError(f"--device {device}: no CUDA device is available; use --device cpu.")
    if device != "cpu" and not device.startswith("cuda"):
        raise ModelError(f"--device {device} is not known; use auto, cpu or cuda.")
    return device


def _lead_ids(tokenizer: Any) -> tuple[int, ...]:
    """The special tokens this tokenizer puts before a text by default (usually none or a BOS)."""
    backend = tokenizer.backend_tokenizer
    for probe in (*_PROBES, *tokenizer.get_vocab()):
        if backend.encode(probe, add_special_tokens=False).ids:
            whole = backend.encode(probe)
            # The mask is 1 at what was put around the text, 0 at special tokens within it.
            added = takewhile(
                lambda pair: pair[1], zip(whole.ids, whole.special_tokens_mask, strict=True)
            )
            return tuple(token for token, _ in added)
    return ()


def _weights_sha256(source: str) -> str:
    """SHA-256 over the checkpoint's weight files, in order of name."""
    folder = Path(source)
    if not folder.is_dir():
        from transformers.utils import cached_file

        folder = Path(cached_file(source, "config.json")).parent
    digest = hashlib.sha256()
    weights = [*folder.glob("*.safetensors"), *folder.glob("*.bin")]
    for file in sorted(weights, key=lambda path: path.name):
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
