"""fairseq's dictionary: `dict.txt` to a tokenizer of whole words, with exact offsets into the text.

A line is `word count`; words count on from the four special tokens, in order. Text is cut at white
space, as Python's `str.split` does it, and a word that is not in the dictionary becomes `<unk>`.
`</s>` is fed before each sentence. A special token's name in a text is that token, as fairseq reads
it, if it stands alone between white space: WikiText's `<unk>` is one. Like an unknown word it is
fed and counted, and a prefix that ends in it is never a trigger.
"""

from pathlib import Path
from typing import Any

from mining.errors import ModelError

DICTIONARY = "dict.txt"
BEGIN, PAD, END, UNKNOWN = "<s>", "<pad>", "</s>", "<unk>"
SPECIAL = (BEGIN, PAD, END, UNKNOWN)  # in the order of their ids
OVERWRITE = "#fairseq:overwrite"
# What Python takes for white space, which is the regular expression's and four control characters.
_WHITE_SPACE = r"[\s\x1c-\x1f]+"


def read_dictionary(path: Path) -> list[str]:
    """The words by id, special ones included; ModelError names a line that is no `word count`.

    A word that a later line takes over, by fairseq's flag for that, keeps its id under a name that
    no text can hold.
    """
    words = list(SPECIAL)
    ids = {word: number for number, word in enumerate(words)}
    try:
        with path.open(encoding="utf-8") as lines:  # universal newlines, as fairseq opens it
            for number, line in enumerate(lines, start=1):
                word, overwrite = _word(path, number, line)
                if word in ids:
                    if not overwrite:
                        raise ModelError(
                            f"{path}, line {number}: {word!r} is there already, with id"
                            f" {ids[word]}; if this line is to take its place, end it with"
                            f" {OVERWRITE}."
                        )
                    words[ids[word]] = f"{word} (id {ids[word]}, overwritten)"
                ids[word] = len(words)
                words.append(word)
    except OSError as mistake:
        raise ModelError(f"{path} cannot be read: {mistake.strerror or mistake}.") from None
    except UnicodeDecodeError as mistake:
        raise ModelError(f"{path} is not UTF-8 ({mistake}); is it the model's own?") from None
    return words


def _word(path: Path, number: int, line: str) -> tuple[str, bool]:
    """A line's word, and whether it takes the place of an earlier one."""
    word, _, count = line.rstrip().rpartition(" ")
    overwrite = count == OVERWRITE
    if overwrite:
        word, _, count = word.rpartition(" ")
    try:
        int(count)
    except ValueError:
        word = ""
    if not word:
        raise ModelError(
            f"{path}, line {number}: {line.rstrip()[:60]!r} is not `word count`; put in place the"
            " dictionary that the model was trained with."
        )
    return word, overwrite


def word_tokenizer(words: list[str]) -> Any:
    """The fast tokenizer of a dictionary, given as words by id."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate(words)}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(_WHITE_SPACE), "removed")
    inner.post_processor = processors.TemplateProcessing(
        single=f"{END} $A", special_tokens=[(END, vocabulary[END])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token=BEGIN, pad_token=PAD, eos_token=END, unk_token=UNKNOWN,
        split_special_tokens=True,  # "a<unk>b" is one word, and no special token is cut out of it
    )  # fmt: skip
