"""A tool: its name, its description, the schema of its arguments, and the request that it makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote

import msgspec

from holdall.cli.assistants.requests import Request
from holdall.query import Value, did_you_mean

__all__ = ["Arguments", "MisusedTool", "Tool", "filters_of", "key_path", "text_of"]

Arguments = Mapping[str, Value]


class MisusedTool(Exception):
    """Arguments that a tool does not take, or lacks.

    >>> str(MisusedTool("give key"))
    'give key'
    """


class Tool(msgspec.Struct, frozen=True):
    """A tool as an assistant sees it, and the request it stands for.

    >>> tool = Tool("books_get", "Get", {"properties": {"key": {}}, "required": ["key"]}, lambda given: None)
    >>> tool.request({"kye": 1})
    Traceback (most recent call last):
    holdall.cli.assistants.tool.MisusedTool: books_get takes no argument 'kye'; did you mean key?
    """

    name: str
    description: str
    schema: dict[str, Value]
    makes: Callable[[Arguments], Request]
    is_reading: bool = True
    is_destroying: bool = False
    gives_record: bool = False  # with its etag

    def request(self, arguments: Arguments) -> Request:
        """The request for these arguments. Raises MisusedTool for arguments that are unknown or missing."""
        known = list(self.schema["properties"])
        for name in arguments:
            if name not in known:
                raise MisusedTool(f"{self.name} takes no argument {name!r}{did_you_mean(name, known, len(known))}")
        missing = [name for name in self.schema.get("required", ()) if name not in arguments]
        if missing:
            raise MisusedTool(f"{self.name} needs {', '.join(missing)}")
        return self.makes(arguments)


def key_path(key: Value) -> str:
    """The segment of a path that names a record by its key; a key of several parts is a list.

    >>> key_path(["a b", 2]), key_path("_meta")
    ('a%20b,2', '%5Fmeta')
    """
    parts = key if isinstance(key, list) else [key]
    segment = ",".join(quote(text_of(part), safe="") for part in parts)
    if segment in ("", ".", ".."):
        raise MisusedTool("the key of a record is not empty and not only dots")
    return "%5F" + segment[1:] if segment[:1] == "_" else segment


def text_of(value: Value) -> str:
    """A value as a parameter of a URL has it: text as it is, everything else as JSON.

    >>> text_of("a"), text_of(True), text_of(["mt"])
    ('a', 'true', '["mt"]')
    """
    return value if isinstance(value, str) else json.dumps(value)


def filters_of(given: Value) -> tuple[tuple[str, str], ...]:
    """Filters, given as an object, as parameters; a list of ``in`` becomes a parameter for each member.

    >>> filters_of({"pages__gt": 100, "title__in": ["a,b", "c"]})
    (('pages__gt', '100'), ('title__in', 'a\\\\,b'), ('title__in', 'c'))
    """
    if not isinstance(given, dict):
        raise MisusedTool('filters are an object, such as {"pages__gt": 100}')
    found = list[tuple[str, str]]()
    for name, value in given.items():
        if name.endswith("__in") and isinstance(value, list):
            found += [(name, text_of(each).replace("\\", "\\\\").replace(",", "\\,")) for each in value]
        else:
            found.append((name, text_of(value)))
    return tuple(found)
