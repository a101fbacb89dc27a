"""A fairseq folder, `model.pt` and `dict.txt`, loaded as any other model is.

The same file as a transformers checkpoint would be: what is mined, shaded, probed and analysed
knows no difference. Weights are copied once, tensor by tensor, out of the file; the softmax is left
in it unless a readout is asked for.
"""

from pathlib import Path

import torch

from mining.errors import ModelError
from mining.fairseq_checkpoint import CHECKPOINT, read_checkpoint
from mining.fairseq_lm import AdaptiveSoftmax, FairseqTransformerLM
from mining.fairseq_sizes import sizes_of
from mining.fairseq_tokenizer import DICTIONARY, read_dictionary, word_tokenizer
from mining.fairseq_weights import SOFTMAX, Weights
from mining.models import (
    DTYPES,
    LoadedModel,
    files_sha256,
    find_memories,
    lead_ids,
    tokenizer_sha256,
)
from mining.readout import Readout

_DECODER = "decoder"


def load_fairseq(
    name: str, folder: Path, *, dtype: str, device: torch.device, readout: bool
) -> LoadedModel:
    """The model in a folder, called `name`. ModelError says what is wrong with the folder."""
    words = read_dictionary(folder / DICTIONARY)
    stored = read_checkpoint(folder / CHECKPOINT)
    weights = Weights.of(stored)
    sizes = sizes_of(stored, weights)
    with torch.device("meta"):  # without any numbers yet
        base, softmax = FairseqTransformerLM(sizes), AdaptiveSoftmax(sizes)
    modules = {_DECODER: base, SOFTMAX: softmax}
    weights.check(
        {
            f"{before}.{inner}": tuple(tensor.shape)
            for before, module in modules.items()
            for inner, tensor in module.state_dict().items()
        }
    )
    if len(words) != sizes.vocabulary:
        raise ModelError(
            f"{folder / DICTIONARY} makes {len(words):,} words with the special ones, and"
            f" {stored.path} has {sizes.vocabulary:,}; put in place the dictionary that the model"
            " was trained with."
        )
    # The checkpoint itself must not keep what has been copied.
    stored.tensors.clear()
    weights.place(base, _DECODER, device, DTYPES[dtype])
    if readout:
        weights.place(softmax, SOFTMAX, device, DTYPES[dtype], tied_to=base)
        softmax.eval().requires_grad_(False)
    base.eval().requires_grad_(False)
    layout, values = find_memories(base, "fairseq")
    tokenizer = word_tokenizer(words)
    return LoadedModel(
        name=name, model=base, tokenizer=tokenizer, values=values, layout=layout,
        architecture=type(base).__name__, activation=sizes.activation, d_model=sizes.d_model,
        d_ff=sizes.d_ff, context=sizes.context, lead_ids=lead_ids(tokenizer), device=device,
        dtype=dtype, weights_sha256=files_sha256([stored.path]),
        tokenizer_sha256=tokenizer_sha256(tokenizer), revision=None,
        readout=Readout(softmax, softmax, base.layer_norm, sizes.vocabulary) if readout else None,
    )  # fmt: skip
