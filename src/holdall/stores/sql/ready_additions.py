"""The part of an SQL store that gets additions ready: their statement is looked up once, not for each record."""

from __future__ import annotations

from functools import partial

import msgspec

from holdall.store import Outcome, ReadyAddition, Row, Seam, Verb
from holdall.stores.sql.codec import RowConvert, row_encoder
from holdall.stores.sql.database import Database, Inserting
from holdall.stores.sql.server_values import given_names
from holdall.stores.sql.steps import Insert
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.write_keys import write_shape

__all__ = ["ReadyAdditions"]

_NO_VALUES: tuple[Row, ...] = ((),)


class _Known(msgspec.Struct, eq=False):
    """An addition, and its step for tables of one generation; None where more than one statement is needed."""

    collection: str
    fields: tuple[str, ...]
    is_key_made: bool
    step: Insert | None = None
    encode: RowConvert | None = None
    generation: int = -1


class ReadyAdditions:
    """The ``AddingReady`` of an SQL store."""

    tables: Tables
    _database: Database
    _is_ready: bool
    _seam: Seam

    def ready_addition(self, collection: str, fields: tuple[str, ...], *, is_key_made: bool) -> ReadyAddition | None:
        """The addition made ready; None before the tables are known, and where a database adds no record so."""
        database = self._database
        if not self._is_ready or not isinstance(database, Inserting):
            return None
        return partial(self._added, database, _Known(collection, fields, is_key_made))

    async def _added(self, database: Inserting, known: _Known, row: Row) -> Outcome | None:
        if known.generation != self.tables.generation and not self._step_found(known):
            return None
        if known.step is None or self._seam.observer is not None:
            return None
        if known.encode is not None:
            try:
                (row,) = known.encode([row])
            except ValueError:  # what is applied says of which field
                return None
        return await database.insert(known.step, row)

    def _step_found(self, known: _Known) -> bool:
        """Take the step for the tables as they are now; return whether they are known."""
        if not self._is_ready:
            return False
        layout = self.tables.layout(known.collection)
        shape = write_shape(layout, known.fields)
        is_counted = layout.generated is not None and layout.generated not in shape.columns
        is_whole = shape.places is None and not shape.links and bool(shape.columns) and len(layout.schema.key) == 1
        is_alike = known.is_key_made is is_counted and (is_counted or layout.generated is None)
        known.step = known.encode = None
        if is_whole and is_alike and not given_names(layout.schema, Verb.ADD, known.fields):
            generated = layout.generated if is_counted else None
            name = layout.schema.name
            known.step = Insert(name, layout.table, shape.columns, _NO_VALUES, (0,), generated, is_only=True)
            known.encode = row_encoder(shape.fields, self.tables.dialect)
        known.generation = self.tables.generation
        return True
