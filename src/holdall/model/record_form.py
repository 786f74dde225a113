"""Records as dicts and as JSON, for code that is no store and no HTTP: caches, queues, files, templates."""

from __future__ import annotations

import copy
import reprlib
from collections.abc import Collection, Mapping
from functools import lru_cache

import msgspec

from holdall.errors import FieldError, NotLoaded, QueryError, ValidationError
from holdall.model.declaration import Declaration
from holdall.model.field import Field
from holdall.model.json_output import encode_hook
from holdall.model.json_value import UNENCODABLE
from holdall.model.own_values import MASK
from holdall.model.reference import Reference
from holdall.model.tracking import Record, hidden_ends
from holdall.query import Asked, Expression, Kind, Value

__all__ = ["json_text", "record_values", "short_text"]

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 200

_encode = msgspec.json.Encoder(enc_hook=encode_hook).encode

Included = Mapping[str, "Included"]
"""The references to be followed, each with those of its record."""


def json_text(
    record: Record, fields: Collection[object] | None, include: Collection[object], *, exclude_unset: bool
) -> str:
    """The text of ``Model.to_json``."""
    try:
        return _encode(_values(record, fields, _tree(record, include), exclude_unset, is_json=True)).decode()
    except UNENCODABLE as error:
        name = type(record).__name__
        found = record.__holdall__.validate(record) or [FieldError("", "value", "has something that is no JSON")]
        raise ValidationError(name, found) from error


def record_values(
    record: Record, fields: Collection[object] | None, include: Collection[object], *, exclude_unset: bool
) -> dict[str, Value]:
    """The dict of ``Model.to_dict``."""
    return _values(record, fields, _tree(record, include), exclude_unset, is_json=False)


def short_text(field: Field, value: Value) -> str:
    """A value of a field as a record's ``repr`` shows it: cut short, a reference by its key, a secret masked."""
    if field.asked is Asked.NOTHING and value is not None:
        return MASK
    return _short.repr(field.encode(value) if field.is_relation else value)


def _values(
    record: Record, fields: Collection[object] | None, include: Included, exclude_unset: bool, *, is_json: bool
) -> dict[str, Value]:
    declaration, found = record.__holdall__, dict[str, Value]()
    if (
        isinstance(fields, list | tuple)
        and not (include or exclude_unset)
        and all(type(each) is str for each in fields)
    ):
        hidden = hidden_ends(record)
        for name, field in _named(declaration, tuple(fields)):
            if name not in hidden:
                found[name] = getattr(record, name) if field is None else _shown(field, field.get(record), is_json)
        return found
    for name in _chosen(record, fields, include):
        field = declaration.by_name.get(name)
        if field is None or name in include:
            found[name] = (
                getattr(record, name)
                if field is None
                else _related(record, field, include[name], exclude_unset, is_json)
            )
            continue
        value = field.get(record)
        if not exclude_unset or not _is_unset(field, value):
            found[name] = _shown(field, value, is_json)
    return found


@lru_cache(maxsize=200)
def _named(declaration: Declaration, names: tuple[str, ...]) -> list[tuple[str, Field | None]]:
    """The fields of these names, in the order of the declaration, None for what is computed."""
    asked = {name.partition(".")[0] for name in names}
    known = [*(field.name for field in declaration.fields if field.is_stored), *declaration.computed]
    for name in asked - set(known):
        raise QueryError(f"{declaration.model.__name__} has no stored or computed {name!r}")
    return [(name, declaration.by_name.get(name)) for name in known if name in asked]


def _chosen(record: Record, fields: Collection[object] | None, include: Included) -> list[str]:
    """The names to be given, in the order of the declaration; raises QueryError for one that is none."""
    declaration, hidden = record.__holdall__, hidden_ends(record)
    known = [*(field.name for field in declaration.fields if field.is_stored or field.name in include)]
    if fields is None:
        return [name for name in known if name not in hidden]
    if isinstance(fields, str):
        raise QueryError(f"fields takes a list of names, such as [{fields!r}]")
    asked = {_path_of(field)[0] for field in fields} | include.keys()
    known += declaration.computed
    for name in asked - set(known):
        raise QueryError(f"{type(record).__name__} has no stored or computed {name!r}")
    return [name for name in known if name in asked and name not in hidden]


def _shown(field: Field, value: Value, is_json: bool) -> Value:
    if field.target is not None:
        return field.encode(value)
    if is_json:
        return None if value is None else value if field.type is None or field.type.own is None else field.shown(value)
    return copy.deepcopy(value) if field.type is not None and field.type.is_mutable else value


def _related(record: Record, field: Field, include: Included, exclude_unset: bool, is_json: bool) -> Value:
    """The records a reference leads to, as dicts; raises NotLoaded where they are not at hand."""

    def whole(handle: Reference[Record]) -> dict[str, Value]:
        if handle.record is None:
            raise NotLoaded(type(record).__name__, field.name, is_end=True)
        return _values(handle.record, None, include, exclude_unset, is_json=is_json)

    handles = getattr(record, field.name)
    if field.kind is Kind.MANY and not field.is_single:
        return [whole(handle) for handle in handles]
    return whole(handles) if handles else None


def _is_unset(field: Field, value: Value) -> bool:
    """Whether the value is the one that the field has where none is given."""
    if not field.has_default:
        return False
    default = field.default()
    try:
        return bool(field.encode(value) == field.encode(default))
    except UNENCODABLE:
        return False


def _tree(record: Record, include: Collection[object]) -> Included:
    """The references to be followed; raises QueryError for what is none."""
    if isinstance(include, str | Expression):
        raise QueryError("include takes a list of references, such as [Book.author]")
    tree: dict[str, Value] = {}
    for asked in include:
        model, place = type(record), tree
        for name in _path_of(asked):
            field = model.__holdall__.by_name.get(name)
            if field is None or field.target is None:
                raise QueryError(f"{model.__name__} has no reference {name!r} to include")
            place = place.setdefault(name, {})
            model = field.target()
    return tree


def _path_of(asked: object) -> tuple[str, ...]:
    if isinstance(asked, str):
        return tuple(asked.split("."))
    path = getattr(asked, "path", None)
    if not isinstance(path, tuple):
        raise QueryError(f"{type(asked).__name__} is no name of a field; write Book.title or 'title'")
    return path
