"""From one docstring to its English sentences.

Docstrings mix prose with reStructuredText, Markdown, doctest sessions, parameter tables and lists
of names. Only whole sentences of prose come out: what cannot be told from markup is dropped, since
a lost sentence costs nothing and a table row in a trigger list costs an annotator's attention.
"""

import re
from collections.abc import Iterator

from sentencex import segment

_BULLET = re.compile(r"^\s*(?:[-*+•]|\(?\d{1,2}[.)]|#\.)\s+")
_UNDERLINE = re.compile(r"^\s*([=\-~^\"'#*+.`_])\1{2,}\s*$")
_DIRECTIVE = re.compile(r"^\s*\.\.\s+([\w:+-]+?)::\s*(.*)$")
_PROSE_DIRECTIVES = {
    "note", "warning", "important", "tip", "caution", "seealso", "deprecated", "versionadded",
    "versionchanged", "admonition", "hint", "attention",
}  # fmt: skip
_NAME_LIST_SECTIONS = {"see also", "references", "related", "methods", "attributes table"}
_TABLE = re.compile(r"^\s*[|+]|\S\s{3,}\S+\s{3,}\S|\s\|\s|^\s*={3,}\s+={3,}|-{3,}")
_FIELD = re.compile(r"^\s*:(?:param|arg|type|returns?|rtype|raises?|keyword|ivar|var)\b[^:]*:\s*")
_GOOGLE_FIELD = re.compile(r"^\s*[`*\w.\[\], /|]{1,60}?(?:\s*\([^)]{0,120}\))?\s*:\s+(?=[A-Z])")
_NUMPY_FIELD = re.compile(r"^\s*[`*\w., ]+ : \S")
_BLOCK_HEAD = re.compile(r"^\s*[A-Z][A-Za-z ]{2,24}:\s*$")

_ROLE = re.compile(r":[\w:+-]+:`~?\.?([^`<]+?)(?:\s*<[^>`]*>)?`")
_RST_LINK = re.compile(r"`([^`<]+?)\s*<[^>`]+>`_{0,2}")
_MARKDOWN_LINK = re.compile(r"!?\[+([^\]]+)\]+\([^)]*\)")
_AUTODOC_LINK = re.compile(r"\[`?~?([\w.]+)`?\](?!\w)")
_CITATION = re.compile(r"\s?\[[\w, #*-]{1,12}\]_?")
_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "\u00a0": " "})

_WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*[,;:)\"'!?.]*$")
_CODE = re.compile(r"[_\d()\[\]/=]|[a-z][A-Z]|\w\.\w|^--?\w")
_FORBIDDEN = re.compile(
    r"https?:|www\.|[{}<>\\|$%^~#@*=`]|\.\.|::|>>|--|,,|\?\?|\bcopyright\b", re.I
)
_FUNCTION_WORDS = frozenset(
    "a an and are as at be been but by can for from had has have if in into is it its may must no"
    " not of on or should so than that the their them then there these this those to was we were"
    " when where which while will with you your".split()
)
FEWEST_WORDS, MOST_WORDS = 5, 60


def sentences(docstring: str) -> Iterator[str]:
    """The sentences of one docstring, in order: each begins with a capital and ends with a stop."""
    for paragraph in _paragraphs(docstring.expandtabs().splitlines()):
        for sentence in segment("en", _plain(paragraph)):
            candidate = sentence.strip()
            if is_sentence(candidate):
                yield candidate


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Runs of prose lines, one string each; code, tables, headings and name lists left out."""
    block: list[str] = []
    literal_indent: int | None = None  # inside an indented literal block that began at this indent
    in_session = in_name_list = False
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if not line.strip():
            in_session = False
            yield from _joined(block)
            continue
        if literal_indent is not None:
            if indent > literal_indent:
                continue
            literal_indent = None
        if _UNDERLINE.match(following) and indent <= len(following):
            in_name_list = line.strip().lower() in _NAME_LIST_SECTIONS
        in_session = in_session or line.lstrip().startswith((">>>", "...", "In [", "$ "))
        directive = _DIRECTIVE.match(line)
        if directive and directive[1] not in _PROSE_DIRECTIVES:
            literal_indent = indent
        if line.lstrip().startswith("```"):
            literal_indent = -1 if literal_indent is None else None
        if in_session or in_name_list or _is_markup(line, following):
            yield from _joined(block)
            continue
        if _BULLET.match(line) or _GOOGLE_FIELD.match(line) or _FIELD.match(line):
            yield from _joined(block)
        block.append(_FIELD.sub("", _GOOGLE_FIELD.sub("", _BULLET.sub("", line))).strip())
        if line.rstrip().endswith("::"):
            literal_indent = indent
            yield from _joined(block)
    yield from _joined(block)


def _joined(block: list[str]) -> Iterator[str]:
    if block:
        yield " ".join(block)
        block.clear()


def _is_markup(line: str, following: str) -> bool:
    return bool(
        line.lstrip().startswith((".. ", "@", "%", "<", "!"))
        or _UNDERLINE.match(line)
        or _UNDERLINE.match(following)
        or _TABLE.search(line)
        or _NUMPY_FIELD.match(line)
        or _BLOCK_HEAD.match(line)
    )


def _plain(text: str) -> str:
    """Inline markup gone, its words kept; typographic quotes and dashes made plain."""
    text = _ROLE.sub(r"\1", text)
    text = _RST_LINK.sub(r"\1", text)
    text = _MARKDOWN_LINK.sub(r"\1", text)
    text = _AUTODOC_LINK.sub(r"\1", text)
    text = _CITATION.sub("", text)
    text = text.translate(_QUOTES).replace("`", "").replace("**", "").replace(" -- ", " - ")
    return re.sub(r"\s+", " ", text).strip()


def is_sentence(text: str) -> bool:
    """Whether this reads as an English sentence rather than code, a name list or a table row."""
    words = text.split()
    if not FEWEST_WORDS <= len(words) <= MOST_WORDS or not text.isascii():
        return False
    if not text[0].isupper() or text[-1] not in ".!?" or _FORBIDDEN.search(text):
        return False
    plain = sum(bool(_WORD.match(word.lstrip("(\"'"))) for word in words)
    coded = sum(bool(_CODE.search(word.strip("().,;:'\""))) for word in words)
    capitalised = sum(word[0].isupper() for word in words[1:])
    known = sum(word.lower().strip("(,;:)") in _FUNCTION_WORDS for word in words)
    return (
        plain >= 0.75 * len(words)
        and coded <= 0.2 * len(words)
        and capitalised <= 0.34 * len(words)
        and known >= max(1, 0.12 * len(words))
        and text.count('"') % 2 == 0
        and text.count("(") == text.count(")")
    )
