"""Small corpora for the mining tests: one sentence a line, with what mining has to get right."""

import random
from collections.abc import Sequence
from pathlib import Path

from checkpoints import IGNORED, WORDS

from mining.corpus import Corpus, open_corpus

# Characters of two, three and four bytes, a combining accent, and pieces that BPE will split.
MULTI_BYTE = [
    "the café by the sea",
    "naïve über façade — €5",
    "日本語 の テキスト",
    "the 日本 café 😀 and 😃 too",
    "e\u0301 is not é",
    "a",
    "é",
    "😀",
    "the café by the river",
    "the café by the sea",
    "<|endoftext|> is special and <|endoftext|>the too",
    "Ωmega ≠ omega; Ж is not X",
]


def mixed_lines(seed: int = 0, sentences: int = 60, longest: int = 14) -> list[str]:
    """Random sentences with repetitions, shared beginnings, and the awkward ones among them."""
    draw = random.Random(seed)
    lines = [" ".join(draw.choices(WORDS, k=draw.randint(1, longest))) for _ in range(sentences)]
    lines[5] = lines[2]  # the same sentence again
    lines[11] = lines[2] + " cat"  # and as the beginning of a longer one
    lines[12] = IGNORED * 3  # no tokens at all
    lines[13] = "cat"  # one token, twice
    lines[14] = "cat"
    lines[15] = "unheard words only"  # nothing but unknown words
    lines[16] = "the unheard cat <s> sat </s> on <pad> mat"  # special tokens inside the text
    lines[17] = "<s> the cat"  # and in front
    lines[18] = "<unk>"
    lines[19] = " ".join(draw.choices(WORDS, k=70))  # far longer than a context of 32
    lines[20] = lines[19] + " cat dog"  # the same within the context
    lines[21] = " ".join(draw.choices(WORDS, k=32))  # as long as the context
    lines[22] = " ".join(draw.choices(WORDS, k=33))
    lines[23] = f"the {IGNORED}cat{IGNORED} sat{IGNORED}"  # offsets must pass over what is dropped
    lines[24] = "the   cat \t sat"
    return lines


def shared_beginnings(sentences: int = 40) -> list[str]:
    """Every sentence begins with the same five words and goes its own way, some not at all."""
    draw = random.Random(7)
    start = "the old cat sat on"
    return [" ".join([start, *draw.choices(WORDS, k=n % 6)]) for n in range(sentences)]


def lines_of(file: Path, texts: Sequence[str]) -> Corpus:
    """A corpus in which each text is a document and each document one sentence."""
    file.write_text("\n".join(texts), encoding="utf-8")
    corpus = open_corpus(str(file))
    corpus.whole_documents = True
    return corpus
