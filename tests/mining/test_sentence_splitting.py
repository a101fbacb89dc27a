"""A document is split into its sentences: nothing is lost, and none takes endless time."""

import pickle
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining.corpus import sentences_of


def test_workers_can_be_handed_the_splitting() -> None:
    split = pickle.loads(pickle.dumps(sentences_of))
    assert split("One is here.  Two is there. ", whole=False) == ["One is here.", "Two is there."]
    assert split(" One is here.  Two is there. ", whole=True) == ["One is here.  Two is there."]
    assert split(" \n", whole=True) == split(" \n", whole=False) == split("", whole=False) == []


def test_a_long_document_gives_the_sentences_it_is_made_of() -> None:
    sentences = [f'Number {n} is called "No. {n}" by Dr. Smith (see above).' for n in range(20_000)]
    assert sentences_of(" ".join(sentences), whole=False) == sentences


def test_a_sentence_of_any_length_stays_whole() -> None:
    long = "word " * 30_000 + "end."
    found = sentences_of(f"Short before. {long} Short after.", whole=False)
    assert found == ["Short before.", long, "Short after."]
    assert sentences_of("x" * 1_000_000, whole=False) == ["x" * 1_000_000]


def test_splitting_takes_time_in_proportion_to_a_document() -> None:
    started = time.monotonic()
    assert len(sentences_of("日本語です。" * 100_000, whole=False)) == 100_000
    assert time.monotonic() - started < 20  # in one go: a minute, and four for twice the length


@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u3000", " \u202f", "\u2028\u00a0"])
def test_a_space_outside_ascii_after_a_capital_is_no_trouble(
    capfd: pytest.CaptureFixture[str], space: str
) -> None:
    document = f"The cat likes vitamin C{space}. It is good."
    assert "".join("".join(sentences_of(document, whole=False)).split()) == "".join(
        document.split()
    )
    assert f"C{space}." in sentences_of(document, whole=False)[0]
    assert capfd.readouterr().err == ""


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.sampled_from([*"AbZ 1.!?'\"“”()[]。「」\n\r\t", "\u00a0", "\u3000", "Dr.", "\n\n"])
    ),
    st.integers(1, 3_000),
)
def test_splitting_loses_nothing_but_space(pieces: list[str], times: int) -> None:
    document = "".join(pieces) * times
    document = document[:25_000]
    found = sentences_of(document, whole=False)
    assert "".join("".join(found).split()) == "".join(document.split())
    assert all(text and text == text.strip() for text in found)
