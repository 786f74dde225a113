"""Rows of single fields, as the model has their values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from holdall.errors import CorruptRecord
from holdall.query import AnyQuery, Value, is_formula
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.store import Damaged, Row, Rows

__all__ = ["decoded_by", "decoded_rows", "decoder_of", "parted_rows"]


def decoded_rows(bindings: Bindings, binding: Binding, query: AnyQuery, rows: Rows) -> list[Row]:
    """The rows of a query with a projection, decoded. Raises CorruptRecord for a value that the model cannot hold."""
    decoders = [decoder_of(bindings, binding, path) for path in query.projection]
    return decoded_by(decoders, binding, query, rows) if any(decoders) else rows


def decoded_by(
    decoders: Sequence[Callable[[Value], Value] | None], binding: Binding, query: AnyQuery, rows: Rows
) -> list[Row]:
    """The rows with each value decoded. Raises CorruptRecord for a value that the model cannot hold."""
    try:
        return [
            tuple(
                [
                    value if decode is None or value is None else decode(value)
                    for decode, value in zip(decoders, row, strict=True)
                ]
            )
            for row in rows
        ]
    except (LookupError, TypeError, ValueError) as error:
        fields = tuple([".".join(path) for path in query.projection])
        reason = f"one of {', '.join(fields)} is stored as something that the model does not know"
        raise CorruptRecord(binding.store.name, binding.collection, reason, fields=fields) from error


def parted_rows(binding: Binding, query: AnyQuery, error: CorruptRecord) -> tuple[list[Row], list[CorruptRecord]]:
    """Of the rows of an answer those that can be read, and an error for each of the others."""
    names = [".".join(path) for path in query.projection]
    rows, broken = list[Row](), list[CorruptRecord]()
    for row in error.rows:
        fields = [name for name, value in zip(names, row, strict=True) if isinstance(value, Damaged)]
        if not fields:
            rows.append(row)
            continue
        shown = dict(zip(names, row, strict=True))
        parts = tuple([shown.get(name) for name in binding.schema.key])
        is_known = not any(part is None or isinstance(part, Damaged) for part in parts)
        key = (parts[0] if len(parts) == 1 else parts) if is_known else None
        reason = f"{', '.join(fields)} cannot be read"
        each = {name: value.reason for name, value in shown.items() if isinstance(value, Damaged)}
        broken.append(
            CorruptRecord(binding.store.name, binding.collection, reason, key=key, fields=fields, reasons=each)
        )
    return rows, broken


def decoder_of(bindings: Bindings, binding: Binding, path: tuple[str, ...]) -> Any:
    """The function from the border value at this path to that of the model; None where they are the same.

    Formulas give border values.
    """
    if is_formula(path):
        return None
    for name in path[:-1]:
        target = binding.schema.field(name).target
        assert target is not None
        binding = bindings.of_name(target)
    field = binding.declaration.reference(path[-1])
    return field.type.decode if field is not None and field.type is not None else None
