"""Text that no spreadsheet program takes for a formula, for copies that are only looked at.

A program may calculate a cell that begins with `=`, `+`, `-` or `@`, in their fullwidth and small
forms too, or with a tab or a line break before them, and it may split a cell at a `;` or a tab if
its language separates cells so. An apostrophe stands before each such place in the guarded text
(OWASP's advice on CSV injection). The copies begin with a byte-order mark, without which Excel
reads UTF-8 as something else. They are not lossless, and an import refuses them.
"""

import re
import unicodedata

MARK = b"\xef\xbb\xbf"
_SIGNS = "=+-@"
_FORMS = "".join(
    character
    for character in map(chr, range(0x10000))
    if unicodedata.normalize("NFKC", character) in tuple(_SIGNS)
)
# What a program may pass over before it: spaces of all kinds, what has no width, and quotes.
_PASSED_OVER = r"[\s\x00-\x1f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\"']*"
_FORMULA = re.compile(rf"(?:^|(?<=[;\t\r\n]))(?={_PASSED_OVER}[{re.escape(_FORMS)}])")
_LEADING = ("\t", "\r", "\n")


def guarded(text: str) -> str:
    """The text with an apostrophe before whatever might be calculated; mostly the text itself."""
    text = _FORMULA.sub("'", text)
    return f"'{text}" if text.startswith(_LEADING) else text
