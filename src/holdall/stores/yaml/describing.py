"""A folder that others wrote, as models would declare its collections: by all of its records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from holdall.query import FieldSchema, Kind, Schema, Value
from holdall.store import Described, Description, Look, SampledField, columns_of_sample, sampled_field
from holdall.stores.yaml.collection import YamlCollection
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.found_files import FoundRecords, found_records

__all__ = ["describe"]

_KEYS = ("id", "key", "code", "slug", "uuid", "name")
"""Names by which lists name their items, the likeliest first."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def describe(folder: Folder, look: Look) -> Description:
    """Describe the collections that are wanted. Raises OSError."""
    found: dict[str, Described] = {}
    for each in found_records(folder):
        name = _free_name(each, found)
        found[name] = _described(msgspec.structs.replace(each, name=name))
    return Description(tuple([each for name, each in found.items() if look.is_wanted(name)]))


def _free_name(each: FoundRecords, taken: Mapping[str, Described]) -> str:
    names = [each.name, f"{re.split(r'[/.]', each.option.file)[-2]}_{each.name}" if each.option.file else each.name]
    names += [f"{each.name}_{number}" for number in range(2, len(taken) + 3)]
    return next(name for name in names if name.lower() not in {other.lower() for other in taken})


def _described(each: FoundRecords) -> Described:
    if each.reason:
        return Described(Schema(each.name, (), ()), (each.reason,))
    columns = columns_of_sample(each.records)
    found, wrong = list[SampledField](), list[str]()
    for name, values in columns.items():
        field = _field(name, values)
        if isinstance(field, str):
            wrong.append(f"field {name!r} {field}")
        else:
            found.append(field)
    if each.keys is not None:
        name = next(name for name in ("key", "id", "code", "entry_key") if name not in columns)
        kind = Kind.INT if all(type(key) is int for key in each.keys) else Kind.STR
        found.insert(0, SampledField(FieldSchema(name, kind, columns=(name,))))
        key: str | None = name
    else:
        key = _key_of(found, columns)
        if key is None:
            wrong.append("no field names each of its items")
    is_usual = each.option == YamlCollection()
    return Described(
        Schema(each.name, tuple([field.field for field in found]), () if wrong or key is None else (key,)),
        tuple(wrong),
        {field.field.name: field.annotation for field in found if field.annotation},
        {field.field.name: field.remark for field in found if field.remark},
        None if is_usual else each.option,
    )


def _field(name: object, values: Sequence[Value]) -> SampledField | str:
    """The field for the values under a name, or why there is none."""
    if not isinstance(name, str):
        return "has no text as its name"
    there = [value for value in values if value is not None]
    if not there:
        return SampledField(FieldSchema(name, Kind.JSON, nullable=True, columns=(name,)), "JSON", "never has a value")
    if all(isinstance(value, str) and _is_date(value) for value in there):
        return SampledField(FieldSchema(name, Kind.DATE, len(there) < len(values), columns=(name,)))
    return sampled_field(name, values)


def _is_date(text: str) -> bool:
    try:
        return _DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _key_of(found: Sequence[SampledField], columns: Mapping[str, Sequence[Value]]) -> str | None:
    """The field that names the items of a list: its values are there, short, and differ."""
    fitting = [
        each.field.name
        for each in found
        if each.field.kind in (Kind.STR, Kind.INT)
        and not each.field.nullable
        and len(set(columns[each.field.name])) == len(columns[each.field.name])
    ]
    likely = [name for name in _KEYS if name in fitting] + [name for name in fitting if re.search(r"[_-]?id\Z", name)]
    return next(iter([*likely, *fitting]), None)
