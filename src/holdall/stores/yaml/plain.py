"""Plain scalars: what is written without quotes, by the rules of YAML 1.2's core schema (section 10.3.2)."""

from __future__ import annotations

import math
import re
from typing import Self

from holdall.query import Value
from holdall.stores.yaml.patterns import compiled

__all__ = ["FLOW_MORE", "FLOW_PLAIN", "MORE", "PLAIN", "SPECIAL", "Number", "resolve", "simple"]


def _plain(ends: str) -> str:
    """A pattern of a plain scalar on one line; ``ends`` are characters that end it beside blanks."""
    return rf"(?:[^ \t\n\-?:,\[\]{{}}#&*!|>'\"%@`]|[-?:](?![ \t\n{ends}])){_more(ends)}"


def _more(ends: str) -> str:
    inner = rf"[^ \t\n:#{ends}]"
    colon = rf":(?![ \t\n{ends}])"
    return rf"{inner}*+(?:(?: ++(?={inner})|[ \t]++(?={inner}|{colon})|{colon}|(?<![ \t\n])#){inner}*+)*+"


_FLOW_ENDS = r",\[\]{}"

PLAIN = _plain("")
"""A pattern of a plain scalar on one line, in block style."""

FLOW_PLAIN = _plain(_FLOW_ENDS)
"""A pattern of a plain scalar on one line, between brackets or braces."""

MORE = compiled(_more(""))
"""A further line of a plain scalar in block style."""

FLOW_MORE = compiled(_more(_FLOW_ENDS))
"""A further line of a plain scalar between brackets or braces."""

SPECIAL = frozenset("0123456789+-.~nNtTfF\"'")
"""How a scalar on one line begins that may be something else than the text it is written as."""

_NUMERIC = frozenset("0123456789+-.")
_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{f"{sign}.{word}": math.inf for sign in ("", "+") for word in ("inf", "Inf", "INF")},
    **{f"-.{word}": -math.inf for word in ("inf", "Inf", "INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INT = re.compile(r"[-+]?[0-9]{1,4000}")
_OCTAL = re.compile(r"0o[0-7]{1,1000}")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,1000}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


class Number(float):
    """A float that remembers how it was written, for those who need every digit."""

    text: str

    def __new__(cls, text: str) -> Self:
        """The float nearest to the text."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def simple(written: str) -> Value:
    """The value of a scalar on one line, plain or in quotes with nothing in it to be translated."""
    if written[0] not in SPECIAL:
        return written
    return written[1:-1] if written[0] in "\"'" else resolve(written)


def resolve(text: str) -> Value:
    """The value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return Number(text)
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    return int(text, 16) if _HEXADECIMAL.fullmatch(text) else text
