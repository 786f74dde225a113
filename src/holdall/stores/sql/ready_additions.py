"""The part of an SQL store that gets additions ready: their statement is looked up once, not for each record."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

import msgspec

from holdall.store import Outcome, ReadyAddition, Row, Seam, Verb
from holdall.stores.sql.codec import RowConvert, row_encoder
from holdall.stores.sql.database import Inserting, Insertion
from holdall.stores.sql.server_values import given_names
from holdall.stores.sql.steps import Insert
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.write_keys import write_shape

__all__ = ["ReadyAdditions"]

_NO_VALUES: tuple[Row, ...] = ((),)


class _Known(msgspec.Struct, eq=False):
    """An addition, and what does it in tables of one generation; None where more than one statement is needed."""

    collection: str
    fields: tuple[str, ...]
    is_key_made: bool
    insert: Insertion | None = None
    encode: RowConvert | None = None
    generation: int = -1


class ReadyAdditions:
    """The ``AddingReady`` of an SQL store."""

    tables: Tables
    _inserting: Inserting | None  # the database, where it is one
    _is_ready: bool
    _seam: Seam

    def ready_addition(self, collection: str, fields: tuple[str, ...], *, is_key_made: bool) -> ReadyAddition | None:
        """The addition made ready; None before the tables are known, and where a database adds no record so."""
        database = self._inserting
        if not self._is_ready or database is None:
            return None
        return partial(self._added, database, _Known(collection, fields, is_key_made))

    def _added(self, database: Inserting, known: _Known, row: Row) -> Awaitable[Outcome | None]:
        if known.generation != self.tables.generation and not self._is_found(database, known):
            return _nothing()
        if known.insert is None or self._seam.observer is not None:
            return _nothing()
        if known.encode is not None:
            try:
                (row,) = known.encode([row])
            except ValueError:  # what is applied says of which field
                return _nothing()
        return known.insert(row)

    def _is_found(self, database: Inserting, known: _Known) -> bool:
        """Take what does it in the tables as they are now; return whether they are known."""
        if not self._is_ready:
            return False
        layout = self.tables.layout(known.collection)
        shape = write_shape(layout, known.fields)
        is_counted = layout.generated is not None and layout.generated not in shape.columns
        is_whole = shape.places is None and not shape.links and bool(shape.columns) and len(layout.schema.key) == 1
        is_alike = known.is_key_made is is_counted and (is_counted or layout.generated is None)
        known.insert = known.encode = None
        if is_whole and is_alike and not given_names(layout.schema, Verb.ADD, known.fields):
            generated = layout.generated if is_counted else None
            name = layout.schema.name
            step = Insert(name, layout.table, shape.columns, _NO_VALUES, (0,), generated, is_only=True)
            known.insert = database.insertion(step)
            known.encode = row_encoder(shape.fields, self.tables.dialect)
        known.generation = self.tables.generation
        return True


async def _nothing() -> None:
    """Tell that nothing was written."""
