"""Pieces of Python source: names made of the names of others, and literals."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from importlib import import_module
from itertools import takewhile

import msgspec

__all__ = [
    "WIDTH",
    "beginning",
    "class_name",
    "comment",
    "distinct",
    "doors_of",
    "literal",
    "plural",
    "quoted",
    "snake",
    "tuple_of",
    "words_of",
]

WIDTH = 120
"""Characters of a line."""


def snake(text: str) -> str:
    """A name of Python in lower case: ``Name, in full`` as ``name_in_full``."""
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return re.sub(r"_+", "_", re.sub(r"\W+", "_", text)).strip("_").lower()


def beginning(names: Sequence[str]) -> str:
    """The words with which all these names begin."""
    same = takewhile(lambda words: len(set(words)) == 1, zip(*(name.split("_") for name in names), strict=False))
    return "_".join(words[0] for words in same)


def plural(name: str) -> str:
    """The name of many."""
    if re.search(r"[^aeiou]y$", name):
        return name[:-1] + "ies"
    if re.search(r"(ss|x|ch|sh)$", name):
        return name + "es"
    return name if name.endswith("s") else name + "s"


def class_name(text: str) -> str:
    """A name for a class."""
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"[\W_]+", text))
    return name if name[:1].isalpha() else f"Table{name}"


def distinct(name: str, taken: Collection[str]) -> str:
    """The name, with a number behind it where it is taken or a word of Python."""
    number, found = 2, name
    while found in taken or keyword.iskeyword(found):
        found, number = f"{name}_{number}", number + 1
    return found


def comment(text: str) -> str:
    """The text as a comment of one line, whatever is in it: what others wrote never becomes source.

    >>> comment("field a\\nimport os")
    '# field a\\\\nimport os'
    """
    return f"# {_shown(text)}"


def words_of(source: str) -> set[str]:
    """The names in a source, those in texts and comments aside."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.string for token in tokens if token.type == tokenize.NAME}


def quoted(text: str) -> str:
    """The text as a literal in double quotes, as formatters write it.

    >>> print(quoted("it's \\"so\\""))
    "it's \\"so\\""
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_shown(escaped)}"'


def _shown(text: str) -> str:
    """The text on one line, with escapes for what is not printed."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def tuple_of(names: Sequence[str]) -> str:
    """Texts as a tuple."""
    return f"({', '.join(map(quoted, names))}{',' if len(names) == 1 else ''})"


def literal(value: object, indent: int = 0, used: int = 0) -> str:
    """A value as source: text, numbers, options of a store, and collections of these.

    ``indent`` is that of its line, which has ``used`` other characters; what does not fit into one line has several.
    """
    text, opening, parts, closing = _parts(value)
    if not parts:
        return text
    line = f"{opening}{', '.join(lead + literal(part) for lead, part in parts)}{closing}"
    if isinstance(value, tuple) and len(parts) == 1:
        line = f"{line[:-1]},)"
    if indent + used + len(line) <= WIDTH:
        return line
    blank = " " * (indent + 4)
    lines = [f"{blank}{lead}{literal(part, indent + 4, len(lead) + 1)},\n" for lead, part in parts]
    return f"{opening}\n{''.join(lines)}{' ' * indent}{closing}"


def _parts(value: object) -> tuple[str, str, list[tuple[str, object]], str]:
    """A value without parts as text; of another what opens it, its parts behind their names, and what closes it."""
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}", "", [], ""
    if isinstance(value, str):
        return quoted(value), "", [], ""
    if isinstance(value, msgspec.Struct):
        name = type(value).__name__
        return f"{name}()", f"{name}(", _given(value), ")"
    if isinstance(value, Mapping):
        return "{}", "{", [(f"{literal(key)}: ", each) for key, each in value.items()], "}"
    if isinstance(value, frozenset):
        return "frozenset()", "frozenset({", [("", each) for each in sorted(value)], "})"
    if isinstance(value, tuple):
        return "()", "(", [("", each) for each in value], ")"
    return repr(value), "", [], ""


def _given(value: msgspec.Struct) -> list[tuple[str, object]]:
    """The fields of a struct that are not as they are by default."""
    fields = msgspec.structs.fields(value)
    return [
        (f"{field.name}=", getattr(value, field.name))
        for field in fields
        if field.required or getattr(value, field.name) != _default(field)
    ]


def _default(field: msgspec.structs.FieldInfo) -> object:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def doors_of(values: Iterable[object]) -> dict[str, str]:
    """The modules from which the names in the source of these values are imported, by name."""
    found: dict[str, str] = {}
    pending = list(values)
    while pending:
        value = pending.pop()
        if isinstance(value, msgspec.Struct | Enum):
            found[type(value).__name__] = _door(type(value))
        pending += [part for lead, part in _parts(value)[2]]
        if isinstance(value, Mapping):
            pending += list(value)
    return found


def _door(kind: type) -> str:
    """The outermost package that gives a class to others."""
    steps = kind.__module__.split(".")
    for end in range(1, len(steps)):
        module = ".".join(steps[:end])
        if getattr(import_module(module), kind.__name__, None) is kind:
            return module
    return kind.__module__
