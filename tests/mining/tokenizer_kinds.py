"""Tokenizers of every kind, trained on a few lines.

`TOKENIZERS` says of each how it is made and, from its making alone, which special tokens it puts
before a text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import LlamaTokenizer, PreTrainedTokenizerFast

# In the order of their ids, which is that of SentencePiece; <mask> takes the space before it.
SPECIAL = ("<unk>", "<s>", "</s>")
MASK = AddedToken("<mask>", lstrip=True, special=True)
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
LINES = [
    "the cat sat on the mat and the dog ran to the river",
    "a sentence is a row of words",
    "the café by the sea, naïve über façade",
    "日本語のテキスト 東京の川",
    "שלום עולם مرحبا بالعالم",
    "the old bird flew over a house 😀 and sat down 👍🏽",
    "km2 fi ABC full width",
]
CJK = ["日本語のテキスト", "東京の川", "川の日本"]  # no Latin letter is in a vocabulary of these


@dataclass(frozen=True)
class Kind:
    """One tokenizer: what makes it, the specials it puts before a text, and the model it is for."""

    make: Callable[[], PreTrainedTokenizerFast]
    leads: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    llama: bool = False
    bytes_as_letters: bool = False  # the tokens spell the text's bytes, and nothing else


def metaspace(scheme: str) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme)


def byte_level(
    *, prefix_space: bool = False, lead: bool = False, pieces: int = 320
) -> PreTrainedTokenizerFast:
    """GPT-2's: one special token for everything."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=pieces, special_tokens=["<|endoftext|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    inner.train_from_iterator(LINES * 4, trainer)
    inner.post_processor = (
        processors.TemplateProcessing(
            single="<|endoftext|> $A", special_tokens=[("<|endoftext|>", 0)]
        )
        if lead
        else processors.ByteLevel(trim_offsets=False)  # as GPT-2 has it
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<|endoftext|>", bos_token="<|endoftext|>",
        eos_token="<|endoftext|>",
    )  # fmt: skip


def unigram(
    scheme: str,
    *,
    normalizer: normalizers.Normalizer | None = None,
    lead: bool = False,
    end: bool = False,
    byte_fallback: bool = False,
) -> PreTrainedTokenizerFast:
    """SentencePiece's Unigram as its converters write it."""
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = metaspace(scheme)
    trainer = trainers.UnigramTrainer(
        vocab_size=150, special_tokens=list(SPECIAL), unk_token="<unk>", show_progress=False
    )
    trained.train_from_iterator(LINES * 4, trainer)
    ids = trained.get_vocab()
    pieces = [(piece, 0.0 if piece in SPECIAL else -5.0) for piece in sorted(ids, key=ids.get)]
    pieces += [(piece, -20.0) for piece in BYTES] if byte_fallback else []
    inner = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=byte_fallback))
    inner.pre_tokenizer = trained.pre_tokenizer
    inner.decoder = decoders.Metaspace()
    if normalizer is not None:
        inner.normalizer = normalizer
    return _with_specials(inner, lead=lead, end=end)


def bpe(
    pre_tokenizer: pre_tokenizers.PreTokenizer | None,
    *,
    normalizer: normalizers.Normalizer | None = None,
    byte_fallback: bool = False,
    unknown: str | None = "<unk>",
    lines: Sequence[str] = LINES,
    lead: bool = False,
    end: bool = False,
) -> PreTrainedTokenizerFast:
    """Character-level BPE with SentencePiece's spaces; without `unknown` it drops what is new."""
    inner = Tokenizer(models.BPE(unk_token=unknown, fuse_unk=True, byte_fallback=byte_fallback))
    if pre_tokenizer is not None:
        inner.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        inner.normalizer = normalizer
    specials = [*SPECIAL, *(BYTES if byte_fallback else ())]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=specials, show_progress=False)
    inner.train_from_iterator([*lines] * 4, trainer)
    return _with_specials(inner, lead=lead, end=end)


def llama() -> PreTrainedTokenizerFast:
    """Llama 2's tokenizer.json: spaces are written as a letter by the normalizer; bytes if new."""
    return bpe(
        None,
        normalizer=normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]),
        byte_fallback=True,
        lead=True,
    )


def llama_class() -> PreTrainedTokenizerFast:
    """The tokenizer that transformers itself builds for a Llama checkpoint."""
    vocabulary = {piece: n for n, piece in enumerate([*SPECIAL, *BYTES, "▁", "t", "h", "e", "th"])}
    vocabulary |= {"the": len(vocabulary), "▁the": len(vocabulary) + 1}
    merges = [("t", "h"), ("th", "e"), ("▁", "the")]
    return LlamaTokenizer(vocab=vocabulary, merges=merges, add_bos_token=True)


def word_piece() -> PreTrainedTokenizerFast:
    """BERT's: lower case, no accents, spaces round CJK; unlike a decoder's, but it may be one's."""
    inner = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=150, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False
    )
    inner.train_from_iterator(LINES * 4, trainer)
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]",
        sep_token="[SEP]",
    )  # fmt: skip


def words_unknown_is_begin(words: Sequence[str]) -> PreTrainedTokenizerFast:
    """Whole words; one special token that begins every text and stands for every other word."""
    inner = Tokenizer(models.WordLevel({w: n for n, w in enumerate(["<s>", *words])}, "<s>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    inner.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="<s>", bos_token="<s>")


def _with_specials(inner: Tokenizer, *, lead: bool, end: bool) -> PreTrainedTokenizerFast:
    inner.add_special_tokens([MASK])
    if lead or end:
        template = f"{'<s> ' if lead else ''}$A{' </s>' if end else ''}"
        inner.post_processor = processors.TemplateProcessing(
            single=template, special_tokens=[("<s>", 1), ("</s>", 2)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="<unk>", bos_token="<s>", eos_token="</s>",
        mask_token=MASK,
    )  # fmt: skip


ONE_SPACE = normalizers.Replace(Regex(" {2,}"), " ")
TOKENIZERS: dict[str, Kind] = {
    "bytes": Kind(byte_level, bytes_as_letters=True),
    "bytes-prefix-space": Kind(lambda: byte_level(prefix_space=True)),
    "bytes-begin": Kind(
        lambda: byte_level(lead=True), leads=("<|endoftext|>",), bytes_as_letters=True
    ),
    "bytes-bare": Kind(lambda: byte_level(pieces=257), bytes_as_letters=True),  # no merges
    "unigram-always": Kind(lambda: unigram("always")),
    "unigram-first-begin": Kind(lambda: unigram("first", lead=True), leads=("<s>",), llama=True),
    "unigram-never": Kind(lambda: unigram("never")),
    "unigram-bytes": Kind(lambda: unigram("always", byte_fallback=True), llama=True),
    "unigram-nfkc-end": Kind(
        lambda: unigram(
            "always",
            normalizer=normalizers.Sequence([normalizers.NFKC(), ONE_SPACE]),
            end=True,
        ),
        ends=("</s>",),
    ),
    "bpe-always": Kind(lambda: bpe(metaspace("always"))),
    "bpe-first-begin-end": Kind(
        lambda: bpe(metaspace("first"), lead=True, end=True), leads=("<s>",), ends=("</s>",)
    ),
    "bpe-never-nfkc": Kind(
        lambda: bpe(metaspace("never"), normalizer=normalizers.NFKC(), lead=True), leads=("<s>",)
    ),
    "llama": Kind(llama, leads=("<s>",), llama=True),
    "llama-class": Kind(llama_class, leads=("<s>",), llama=True),
    "word-piece": Kind(word_piece, leads=("[CLS]",), ends=("[SEP]",)),
    "unknown-is-begin": Kind(
        lambda: words_unknown_is_begin(["a", "the", "cat", "sat"]), leads=("<s>",)
    ),
    # What asks such a tokenizer for its specials by showing it a word is told of no such word.
    "unknown-is-begin-no-latin": Kind(lambda: words_unknown_is_begin(CJK), leads=("<s>",)),
    "drops-latin-begin-end": Kind(
        lambda: bpe(metaspace("never"), unknown=None, lines=CJK, lead=True, end=True),
        leads=("<s>",),
        ends=("</s>",),
    ),
}
