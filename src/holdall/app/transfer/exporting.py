"""A whole collection, or all that a query means, into one file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec

from holdall.app.transfer.files import form_of, new_file
from holdall.app.transfer.yaml_documents import yaml_writer
from holdall.errors import QueryError
from holdall.model import csv_lines, csv_row
from holdall.policy import User
from holdall.query import AnyQuery, Json, Kind, Value
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
    """Write all records that a query means, as the user may see them; see ``Holdall.export_records``."""
    bindings.configure()
    binding, chosen = bindings.of_query(query), form_of(path, form)
    hidden = binding.policy.hidden(user)
    every = [name for name in binding.all_fields if name not in hidden]
    if query.projection or query.grouping is not None:
        raise QueryError("an export is of whole records: name what is wanted of them by columns=, not by only()")
    names = every if columns is None else list(columns)
    if not names or len(set(names)) < len(names):
        raise QueryError("columns are names of fields, at least one, and each once")
    if unknown := [name for name in names if name not in every]:
        raise QueryError(f"{binding.collection} has no stored field {unknown[0]!r} to export")
    of_json = {place for place, name in enumerate(names) if binding.schema.field(name).kind is Kind.JSON}
    written, rows, write = 0, list[bytes](), _writer(chosen, names, of_json, keeps_formulas=keeps_formulas)
    with new_file(path) as file:
        if chosen == "csv":
            file.write(csv_lines([names]))
        async with Session(bindings, user) as session:
            async for record in session.stream(query, batch=_BATCH):
                text = record.to_json(fields=names).encode()
                rows.append(text)
                if len(rows) == _BATCH:
                    file.write(write(rows))
                    written, rows = written + len(rows), []
                    if progress is not None:
                        progress(written)
                    await asyncio.sleep(0)
        file.write(write(rows))
    return written + len(rows)


def _writer(
    form: str, names: Sequence[str], of_json: Collection[int], *, keeps_formulas: bool
) -> Callable[[list[bytes]], bytes]:
    """The function from records as JSON to their part of the file."""
    if form == "ndjson":
        return lambda rows: b"".join([row + b"\n" for row in rows])
    if form == "yaml":
        documents = yaml_writer()
        return lambda rows: documents(_decoded(rows))

    def of_csv(rows: list[bytes]) -> bytes:
        cells = [[row[name] for name in names] for row in _decoded(rows)]
        return csv_lines([csv_row(each, keeps_formulas=keeps_formulas, of_json=of_json) for each in cells])

    return of_csv


def _decoded(rows: list[bytes]) -> list[dict[str, Json]]:
    return msgspec.json.decode(b"[" + b",".join(rows) + b"]", type=list[dict[str, Value]])
