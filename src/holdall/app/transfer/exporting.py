"""A whole collection, or all that a query means, into one file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from holdall.app.transfer.files import form_of, new_file
from holdall.app.transfer.row_writing import Write, record_writer, row_writer
from holdall.errors import QueryError
from holdall.model import Model, csv_lines
from holdall.policy import User
from holdall.query import AnyQuery, Value
from holdall.session import Bindings, Session

__all__ = ["export_records"]

_BATCH = 1_000


async def export_records(
    bindings: Bindings,
    query: AnyQuery,
    path: Path,
    *,
    form: str | None,
    columns: Sequence[str] | None,
    user: User,
    keeps_formulas: bool,
    progress: Callable[[int], object] | None,
) -> int:
    """Write all records that a query means, as the user may see them; see ``Holdall.export_records``.

    Raises QueryError for a query of less than whole records, and for columns that are not fields or named twice.
    """
    bindings.configure()
    binding, chosen = bindings.of_query(query), form_of(path, form)
    hidden = binding.hidden(user)
    every = [name for name in binding.all_fields if name not in hidden]
    if query.projection or query.grouping is not None:
        raise QueryError("an export is of whole records: name what is wanted of them by columns=, not by only()")
    names = every if columns is None else list(columns)
    if not names or len(set(names)) < len(names):
        raise QueryError("columns are names of fields, at least one, and each once")
    if unknown := [name for name in names if name not in every]:
        raise QueryError(f"{binding.collection} has no stored field {unknown[0]!r} to export")
    written = 0
    with new_file(path) as file:
        if chosen == "csv":
            file.write(csv_lines([names]))
        async with Session(bindings, user) as session:
            if binding.model.to_json is Model.to_json:
                items: AsyncIterator[Sequence[Value]] = session.context.reader.stream_rows(query, _BATCH)
                write: Write = row_writer(binding, chosen, names, keeps_formulas=keeps_formulas)
            else:  # the model says by itself what is written
                items = _alone(session.stream(query, batch=_BATCH))
                write = record_writer(binding, chosen, names, keeps_formulas=keeps_formulas)
            async for part in _parts(items):
                file.write(write(part))
                written += len(part)
                if progress is not None and len(part) == _BATCH:
                    progress(written)
                await asyncio.sleep(0)
    return written


async def _alone(records: AsyncIterator[Model]) -> AsyncIterator[Sequence[Model]]:
    async for record in records:
        yield [record]


async def _parts(items: AsyncIterator[Sequence[Value]]) -> AsyncIterator[list[Value]]:
    """The items, as many in each part as are written together."""
    waiting: list[Value] = []
    async for some in items:
        waiting += some
        while len(waiting) >= _BATCH:
            yield waiting[:_BATCH]
            waiting = waiting[_BATCH:]
    if waiting:
        yield waiting
