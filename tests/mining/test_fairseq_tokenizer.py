"""fairseq's dictionary: ids by line, words between white space, offsets that cut the text there."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stumbling_texts import FEW, TEXT

from mining.corpus import Sentence
from mining.errors import ModelError
from mining.fairseq_tokenizer import read_dictionary, word_tokenizer
from mining.models import lead_ids
from mining.trigger_tables import read_again

WORDS = ["the", "cat", ",", "@-@", "a<unk>b", "café", "東京", "😀", "e\u0301", "</s>x", "=", "#"]


def dictionary(folder: Path, text: str) -> Path:
    path = folder / "dict.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tokenizer() -> object:
    return word_tokenizer(["<s>", "<pad>", "</s>", "<unk>", *WORDS])


def test_words_count_on_from_the_special_tokens(tmp_path: Path) -> None:
    path = dictionary(tmp_path, "the 30\ncat 7\n, 5\nmadeupword0000 0\n")
    words = read_dictionary(path)
    assert words == ["<s>", "<pad>", "</s>", "<unk>", "the", "cat", ",", "madeupword0000"]
    found = word_tokenizer(words)
    assert found("cat , the dog <pad>")["input_ids"] == [2, 5, 6, 4, 3, 1]
    assert sorted(found.all_special_ids) == [0, 1, 2, 3]
    assert found.convert_ids_to_tokens([4, 7, 2]) == ["the", "madeupword0000", "</s>"]
    assert lead_ids(found) == (2,)


@pytest.mark.parametrize(
    ("text", "number", "said"),
    [
        ("the 3\ncat\n", 2, "'cat' is not"),
        ("the 3\ncat x\n", 2, "'cat x' is not"),
        ("the 3\n\ncat 2\n", 2, "'' is not"),
        ("the 3\n 5\n", 2, "' 5' is not"),
        ("the 3\ncat 2\nthe 1\n", 3, "'the' is there already, with id 4"),
        ("the 3\n<unk> 2\n", 2, "'<unk>' is there already, with id 3"),
        ("the #fairseq:overwrite\n", 1, "is not `word count`"),
        ("the 3.5\n", 1, "is not `word count`"),
        ("the\t3\n", 1, "is not `word count`"),
    ],
)
def test_a_broken_line_is_refused_with_its_number(
    text: str, number: int, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError) as caught:
        read_dictionary(dictionary(tmp_path, text))
    assert f"dict.txt, line {number}: " in str(caught.value)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dict.txt"
    path.write_bytes(b"caf\xe9 3\n")
    with pytest.raises(ModelError, match=r"dict\.txt is not UTF-8"):
        read_dictionary(path)


def test_a_word_taken_over_has_its_later_id_and_leaves_the_earlier_one_unused(
    tmp_path: Path,
) -> None:
    text = "the 3\ncat 2\nthe 1 #fairseq:overwrite\n<unk> 1 #fairseq:overwrite\ndog 1\n"
    words = read_dictionary(dictionary(tmp_path, text))
    assert len(words) == len(set(words)) == 9
    found = word_tokenizer(words)
    ids = found("the cat dog", add_special_tokens=False)["input_ids"]
    assert ids == [6, 5, 8]
    assert found.convert_ids_to_tokens([4])[0].startswith("the (")


def test_only_the_ends_of_lines_end_them(tmp_path: Path) -> None:
    text = "a\u2028b 3\nc\x85 2\nd\u00a0 1\r\ne 1"
    assert read_dictionary(dictionary(tmp_path, text))[4:] == ["a\u2028b", "c\x85", "d\u00a0", "e"]


def test_a_special_token_inside_a_word_is_part_of_it(tokenizer: object) -> None:
    text = "a<unk>b </s>x @<unk>@ <unk> </s>"
    assert tokenizer(text, add_special_tokens=False)["input_ids"] == [8, 13, 3, 3, 2]  # type: ignore[operator]


def test_every_character_that_python_splits_at_is_white_space_and_no_other(
    tokenizer: object,
) -> None:
    backend = tokenizer.backend_tokenizer  # type: ignore[attr-defined]
    characters = [chr(c) for c in range(0x3100) if c not in range(0xD800, 0xE000)]
    texts = [f"cat{character}cat" for character in characters]
    for text, encoding in zip(
        texts, backend.encode_batch(texts, add_special_tokens=False), strict=True
    ):
        assert len(encoding.ids) == len(text.split()), repr(text)


@FEW
@given(
    text=st.one_of(
        TEXT, st.lists(st.sampled_from([*WORDS, " ", "\t", "\u3000", "\x1c", "\n"])).map("".join)
    )
)
def test_tokens_are_the_words_and_offsets_cut_them_out(tokenizer: object, text: str) -> None:
    loaded = SimpleNamespace(tokenizer=tokenizer)
    words = [*re.finditer(r"\S+", text)]
    ids = {word: number for number, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *WORDS])}
    read = read_again(loaded, [Sentence(0, 0, text)])[0]  # type: ignore[arg-type]
    assert read.token_ids.tolist() == [ids.get(word[0], 3) for word in words]
    assert read.token_ends.tolist() == [word.end() for word in words]
