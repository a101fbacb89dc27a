"""A person's text inside Streamlit's Markdown labels, shown as it was typed."""

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!:~$<>|&^])")


def plain(text: str) -> str:
    """Escape every character that Streamlit's Markdown could take for markup."""
    return _MARKUP.sub(r"\\\1", text)
