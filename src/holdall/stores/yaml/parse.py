"""YAML text to values, safely: YAML 1.2 core scalars, no tags, anchors, aliases, directives or repeated names.

The fast parser (libyaml's heir in Rust) is asked only where a scan of the text shows that it reads it as the standard
says; anything suspect goes through the careful parser, which sees every event and refuses by name and line.
"""

from __future__ import annotations

import math
import re
from typing import Any, Self

import ryaml
from ruamel.yaml import YAML
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from holdall.stores.yaml.errors import Unreadable

__all__ = ["MAX_DEPTH", "MAX_NODES", "Number", "decode_text", "events_of", "parse", "parse_carefully"]

MAX_DEPTH = 32
"""Levels of lists and mappings in one file."""

MAX_NODES = 1_000_000
"""Scalars, lists and mappings in one file."""

_SUSPECTS = tuple(  # what may occur, found quickly; and where it matters, looked for only then
    (re.compile(quick), re.compile(exact, re.MULTILINE))
    for quick, exact in (
        ("\ufeff", ""),  # a byte order mark in the middle
        ("%", "^%"),  # directives
        (r"(?:\A|[\s\[{,]|[\"'\]}]:)[-+]?0[0-9bBxo]", ""),  # integers the fast parser reads by other rules
        (r"[\[{,]\s*\?\S", ""),  # a name after a question mark alone, of which the fast parser always makes a text
        (r"[0-9.][eE][-+]?[0-9]{3}", r"(?:^|[\s\[{,:])[-+]?[0-9.]+[eE][-+]?[0-9]{3}"),  # floats that may be infinite
        (r"[0-9.]{16}", r"(?=[0-9.]{17})[0-9]*\.|[0-9]{16}[eE]"),  # numbers with more digits than a float holds
    )
)
_PROPERTY = re.compile(r"""(?<![\w"'])(?:[&*](?=\S)|!)""")
_STAND_IN = "\ue000"  # a letter to every parser, and to nobody else
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,4000}")
_OCTAL = re.compile(r"0o[0-7]{1,1000}")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,1000}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = {f"{sign}.{word}" for sign in ("", "-", "+") for word in ("inf", "Inf", "INF")}
_NOT_NUMBERS = {".nan", ".NaN", ".NAN"}


class Number(float):
    """A float that remembers how it was written, for those who need every digit."""

    text: str

    def __new__(cls, text: str) -> Self:
        """The float nearest to the text."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def decode_text(raw: bytes) -> str:
    """The bytes of a file as text, without a byte order mark. Raises Unreadable."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"byte {error.start} is not UTF-8; save the file as UTF-8") from None
    if "\0" in text:
        raise Unreadable(f"line {text[: text.index(chr(0))].count(chr(10)) + 1} holds a NUL character")
    return text.removeprefix("\ufeff")


def parse(text: str) -> Any:
    """The value the text stands for; None if it is empty. Raises Unreadable."""
    if not any(quick.search(text) and exact.search(text) for quick, exact in _SUSPECTS) and not _has_properties(text):
        try:
            value = ryaml.loads(text)  # type: ignore[attr-defined]
        except Exception:  # whatever its parser says, the careful one says it with the line, or reads it
            return parse_carefully(text)
        _bound(value)
        return value
    return parse_carefully(text)


def _has_properties(text: str) -> bool:
    """Whether an anchor, an alias or a tag may be in the text, and not only ``&``, ``*`` or ``!`` in somebody's words.

    With a letter in the place of each of these a true one becomes a plain scalar that begins with the letter, or makes
    the text unreadable; one in the middle of a scalar stays there. Nothing is expanded meanwhile.
    """
    if _PROPERTY.search(text) is None:
        return False
    if _STAND_IN in text:
        return True
    try:
        pending = [ryaml.loads(_PROPERTY.sub(_STAND_IN, text))]  # type: ignore[attr-defined]
    except Exception:  # the careful parser says why, or reads it
        return True
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending.extend(item)
            pending.extend(item.values())
        elif isinstance(item, list | tuple):
            pending.extend(item)
        elif isinstance(item, str) and item.startswith(_STAND_IN):
            return True
    return False


def _bound(value: Any) -> None:
    level, nodes = [value], 1
    for _ in range(MAX_DEPTH + 1):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return
        nodes += len(inner)
        if nodes > MAX_NODES:
            raise Unreadable(f"it has more than {MAX_NODES} values")
        level = inner
    raise Unreadable(f"it is nested deeper than {MAX_DEPTH} levels")


def events_of(text: str) -> Any:
    """The parser's events, unreadable text raised as Unreadable while they are taken."""
    try:
        yield from YAML(typ="rt", pure=True).parse(text)
    except Exception as error:  # on broken text the parser raises more than its own errors
        raise Unreadable(_reason(error)) from error


def _reason(error: Exception) -> str:
    problem = getattr(error, "problem", None) or "it is not YAML"
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {problem}" if mark is not None else str(problem)


def parse_carefully(text: str) -> Any:
    """As ``parse``, seeing every event: slow, exact, and with the line in each refusal."""
    root: list[Any] = []
    stack: list[list[Any] | _Mapping] = [root]
    nodes = 0
    for event in events_of(text):
        if isinstance(event, DocumentStartEvent):
            if event.version or event.tags:
                raise Unreadable(f"line {event.start_mark.line + 1}: directives are not read; remove the line")
            if root:
                raise Unreadable(f"line {event.start_mark.line + 1}: a second document begins; keep one in a file")
        elif isinstance(event, SequenceEndEvent | MappingEndEvent):
            stack.pop()
        elif isinstance(event, AliasEvent | ScalarEvent | SequenceStartEvent | MappingStartEvent):
            _refuse(event)
            nodes += 1
            if nodes > MAX_NODES:
                raise Unreadable(f"it has more than {MAX_NODES} values")
            _take(event, stack)
    return root[0] if root else None


def _take(event: Any, stack: list[list[Any] | _Mapping]) -> None:
    parent = stack[-1]
    value: Any
    if isinstance(event, ScalarEvent):
        value = _resolve(event)
    elif isinstance(event, SequenceStartEvent):
        value = []
    else:
        value = {}
    if isinstance(parent, _Mapping):
        parent.take(event, value)
    else:
        parent.append(value)
    if not isinstance(event, ScalarEvent):
        if len(stack) > MAX_DEPTH:
            raise Unreadable(f"line {event.start_mark.line + 1}: it is nested deeper than {MAX_DEPTH} levels")
        stack.append(value if isinstance(value, list) else _Mapping(value))


class _Mapping:
    """A mapping being filled: names and values come in turn."""

    def __init__(self, values: dict[Any, Any]) -> None:
        self.values = values
        self.names: list[Any] = []

    def take(self, event: Any, value: Any) -> None:
        if self.names:
            self.values[self.names.pop()] = value
        elif isinstance(value, list | dict):
            raise Unreadable(f"line {event.start_mark.line + 1}: a list or mapping cannot be a name here")
        elif value in self.values:
            raise Unreadable(f"line {event.start_mark.line + 1}: the name {event.value!r} is there twice; keep one")
        else:
            self.names.append(value)


def _refuse(event: Any) -> None:
    line = event.start_mark.line + 1
    if isinstance(event, AliasEvent):
        raise Unreadable(f"line {line}: aliases (*) are not read; write the value again, or put text in quotes")
    if event.anchor is not None:
        raise Unreadable(f"line {line}: anchors (&) are not read; remove it, or put text in quotes")
    if event.tag is not None:
        raise Unreadable(f"line {line}: tags (!) are not read; remove it, or put text in quotes")


def _resolve(event: ScalarEvent) -> Any:
    text = event.value
    if not event.implicit[0]:
        return text
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text, 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text):
        return Number(text)
    if text in _INFINITE:
        return -math.inf if text[0] == "-" else math.inf
    return math.nan if text in _NOT_NUMBERS else text
