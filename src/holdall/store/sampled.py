"""Fields and annotations that take all the values of a sample."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from holdall.query import FieldSchema, Kind, Value, is_of_kind

__all__ = ["SampledField", "annotation_of", "columns_of_sample", "sampled_field"]

_PLAIN: dict[type | None, tuple[Kind, str]] = {
    bool: (Kind.BOOL, "bool"),
    int: (Kind.INT, "int"),
    float: (Kind.FLOAT, "float"),
    str: (Kind.STR, "str"),
}
_ANYTHING, _OBJECT = "Any", "dict[str, Any]"
_JSON = FieldSchema("", Kind.JSON)


class SampledField(msgspec.Struct, frozen=True):
    """A field that takes the values of a sample, its annotation where its kind does not say enough, and a remark.

    Example: :func:`sampled_field`.
    """

    field: FieldSchema
    annotation: str = ""
    remark: str = ""


def columns_of_sample(records: Collection[dict[str, Value]]) -> dict[str, list[Value]]:
    """The values under each name, in the order in which names are met; None for a record that lacks it.

    >>> columns_of_sample([{"a": 1}, {"a": 2, "b": 3}])
    {'a': [1, 2], 'b': [None, 3]}
    """
    names = dict.fromkeys(name for record in records for name in record)
    return {name: [record.get(name) for record in records] for name in names}


def sampled_field(name: str, values: Sequence[Value]) -> SampledField | str:
    """The field for values of JSON, None among them; or why there is none, as the end of a sentence.

    >>> sampled_field("pages", [1, 2.5, None]).field.kind, sampled_field("tags", [["a"], []]).annotation
    (<Kind.FLOAT: 'float'>, 'list[str]')
    """
    there = [value for value in values if value is not None]
    is_null = len(there) < len(values)
    if not there:
        return "has no value in any record that was looked at"
    kinds = set(map(type, there))
    if kinds == {int, float}:
        kinds = {float}
    if len(kinds) == 1 and (plain := _PLAIN.get(next(iter(kinds)))) is not None:
        field = FieldSchema(name, plain[0], is_null, columns=(name,))
        if all(is_of_kind(field, value) for value in there):
            return SampledField(field)
        return "has values that no field takes: a number beyond 64 bits, or text with a NUL character"
    if not all(is_of_kind(_JSON, value) for value in there):
        return "holds a number or a text that no field takes, or is nested too deeply"
    annotation = annotation_of(there)
    field = FieldSchema(name, Kind.JSON, is_null, columns=(name,))
    if annotation == _ANYTHING or " | " in annotation.partition("[")[0]:
        found = sorted({_word(value) for value in there})
        return SampledField(msgspec.structs.replace(field, nullable=True), "JSON", f"values: {', '.join(found)}")
    remark = _members(there) if annotation == _OBJECT else ""
    return SampledField(field, annotation, remark)


def annotation_of(values: Iterable[Value]) -> str:
    """The type that takes all these values of JSON, as Python writes it.

    >>> annotation_of([["a", None], []]), annotation_of([1, 2.5])
    ('list[str | None]', 'float')
    """
    there = list(values)
    empty = " | None" if None in there else ""
    kinds = set(map(type, there)) - {type(None)}
    if kinds == {int, float}:
        return f"float{empty}"
    kind = next(iter(kinds)) if len(kinds) == 1 else None
    if kind is list:
        return f"list[{annotation_of(item for value in there if value is not None for item in value)}]{empty}"
    if kind is dict:
        return f"{_OBJECT}{empty}"
    return f"{_PLAIN[kind][1]}{empty}" if kind in _PLAIN else _ANYTHING


_MOST_NAMES = 8


def _members(values: Sequence[dict[str, Value]]) -> str:
    """The names inside these objects, where they are few."""
    names = list(dict.fromkeys(name for value in values for name in value))
    shown = ", ".join(names)
    return f"with {shown}" if names and len(names) <= _MOST_NAMES and len(shown) <= 80 and shown.isprintable() else ""


def _word(value: Value) -> str:
    words = {dict: "objects", list: "lists", str: "text", bool: "true or false"}
    return words.get(type(value), "numbers")
