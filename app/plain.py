"""A person's text, or a corpus's, inside Streamlit's Markdown, shown as it was typed."""

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!:~$<>|&^])")
# What Streamlit replaces after it has read the Markdown, where no backslash helps: arrows and other
# signs that stand alone, icons, its own logo.
_REPLACED = re.compile(r"(?<!\S)[<>~-](?=(?:->|[->=])(?!\S))|:(?=material[/_]|streamlit:)")
_WORD_JOINER = "\u2060"  # takes no room and may not be broken at


def plain(text: str) -> str:
    """Escape every character that Streamlit's Markdown could take for markup."""
    apart = _REPLACED.sub(rf"\g<0>{_WORD_JOINER}", text)
    return _MARKUP.sub(r"\\\1", apart)
