"""A text inside Streamlit's Markdown: nothing in it is taken for markup, or replaced."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plain import plain

# As Streamlit's pages do it to the text that is left when Markdown has been read.
REPLACED = re.compile(
    r"(?:^|(?<=\s))(?:<->|->|<-|--|>=|<=|~=)(?=\s|$)|:material[/_]\w+:|:streamlit:"
)


def read(markdown: str) -> str:
    """What Markdown makes of a text in which everything is escaped."""
    return re.sub(r"\\(.)", r"\1", markdown)


@pytest.mark.parametrize("sign", ["<->", "->", "<-", "--", ">=", "<=", "~=", ":material/home:"])
def test_a_sign_that_streamlit_would_replace_is_broken_where_nobody_sees_it(sign: str) -> None:
    for text in sign, f"a {sign} b", f"{sign}\t{sign}":
        shown = read(plain(text))
        assert not REPLACED.search(shown)
        assert shown.replace("\u2060", "") == text


def test_nothing_is_broken_without_need() -> None:
    for text in "a->b", "x>=1", "--verbose", "10:30", ":smile:", "= heading =":
        assert read(plain(text)) == text


@given(st.text(alphabet="-<>=~ :\n*_[](){}`$\\material/streamlit", max_size=30))
def test_whatever_is_typed_is_shown(text: str) -> None:
    shown = read(plain(text))
    assert shown.replace("\u2060", "") == text
    assert not REPLACED.search(shown)
