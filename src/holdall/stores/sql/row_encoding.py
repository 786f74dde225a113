"""Rows of border values as a driver takes them, by one function for each group of fields."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.errors import FieldError, ValidationError
from holdall.query import FieldSchema
from holdall.store import Row
from holdall.stores.sql.codec import RowConvert, row_encoder
from holdall.stores.sql.layout import Layout
from holdall.stores.sql.tables import Tables

__all__ = ["RowEncoding", "found_by"]


class RowEncoding:
    """The encoders of one store, made when they are first needed."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._encoders: dict[tuple[FieldSchema, ...], RowConvert | None] = {}

    def clear(self) -> None:
        """Forget the encoders, as collections were declared anew."""
        self._encoders.clear()

    def rows(self, layout: Layout, fields: tuple[FieldSchema, ...], rows: Sequence[Row]) -> Sequence[Row]:
        """The rows, which have values of these fields. Raises ValidationError for one that cannot be kept."""
        try:
            convert = self._encoders[fields]
        except KeyError:
            convert = self._encoders[fields] = row_encoder(fields, self._tables.dialect)
        if convert is None:
            return rows
        try:
            return convert(rows)
        except ValueError as error:
            problem = FieldError(self._culprit(fields, rows), "unstorable", str(error))
            raise ValidationError(layout.schema.name, [problem]) from error

    def _culprit(self, fields: tuple[FieldSchema, ...], rows: Sequence[Row]) -> str:
        for place, field in enumerate(fields):
            convert = row_encoder((field,), self._tables.dialect)
            try:
                if convert is not None:
                    convert([(row[place],) for row in rows])
            except ValueError:
                return field.name
        return ""


def found_by(layout: Layout, is_versioned: bool) -> tuple[tuple[FieldSchema, ...], tuple[str, ...]]:
    """Fields and columns that find the records of a batch: their key, and the version expected, if any."""
    schema = layout.schema
    fields = tuple(schema.by_name[name] for name in schema.key)
    match = tuple(leaf.name for leaf in layout.key)
    if not is_versioned or layout.version is None or schema.version is None:
        return fields, match
    return (*fields, schema.by_name[schema.version]), (*match, layout.version)
