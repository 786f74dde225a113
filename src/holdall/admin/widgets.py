"""Between values and the inputs of a form: the texts that a value gives them, and the value that texts stand for.

An input is named ``f.title``, one of a nested value ``f.address.street``. Texts that stand for no value are refused
with a message for the place; all rules of the model are looked at by the service.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from holdall.admin.kinds import Kind, Shape
from holdall.admin.words import zone_of
from holdall.errors import FieldError
from holdall.query import Value

__all__ = ["NULL", "Inputs", "Misread", "choice_text", "inputs_of", "read_value", "rows_of", "under"]

Inputs: TypeAlias = dict[str, list[str]]
"""The texts of inputs by their names."""

NULL = "(null)"
"""The end of the name of a box: whether a nested value is there."""

_ZONE = "(zone)"
_JSON_INSTEAD = "(json)"
_ITEMS = "(items)"  # whether a list of objects is there
_GONE = "(gone)"
_DIGITS = 4  # of the number of an object in a list
_MOST_ITEMS = 500  # that a form shows one by one
_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")


class Misread(Exception):
    """Texts that stand for no value, each with its place and a message that ends a sentence."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("inputs that stand for no value")
        self.errors = list(errors)


def under(inputs: Mapping[str, list[str]], name: str) -> Inputs:
    """The inputs of one field.

    >>> under({"f.tag": ["a"], "f.tags": ["b"], "f.tag.x": ["c"]}, "f.tag")
    {'f.tag': ['a'], 'f.tag.x': ['c']}
    """
    return {
        key: value for key, value in inputs.items() if key == name or (key.startswith(name) and key[len(name)] in ".(")
    }


def choice_text(value: object) -> str:
    """A choice as it stands in an input."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


# --- from values to texts ---------------------------------------------------------------------------------------------


def inputs_of(shape: Shape, name: str, value: Value, zone: ZoneInfo) -> Inputs:
    """The texts with which a value fills the inputs of its shape.

    >>> inputs_of(Shape(Kind.LINES, item=Shape(Kind.TEXT)), "f.tags", ["a", "b"], ZoneInfo("UTC"))
    {'f.tags': ['a\\nb']}
    """
    if shape.kind is Kind.NESTED:
        return _of_nested(shape, name, value, zone)
    if shape.kind is Kind.ITEMS:
        return _of_items(shape, name, value, zone)
    if shape.kind is Kind.FLAG and not shape.nullable:
        return {name: ["true"]} if value else {}
    if shape.kind is Kind.CHOICES:
        return {name: [choice_text(each) for each in value]} if value else {}
    if shape.kind is Kind.JSON:
        return {name: [_pretty(value)]}
    if value is None or shape.kind in (Kind.SECRET, Kind.FILE):
        return {name: [""]} | ({name + _ZONE: [zone.key]} if shape.kind is Kind.MOMENT else {})
    if shape.kind is Kind.MOMENT:
        return {name: [_local(value, zone)], name + _ZONE: [zone.key]}
    if shape.kind in (Kind.LINES, Kind.REFERENCES):
        lines = [choice_text(each) for each in value]
        if any(not line or "\n" in line or "\r" in line for line in lines):
            return {name + _JSON_INSTEAD: [_pretty(value)]}
        return {name: ["\n".join(lines)]}
    return {name: [choice_text(value)]}


def _of_nested(shape: Shape, name: str, value: Value, zone: ZoneInfo) -> Inputs:
    found: Inputs = {name + NULL: ["true"]} if shape.nullable and value is not None else {}
    given = value if isinstance(value, dict) else {}
    for part, inner, _ in shape.parts:
        found |= inputs_of(inner, f"{name}.{part}", given.get(part), zone)
    return found


def _of_items(shape: Shape, name: str, value: Value, zone: ZoneInfo) -> Inputs:
    item = shape.item
    if item is None or (isinstance(value, list) and len(value) > _MOST_ITEMS):
        return {name + _JSON_INSTEAD: [_pretty(value)]}
    found: Inputs = {name + _ITEMS: ["1"]}
    for number, each in enumerate(value or ()):
        found |= inputs_of(item, f"{name}.{number}", each, zone)
    return found


def rows_of(inputs: Mapping[str, list[str]], name: str) -> list[int]:
    """The numbers of the objects of a list that have inputs.

    >>> rows_of({"f.legs.0.to": ["Lyon"], "f.legs.12.to": [""], "f.legs(items)": ["1"]}, "f.legs")
    [0, 12]
    """
    numbers = {key[len(name) + 1 :].partition(".")[0] for key in inputs if key.startswith(f"{name}.")}
    return sorted(int(each) for each in numbers if each.isdecimal() and len(each) <= _DIGITS)


def _local(value: str, zone: ZoneInfo) -> str:
    moment = dt.datetime.fromisoformat(value).astimezone(zone)
    parts = "seconds" if not moment.microsecond else "milliseconds" if not moment.microsecond % 1000 else "microseconds"
    return moment.replace(tzinfo=None).isoformat(timespec=parts)


def _pretty(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


# --- from texts to values ---------------------------------------------------------------------------------------------


def read_value(shape: Shape, name: str, inputs: Mapping[str, list[str]], place: str) -> Value:
    """The value that the texts stand for, as JSON. Raises Misread, with ``place`` as the path.

    >>> read_value(Shape(Kind.INTEGER, nullable=True), "f.pages", {"f.pages": ["12"]}, "pages")
    12
    """
    kind = shape.kind
    if kind is Kind.NESTED:
        return _nested(shape, name, inputs, place)
    if kind is Kind.ITEMS:
        return _items(shape, name, inputs, place)
    texts = inputs.get(name, [])
    text = texts[-1].replace("\r\n", "\n") if texts else ""
    if kind is Kind.FLAG:
        return None if shape.nullable and not text else text == "true"
    if kind is Kind.CHOICES:
        return [_choice(shape, each, place) for each in texts if each]
    if kind in (Kind.LINES, Kind.REFERENCES):
        return _lines(shape, text, inputs.get(name + _JSON_INSTEAD), place)
    if kind is Kind.JSON:
        return None if shape.nullable and not text.strip() else _json(text, place)
    if not text and shape.nullable:
        return None
    if kind is Kind.MOMENT:
        return _moment(text, (inputs.get(name + _ZONE) or ["UTC"])[-1], place)
    return _scalar(shape, text, place)


_SCALAR = {
    *(Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.CHOICE, Kind.MOMENT, Kind.DATE, Kind.TIME, Kind.DURATION),
    *(Kind.UUID, Kind.REFERENCE),
}
"""Kinds that an empty text is no value of: a part that is not required has its default then."""


def _nested(shape: Shape, name: str, inputs: Mapping[str, list[str]], place: str) -> Value:
    if shape.nullable and name + NULL not in inputs:
        return None
    found, errors = dict[str, Value](), list[FieldError]()
    for part, inner, is_required in shape.parts:
        if not is_required and inner.kind in _SCALAR and not "".join(inputs.get(f"{name}.{part}", [])).strip():
            found |= {part: None} if inner.nullable else {}
            continue
        try:
            value = read_value(inner, f"{name}.{part}", inputs, f"{place}.{part}")
        except Misread as error:
            errors += error.errors
            continue
        if value is not None or inner.nullable or is_required:
            found[part] = value
    if errors:
        raise Misread(errors)
    return found


def _items(shape: Shape, name: str, inputs: Mapping[str, list[str]], place: str) -> Value:
    if shape.item is None or name + _JSON_INSTEAD in inputs:
        return _listed(inputs.get(name + _JSON_INSTEAD, [""]), place)
    found, errors = list[Value](), list[FieldError]()
    for number in rows_of(inputs, name):
        row = f"{name}.{number}"
        given = under(inputs, row)
        is_empty = not any(text.strip() for key, texts in given.items() if not key.endswith(_ZONE) for text in texts)
        if row + _GONE in given or is_empty:
            continue
        try:
            found.append(read_value(shape.item, row, given, f"{place}.{number}"))
        except Misread as error:
            errors += error.errors
    if errors:
        raise Misread(errors)
    return found


def _listed(texts: list[str], place: str) -> Value:
    value = _json(texts[-1], place)
    if not isinstance(value, list):
        raise _misread(place, "must be a list")
    return value


def _lines(shape: Shape, text: str, instead: list[str] | None, place: str) -> Value:
    if instead:
        return _listed(instead, place)
    item = shape.item or Shape(Kind.TEXT)
    lines = [line.strip() if item.kind is not Kind.TEXT else line for line in text.split("\n")]
    return [_scalar(item, line, place) for line in lines if line.strip()]


def _scalar(shape: Shape, text: str, place: str) -> Value:
    if shape.kind is Kind.REFERENCE:
        return _scalar(shape.item or Shape(Kind.TEXT), text, place)
    match shape.kind:
        case Kind.INTEGER:
            if not _INTEGER.fullmatch(text.strip()):
                raise _misread(place, "must be a whole number")
            return int(text)
        case Kind.NUMBER:
            return _number(text, place)
        case Kind.CHOICE:
            return _choice(shape, text, place)
        case Kind.JSON:
            return _json(text, place)
        case Kind.TEXT | Kind.LONG | Kind.SECRET:
            return text
    return text.strip()


def _number(text: str, place: str) -> float | int:
    try:
        value = float(text.strip())
    except ValueError:
        raise _misread(place, "must be a number") from None
    if not isfinite(value):
        raise _misread(place, "must be a number")
    return int(text) if _INTEGER.fullmatch(text.strip()) and abs(value) < 2**53 else value


def _choice(shape: Shape, text: str, place: str) -> Value:
    for each in shape.choices:
        if choice_text(each) == text:
            return each
    raise _misread(place, "must be one of the choices")


def _moment(text: str, zone: str, place: str) -> str:
    try:
        moment = dt.datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone_of(zone, "UTC")))
        return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        raise _misread(place, "must be a date and a time") from None


def _json(text: str, place: str) -> Value:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise _misread(place, "must be JSON") from None


def _misread(place: str, message: str) -> Misread:
    return Misread([FieldError(place, "type", message)])
