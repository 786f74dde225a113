"""Between records and rows: rows are tuples of border values in the order of the declaration's stored fields.

Where no field needs decoding a row becomes a record at the speed of a plain struct; else a generated function does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import starmap
from operator import attrgetter
from typing import Any

from holdall.codegen import function
from holdall.errors import FieldError, ValidationError
from holdall.model.field import Field
from holdall.model.reference import Reference
from holdall.model.tracking import Record
from holdall.query import Value

__all__ = ["RowCodec"]

Reader = Callable[[Any], tuple[Any, ...]]


class RowCodec:
    """Makes records from trusted rows, and tuples of border values from records.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> [book] = Book.__holdall__.codec.records_from([(1, "Emma")])
    >>> book.title
    'Emma'
    """

    def __init__(self, model: str, stored: Sequence[Field], create: Callable[..., Any]) -> None:
        self._model = model
        self._stored = stored
        self._by_name = {field.name: field for field in stored}
        self._create = create
        self._readers: dict[tuple[str, ...], Reader] = {}
        self._decode = _decoder(model, stored, create)

    def records_from(self, rows: Iterable[Sequence[Value]]) -> list[Record]:
        """A record for each row, nothing checked; raises ValidationError where a value cannot be decoded."""
        if self._decode is None:
            return list(starmap(self._create, rows))
        kept = rows if isinstance(rows, list | tuple) else list(rows)
        try:
            return self._decode(kept)
        except (LookupError, TypeError, ValueError):
            self._explain(kept)
            raise

    def reader(self, names: tuple[str, ...]) -> Reader:
        """A function from a record to the border values of these fields, made once for each choice of fields."""
        found = self._readers.get(names)
        if found is None:
            found = self._readers[names] = _reader([self._by_name[name] for name in names])
        return found

    def columns(self, names: tuple[str, ...], records: Sequence[Record]) -> list[list[Value]]:
        """The border values of these fields of all the records, a list for each field."""
        return [self._column(name, records) for name in names]

    def _column(self, name: str, records: Sequence[Record]) -> list[Value]:
        if _is_plain(self._by_name[name]):
            return list(map(attrgetter(name), records))
        return [value for (value,) in map(self.reader((name,)), records)]

    def _explain(self, rows: Sequence[Sequence[Value]]) -> None:
        """Raise for the first row with a value that cannot be decoded, naming each such value's field."""
        for row in rows:
            errors = [
                FieldError(field.name, "stored", "is stored as something that the model does not know")
                for field, value in zip(self._stored, row, strict=True)
                if not _decodes(field, value)
            ]
            if errors:
                raise ValidationError(self._model, errors)


def _decode_of(field: Field) -> Callable[[Any], Any] | None:
    if field.form is not None:
        return tuple
    return field.type.decode if field.type is not None else None


def _decodes(field: Field, value: object) -> bool:
    decode = _decode_of(field)
    if decode is None or value is None:
        return True
    try:
        decode(value)
    except (LookupError, TypeError, ValueError):
        return False
    return True


def _decoder(
    model: str, stored: Sequence[Field], create: Callable[..., Any]
) -> Callable[[Iterable[Any]], list[Any]] | None:
    """A generated function from rows to records; None where rows are slot values as they are."""
    if all(_decode_of(field) is None for field in stored):
        return None
    names: dict[str, object] = {"create": create}
    variables, values = [], []
    for number, field in enumerate(stored):
        decode = _decode_of(field)
        variables.append(f"v{number}")
        values.append(f"v{number}" if decode is None else f"v{number} if v{number} is None else d{number}(v{number})")
        names[f"d{number}"] = decode
    source = f"[create({', '.join(values)}) for {', '.join(variables)}, in rows]"
    decode_all: Callable[[Iterable[Any]], list[Any]] = function(
        "decode", "rows", source, names, f"{model}, made of rows"
    )
    return decode_all


def _reader(fields: Sequence[Field]) -> Reader:
    if len(fields) > 1 and all(_is_plain(field) for field in fields):
        return attrgetter(*[field.name for field in fields])
    names: dict[str, object] = {"Reference": Reference}
    values = []
    for number, field in enumerate(fields):
        names[f"g{number}"], names[f"e{number}"] = field.get, field.encode
        if _is_plain(field):
            values.append(f"r.{field.name}")
        elif field.is_relation and field.form is None:
            values.append(f"(v.key if (v := g{number}(r)).__class__ is Reference else v)")
        else:
            values.append(f"e{number}(g{number}(r))")
    source = f"({', '.join(values)}{',' if values else ''})"
    read: Reader = function("read", "r", source, names, f"{fields[0].model if fields else 'nothing'}, read")
    return read


def _is_plain(field: Field) -> bool:
    """Whether the slot holds the border value and nothing stands in front of it."""
    return field.type is not None and field.type.encode is None and not field.type.is_mutable
