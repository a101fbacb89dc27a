"""The bundled corpus: what is prose in a docstring, and what is not."""

from pathlib import Path

import pytest

from mining.demo import corpus, docstrings, prose

DOCSTRING = """\
Return the nearest point of a grid.

The grid is searched level by level, so that most of it is never
looked at; see :func:`~grid.search` and ``grid.index`` for the details.

Parameters
----------
point : array_like, shape (n,)
    Where the search begins, in the units of the grid.
levels : int, optional
    How many levels are searched before giving up.

.. code-block:: python

    This Looks Like a sentence but it is code inside a block.

.. note::
    The order of the levels does not matter to the result.

======  ==========
name    The meaning of this is in a table.
======  ==========

See Also
--------
grid.search : Find a point by its index in the grid of points.

Examples
--------
>>> nearest(1)
The output of a session is not a sentence of the text.

Args:
    depth (int): The number of steps that the search may take.
"""


def test_only_sentences_of_prose_come_out_of_a_docstring() -> None:
    assert list(prose.sentences(DOCSTRING)) == [
        "Return the nearest point of a grid.",
        "The grid is searched level by level, so that most of it is never looked at;"
        " see grid.search and grid.index for the details.",
        "Where the search begins, in the units of the grid.",
        "How many levels are searched before giving up.",
        "The order of the levels does not matter to the result.",
        "The number of steps that the search may take.",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "no capital at the beginning of this sentence.",
        "No stop at the end of this sentence",
        "Much too short.",
        "Smith, J., Miller, K. and Baker, T. are Authors of the Paper.",
        "See https://example.org for the details of the method.",
        "Sets x = y + z for all of the indices.",
        "An opening bracket (that is never closed again.",
        "Ein Satz, der nicht aus ASCII besteht, fällt auch heraus.",
    ],
)
def test_what_does_not_read_as_a_sentence_is_dropped(text: str) -> None:
    assert not prose.is_sentence(text)


def test_docstrings_are_found_without_importing_the_file(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        '"""A module whose docstring is long enough to be kept here."""\n'
        "raise SystemExit('imported')\n"
        "class A:\n"
        '    """A class whose docstring is long enough to be kept here."""\n'
        "    async def f(self):\n"
        '        """A method whose docstring is long enough to be kept here."""\n'
        "        return '''A string that is no docstring is left where it is.'''\n"
        "add_docstr(A, '''A docstring added by a call is found as well as the rest.''')\n"
    )
    assert [text.split()[1] for text in docstrings.docstrings(file)] == [
        "module", "class", "method", "docstring",
    ]  # fmt: skip


def test_a_file_that_is_no_python_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "template.py"
    file.write_text("class {{ name }}:\n")
    assert docstrings.docstrings(file) == []


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return corpus.read_sentences(tmp_path_factory.mktemp("cache"))


def test_this_installation_holds_a_hundred_thousand_distinct_sentences(
    sentences: list[str],
) -> None:
    assert len(set(sentences)) == len(sentences) >= 100_000
    assert all(prose.is_sentence(sentence) for sentence in sentences)


def test_the_order_is_by_hash_and_the_held_out_share_is_a_twentieth(sentences: list[str]) -> None:
    assert sentences == sorted(sentences, key=corpus.digest)
    training, held_out = corpus.split_held_out(sentences)
    assert training + held_out == sentences
    assert len(held_out) == pytest.approx(0.05 * len(sentences), rel=0.1)


def test_a_sentence_is_held_out_whatever_else_is_in_the_corpus(sentences: list[str]) -> None:
    _, held_out = corpus.split_held_out(sentences)
    _, of_half = corpus.split_held_out(sentences[::2])
    assert set(of_half) == set(held_out) & set(sentences[::2])
