"""Values as pages show them: text, a link where there is one, and the form in which it stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from holdall.admin.described import Described, FieldInfo, segment
from holdall.admin.kinds import Kind, Shape
from holdall.admin.visit import Visit
from holdall.query import Value

__all__ = ["Shown", "shown", "size_text"]

_GROUPED = 10_000  # from which the digits of a number stand in groups: years do not
_CUT = 120  # characters of a value in a list


class Shown(msgspec.Struct, frozen=True):
    """A value made ready for a page. ``form`` says in which way it stands there.

    Example: ``docs/back-office.md``.
    """

    form: str
    text: str = ""
    href: str = ""
    title: str = ""
    parts: tuple[tuple[str, Shown], ...] = ()


_EMPTY = Shown("empty")


def shown(
    visit: Visit,
    described: Described,
    field: FieldInfo,
    value: Value,
    *,
    names: Mapping[str, str] | None = None,
    key: str = "",
    is_cut: bool = False,
) -> Shown:
    """A value of a field. ``names`` are those of referred records by the segments of their keys."""
    if value is None:
        return _EMPTY
    if field.kind is Kind.REFERENCE:
        return _reference(visit, field, value, names or {})
    if field.kind is Kind.REFERENCES and isinstance(value, list):
        parts = [("", _reference(visit, field, each, names or {})) for each in value[:50]]
        return Shown("list", parts=tuple(parts)) if parts else _EMPTY
    if field.kind is Kind.FILE and isinstance(value, dict):
        href = visit.url("file", described.collection, key, field.name) if key else ""
        text = f"{value['name'] or field.label} ({size_text(value['size'])})"
        return Shown("file", text, href, str(value["type"]))
    if field.kind is Kind.INTEGER and field.name in described.key:
        return Shown("number", str(value))
    return of_shape(visit, field.shape, value, is_cut=is_cut)


def of_shape(visit: Visit, shape: Shape, value: Value, *, is_cut: bool = False) -> Shown:
    """A value of a shape, wherever it stands."""
    if value is None:
        return _EMPTY
    words = visit.words
    match shape.kind:
        case Kind.FLAG:
            return Shown("yes" if value else "no", words("yes") if value else words("no"))
        case Kind.CHOICE:
            return Shown("choice", str(value))
        case Kind.CHOICES | Kind.LINES if isinstance(value, list):
            parts = [("", Shown("text", _cut(str(each), is_cut))) for each in value[:50]]
            return Shown("list", parts=tuple(parts)) if parts else _EMPTY
        case Kind.ITEMS if isinstance(value, list) and shape.item is not None:
            rows = tuple(("", of_shape(visit, shape.item, each, is_cut=is_cut)) for each in value[:50])
            return Shown("items", parts=rows) if rows else _EMPTY
        case Kind.NESTED if isinstance(value, dict):
            inner = tuple((name, of_shape(visit, each, value.get(name))) for name, each, _ in shape.parts)
            return Shown("nested", parts=inner)
        case Kind.INTEGER | Kind.NUMBER if isinstance(value, int | float):
            return Shown("number", words.number(value) if abs(value) >= _GROUPED else str(value))
        case Kind.DECIMAL:
            return Shown("number", str(value))
        case Kind.MOMENT | Kind.DATE | Kind.TIME:
            return _temporal(visit, shape.kind, str(value))
        case Kind.DURATION:
            return _duration(visit, str(value))
        case Kind.BYTES:
            return Shown("text", words("{number} characters of base64", number=len(value))) if value else _EMPTY
        case Kind.SECRET:
            return Shown("text", "••••••")
        case Kind.JSON if not isinstance(value, str):
            text = msgspec.json.format(msgspec.json.encode(value), indent=0 if is_cut else 2).decode()
            return Shown("code", _cut(text, is_cut))
    text = str(value)
    return Shown("long" if "\n" in text and not is_cut else "text", _cut(text, is_cut))


def _temporal(visit: Visit, kind: Kind, value: str) -> Shown:
    try:
        match kind:
            case Kind.MOMENT:
                return Shown("moment", visit.words.moment(dt.datetime.fromisoformat(value)), title=value)
            case Kind.DATE:
                return Shown("moment", visit.words.date(dt.date.fromisoformat(value)), title=value)
        return Shown("moment", visit.words.time(dt.time.fromisoformat(value)), title=value)
    except ValueError:
        return Shown("text", value)


def _duration(visit: Visit, value: str) -> Shown:
    try:
        return Shown("text", visit.words.duration(msgspec.convert(value, dt.timedelta)), title=value)
    except msgspec.ValidationError:
        return Shown("text", value)


def _reference(visit: Visit, field: FieldInfo, value: Value, names: Mapping[str, str]) -> Shown:
    place = segment(value if isinstance(value, list) else [value])
    text = names.get(place) or (", ".join(map(str, value)) if isinstance(value, list) else str(value))
    is_there = field.target in visit.shown_collections
    return Shown("text", text, visit.url("data", quote(str(field.target)), place) if is_there else "")


def _cut(text: str, is_cut: bool) -> str:
    return text[:_CUT] + "…" if is_cut and len(text) > _CUT else text


def size_text(size: int) -> str:
    """A size in bytes as people read it.

    >>> size_text(999), size_text(2_500_000)
    ('999 B', '2.5 MB')
    """
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
