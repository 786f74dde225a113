"""Text with parentheses in parameters: cut where a separator stands outside; a backslash takes away a meaning."""

from __future__ import annotations

from holdall.web.text_value import Unreadable, unescaped

__all__ = ["inside", "plain", "split_outside"]


def split_outside(text: str, separator: str) -> list[str]:
    """The parts between separators that stand in no parentheses; backslashes stay in them.

    Raises Unreadable where parentheses do not match.

    >>> split_outside(r"a=1,or=(b=2,c=3),d=x\\,y", ",")
    ['a=1', 'or=(b=2,c=3)', 'd=x\\\\,y']
    """
    if "(" not in text and ")" not in text and "\\" not in text:
        return text.split(separator)
    parts, depth, start, is_escaped = [], 0, 0, False
    for place, character in enumerate(text):
        if is_escaped:
            is_escaped = False
        elif character == "\\":
            is_escaped = True
        elif character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth < 0:
                break
        elif character == separator and not depth:
            parts.append(text[start:place])
            start = place + 1
    if depth:
        raise Unreadable("has parentheses that do not match; a backslash before one makes it part of a value")
    return [*parts, text[start:]]


def inside(text: str) -> str | None:
    """The text within the parentheses around all of it; None where there are none.

    >>> inside("(a,b)"), inside("(a),(b)")
    ('a,b', None)
    """
    if not (text.startswith("(") and text.endswith(")")):
        return None
    depth, is_escaped = 0, False
    for place, character in enumerate(text):
        if is_escaped or character == "\\":
            is_escaped = not is_escaped
            continue
        depth += (character == "(") - (character == ")")
        if not depth:
            return text[1:-1] if place == len(text) - 1 else None
    return None


def plain(text: str) -> str:
    """The text without the backslashes that take away a sign's meaning.

    >>> plain(r"a\\,b\\\\")
    'a,b\\\\'
    """
    if "\\" not in text:
        return text
    signs, found = iter(text), []
    for sign in signs:
        found.append(unescaped(next(signs, "")) if sign == "\\" else sign)
    return "".join(found)
