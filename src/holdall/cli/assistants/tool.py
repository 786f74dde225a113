"""A tool: its name, its description, the schema of its arguments, and the request that it makes of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import quote

import msgspec

from holdall.cli.assistants.requests import Request
from holdall.query import Value, did_you_mean

__all__ = ["Arguments", "MisusedTool", "Tool", "filters_of", "key_path", "misfit_of", "text_of"]

Arguments = Mapping[str, Value]

_TYPES: dict[str, tuple[type, str]] = {
    "array": (list, "an array"),
    "boolean": (bool, "true or false"),
    "integer": (int, "a whole number"),
    "number": (float, "a number"),
    "object": (dict, "an object"),
    "string": (str, "a string"),
}


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
        """The request for these arguments. Raises MisusedTool for unknown, missing and misshapen ones."""
        known = list(self.schema["properties"])
        for name in arguments:
            if name not in known:
                raise MisusedTool(f"{self.name} takes no argument {name!r}{did_you_mean(name, known, len(known))}")
        missing = [name for name in self.schema.get("required", ()) if name not in arguments]
        if missing:
            raise MisusedTool(f"{self.name} needs {', '.join(missing)}")
        for name, value in arguments.items():
            misfit = misfit_of(value, self.schema["properties"][name])
            if misfit:
                raise MisusedTool(f"{self.name}: {name} {misfit}")
        return self.makes(arguments)


def misfit_of(value: Value, schema: Mapping[str, Value]) -> str:
    """Return the fault in the form of an argument, by the type, items and bounds of its schema; else the empty text.

    Values within records and inputs are left to the service, which lists all their faults.

    >>> misfit_of("title", {"type": "array"}), misfit_of(200, {"type": "integer", "minimum": 1, "maximum": 100})
    ('must be an array', 'must be at most 100')
    >>> misfit_of(7, {"anyOf": [{"type": "string"}, {"type": "number"}]}), misfit_of([1], {"type": "array"})
    ('', '')
    """
    forms = [form for form in schema.get("anyOf", [schema]) if "type" in form]
    fitting = [form for form in forms if _is_of(value, form["type"])]
    if forms and not fitting:
        return f"must be {' or '.join([_TYPES[form['type']][1] for form in forms])}"
    for form in fitting:
        if isinstance(value, list) and any(misfit_of(each, form.get("items", {})) for each in value):
            return f"must have members of which each {misfit_of(None, form['items'])}"
        if "minimum" in form and value < form["minimum"]:
            return f"must be at least {form['minimum']}"
        if "maximum" in form and value > form["maximum"]:
            return f"must be at most {form['maximum']}"
    return ""


def _is_of(value: Value, name: str) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number if name == "number" else isinstance(value, _TYPES[name][0]) and (name != "integer" or is_number)


def key_path(key: Value) -> str:
    """The segment of a path that names a record by its key; a key of several parts is a list.

    Raises MisusedTool for a key that no path can have.

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


def filters_of(given: Arguments) -> tuple[tuple[str, str], ...]:
    """Filters, given as an object, as parameters; a list of ``in`` becomes a parameter for each member.

    Raises MisusedTool for null, which no operator compares with, and for a list without members: a parameter that is
    not there would mean every record.

    >>> filters_of({"pages__gt": 100, "title__in": ["a,b", "c"]})
    (('pages__gt', '100'), ('title__in', 'a\\\\,b'), ('title__in', 'c'))
    """
    found = list[tuple[str, str]]()
    for name, value in given.items():
        if value is None or (isinstance(value, list) and None in value):
            raise MisusedTool(f"filters: {name} cannot be null: {name.partition('__')[0]}__isnull is true or false")
        if value == []:
            raise MisusedTool(f"filters: {name} has no members, so that no record can meet it: leave the call out")
        if name.endswith("__in") and isinstance(value, list):
            found += [(name, text_of(each).replace("\\", "\\\\").replace(",", "\\,")) for each in value]
        else:
            found.append((name, text_of(value)))
    return tuple(found)
