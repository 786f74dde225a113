"""The filters of a list: those of the address, in words, and the row of inputs by which another one is added."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from holdall.admin.described import Described, FieldInfo
from holdall.admin.kinds import Kind, Shape
from holdall.admin.relations import other_ends
from holdall.admin.visit import Visit
from holdall.admin.widgets import Misread, choice_text, read_value
from holdall.query import Value

__all__ = ["FILTER_INPUTS", "OPERATORS", "Chip", "added_filter", "address_of", "chips_of", "choices_of"]

FILTER_INPUTS = ("_field", "_op", "_value", "_find")
_WORDS = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of (commas between them)",
    "isnull": "is empty (true or false)",
    "gt": "is more than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "contains": "contains",
    "icontains": "contains, in whatever case",
    "startswith": "begins with",
    "endswith": "ends with",
}
OPERATORS = tuple(_WORDS.items())


class Chip(msgspec.Struct, frozen=True):
    """A filter in words, and the address of the list without it. Example: :func:`chips_of`."""

    text: str
    without: str


def chips_of(visit: Visit, described: Described, kept: list[tuple[str, str]], filters: list[int]) -> list[Chip]:
    """The filters among the parameters of a list; ``filters`` are their places."""
    found = []
    for place in filters:
        name, value = kept[place]
        rest = [each for number, each in enumerate(kept) if number != place]
        found.append(Chip(_in_words(visit, described, name, value), address_of(visit, described, rest)))
    return found


def address_of(visit: Visit, described: Described, parameters: list[tuple[str, str]]) -> str:
    """The address of a list with these parameters."""
    query = "&".join(f"{quote(name, safe='.')}={quote(value, safe=',.:')}" for name, value in parameters)
    address = visit.url("data", quote(described.collection))
    return f"{address}?{query}" if query else address


def _in_words(visit: Visit, described: Described, name: str, value: str) -> str:
    dotted, separator, suffix = name.rpartition("__")
    if not separator or suffix not in _WORDS:
        dotted, suffix = name, "eq"
    if dotted == "q":
        return f"{visit.words('Search')}: {value}"
    if dotted in ("or", "and", "not"):
        return f"{dotted} {value}"
    labels = [(described.by_name[part].label if part in described.by_name else part) for part in dotted.split(".")[:1]]
    told = " → ".join([*labels, *dotted.split(".")[1:]])
    operator = visit.words(_WORDS[suffix].partition(" (")[0])
    return f"{told} {operator}" if suffix == "isnull" and value == "true" else f"{told} {operator} {value}"


async def choices_of(visit: Visit, described: Described, through: str) -> list[tuple[str, list[dict[str, Value]]]]:
    """The fields that a filter may be about, in groups: those of the collection, and those behind its references."""
    start: Described | None = described
    steps = [step for step in through.split(".") if step]
    for step in steps:
        end = None if start is None else other_ends(visit.site.app.bindings, start.collection).get(step)
        start = None if end is None else await visit.described_if_any(end.collection)
    if start is None:
        return []
    prefix = "".join(f"{step}." for step in steps)
    groups = [(start.title, [_choice(each, prefix) for each in start.fields if each.filters])]
    for name, end in other_ends(visit.site.app.bindings, start.collection).items():
        target = await visit.described_if_any(end.collection)
        if name in start.includes and target is not None:
            label = start.by_name[name].label if name in start.by_name else name
            inner = [_choice(each, f"{prefix}{name}.") for each in target.fields if each.filters]
            groups.append((f"{label} →", inner))
    return [(title, choices) for title, choices in groups if choices]


def _choice(field: FieldInfo, prefix: str) -> dict[str, Value]:
    choices = [choice_text(each) for each in field.shape.choices]
    return {
        "value": prefix + field.name,
        "label": field.label,
        "kind": field.kind.value,
        "operators": " ".join(field.filters),
        "choices": "\n".join(choices),
    }


def added_filter(visit: Visit, described: Described, given: dict[str, str]) -> list[tuple[str, str]]:
    """The filter that the row of inputs means; none where it is empty."""
    if given.get("_find", "").strip() and described.naming:
        return [(f"{described.naming}__icontains", given["_find"].strip())]
    path, operator, value = given.get("_field", ""), given.get("_op", "eq"), given.get("_value", "").strip()
    if not path or operator not in _WORDS:
        return []
    field = described.by_name.get(path)
    if operator == "isnull":
        value = value.lower() or "true"
    elif (field is not None and field.kind is Kind.MOMENT) or given.get("_kind") == Kind.MOMENT.value:
        value = _with_zone(visit, value)
    return [(path if operator == "eq" else f"{path}__{operator}", value)]


def _with_zone(visit: Visit, text: str) -> str:
    inputs = {"f": [text], "f(zone)": [visit.words.zone]}
    try:
        return str(read_value(Shape(Kind.MOMENT), "f", inputs, "f"))
    except Misread:
        return text
