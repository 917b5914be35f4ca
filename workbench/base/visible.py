"""Text of strangers that is shown in a terminal, which obeys what is hidden in it."""

from __future__ import annotations

import unicodedata

KEPT = "\n\t"
UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # controls, halves of characters, ends of lines
TURNING = set(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)  # what follows, to the other side


def visible(text: str, *, as_json: bool = False) -> str:
    r"""The text with all that a terminal would act upon written as an escape.

    Line ends and tabs stay, for they are the program's own. In the text of a JSON document the escapes are JSON's.

    >>> visible("red\x1b[31m\n")
    'red\\x1b[31m\n'
    >>> visible('{"a": "\x9b31m"}', as_json=True)
    '{"a": "\\u009b31m"}'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character, as_json) if _is_unseen(character) else character for character in text)


def one_line(text: str) -> str:
    r"""As ``visible``, line ends too; for a name within a line.

    >>> one_line("a\nb")
    'a\\nb'
    """
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def _is_unseen(character: str) -> bool:
    return character not in KEPT and (unicodedata.category(character) in UNSEEN or character in TURNING)


def _escaped(character: str, as_json: bool) -> str:
    if as_json:
        units = character.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
