"""Rows of single fields, as the model has their values."""

from __future__ import annotations

from typing import Any

from holdall.errors import CorruptRecord
from holdall.query import Query
from holdall.session.binding import Binding, Bindings
from holdall.store import Row, Rows

__all__ = ["decoded_rows"]


def decoded_rows(bindings: Bindings, binding: Binding, query: Query[Any], rows: Rows) -> list[Row]:
    """The rows of a query with a projection, decoded. Raises CorruptRecord for a value that the model cannot hold."""
    decoders = [_decoder(bindings, binding, path) for path in query.projection]
    if not any(decoders):
        return rows
    try:
        return [
            tuple(
                value if decode is None or value is None else decode(value)
                for decode, value in zip(decoders, row, strict=True)
            )
            for row in rows
        ]
    except (LookupError, TypeError, ValueError) as error:
        fields = tuple([".".join(path) for path in query.projection])
        reason = f"one of {', '.join(fields)} is stored as something that the model does not know"
        raise CorruptRecord(binding.store.name, binding.collection, reason, fields=fields) from error


def _decoder(bindings: Bindings, binding: Binding, path: tuple[str, ...]) -> Any:
    for name in path[:-1]:
        target = binding.schema.field(name).target
        assert target is not None
        binding = bindings.of_name(target)
    field = binding.declaration.by_name[path[-1]]
    return field.type.decode if field.type is not None else None
