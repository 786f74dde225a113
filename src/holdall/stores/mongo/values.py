"""The values at paths of documents: of own fields, of records that are referred to, and of formulas, computed here."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.query import Path, Row, Value, is_formula
from holdall.query.predicate import Getter
from holdall.query.value_columns import ValueColumns, needed
from holdall.store import Damaged
from holdall.stores.mongo.documents import Columns, columns_of
from holdall.stores.mongo.layout import Layout, Layouts
from holdall.stores.mongo.paths import PathValues
from holdall.stores.mongo.source import Document, Source

__all__ = ["Values"]


class Values:
    """Reads what documents lead to."""

    def __init__(self, source: Source, layouts: Layouts) -> None:
        self._source = source
        self._layouts = layouts

    async def columns(self, layout: Layout, documents: list[Document], paths: Sequence[Path]) -> Columns:
        """The values at these paths, a list for each."""
        if any(map(is_formula, paths)):
            return await self._computed(layout, documents, paths)
        found = columns_of(layout, documents, [path[0] for path in paths])
        if all(len(path) == 1 for path in paths):
            return found
        values = PathValues(self._source, self._layouts)
        through = [
            column if len(path) == 1 else await values.through(layout, path, column)
            for path, column in zip(paths, found.values, strict=True)
        ]
        return Columns(through, any(isinstance(value, Damaged) for column in through for value in column))

    async def _computed(self, layout: Layout, documents: list[Document], paths: Sequence[Path]) -> Columns:
        inner = needed(paths) or tuple([(name,) for name in layout.schema.key])
        found = await self.columns(layout, documents, inner)
        rows: list[Row] = list(zip(*found.values, strict=True))
        known = ValueColumns(self._layouts.schemas, layout.schema, inner)
        columns = [[_value(known.getter(path), row) for row in rows] for path in paths]
        return Columns(columns, found.is_damaged)


def _value(getter: Getter, row: Row) -> Value:
    """The value of a row; where one cannot be read, that of which it is computed."""
    try:
        return getter(row)
    except (ArithmeticError, AttributeError, TypeError, ValueError):
        broken = next((value for value in row if isinstance(value, Damaged)), None)
        if broken is None:
            raise
        return broken
