"""Whether what is stored is written as its column's fields are compared: asked of the first rows of each table.

The types of most columns say nothing of it: SQLite keeps any value in any column, and an Enum may be stored by its
names.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import sqlalchemy as sa

from holdall.query import FieldSchema, Kind, Value
from holdall.store import Difference
from holdall.stores.sql.catalogues import CATALOGUES
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.differences import fields_of_link, fields_of_table
from holdall.stores.sql.inspection import FoundColumn, FoundTable
from holdall.stores.sql.keeping import kept, spelling_of
from holdall.stores.sql.spellings import TEXTS, Spelling, spelling_in
from holdall.stores.sql.tables import Tables

__all__ = ["ValueInspection", "inspect_values", "values_told"]

ValueInspection: TypeAlias = Generator[str, Sequence[Sequence[Any]], tuple[list[Difference], list[str]]]
"""Yields statements without parameters, is sent their rows, and returns the differences, and a sentence for each
table of which only a part was looked at."""

_ANY = "ANY "  # before what is told of a single value: it is read, and would not be found
_DIGITS = "[0-9]"
_DAY = f"{_DIGITS * 4}-{_DIGITS * 2}-{_DIGITS * 2}"
_CLOCK = f"{_DIGITS * 2}:{_DIGITS * 2}:{_DIGITS * 2}.{_DIGITS * 6}"
_MOMENT = f"{_DAY} {_CLOCK}+00:00"
_CLASSES = {Kind.INT: "integer", Kind.TIMEDELTA: "integer", Kind.FLOAT: "real", Kind.STR: "text", Kind.BYTES: "blob"}


def inspect_values(tables: Tables, found: Mapping[str, FoundTable], most: int | None) -> ValueInspection:
    """Looks at the values of at most ``most`` rows in each of the tables, which fit otherwise; None looks at all."""
    told: list[Difference] = []
    cut: list[str] = []
    quote = partial(_quoted, tables.dialect)
    for collection, table, fields in _tables(tables):
        there = found.get(table.key)
        if there is None:
            continue
        checks = [
            (column, sentence, _counted(quote(column), condition))
            for column, field in fields.items()
            if column in there.columns
            for sentence, condition in _checks(quote(column), field, there.columns[column], tables.dialect)
        ]
        if not checks:
            continue
        counted = ", ".join(condition for _, _, condition in checks)
        place = ".".join(map(quote, filter(None, (table.schema, table.name))))
        part, there_are = "", "0"
        if most is not None:
            part = f" LIMIT {most}"
            there_are = f"(SELECT count(*) FROM (SELECT 1 FROM {place} LIMIT {most + 1}) AS counted)"  # noqa: S608
        rows = yield f"SELECT {there_are}, {counted} FROM (SELECT * FROM {place}{part}) AS looked_at"  # noqa: S608
        is_cut = most is not None and rows[0][0] > most
        for (column, sentence, _), is_there in zip(checks, rows[0][1:], strict=True):
            if is_there:
                said = f"{table.key}.{column} {sentence}{f', in the first {most:,} rows' if is_cut else ''}"
                told.append(Difference(said, "values", collection, column))
        if is_cut:
            cut.append(f"of {table.key}, the first {most:,} rows were looked at; inspected_rows=None looks at all")
    return told, cut


async def values_told(
    tables: Tables,
    found: Mapping[str, FoundTable],
    looked_at: int | None,
    ask: Callable[[str, Value], Awaitable[Sequence[Sequence[Value]]]],
) -> tuple[list[Difference], list[str]]:
    """The differences of ``inspect_values``, and the tables with more rows, as the database itself answers."""
    if tables.dialect.family not in CATALOGUES:
        return [], []
    takes_percent = tables.dialect.sqlalchemy.paramstyle in ("format", "pyformat")
    none = None if takes_percent else ()  # what such drivers take for no parameters, so that % stays itself
    inspection = inspect_values(tables, found, looked_at)
    try:
        statement = next(inspection)
        while True:
            statement = inspection.send(await ask(statement, none))
    except StopIteration as end:
        told: tuple[list[Difference], list[str]] = end.value
        return told


def _counted(column: str, condition: str) -> str:
    """SQL that is 1 where it is to be said: of all values, or of any where the condition begins with ANY.

    A single value that cannot be read is no difference: it is told with its record, and the others are served.
    """
    if condition.startswith(_ANY):
        return f"max(CASE WHEN {condition.removeprefix(_ANY)} THEN 1 ELSE 0 END)"
    misfits = f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END)"
    return f"CASE WHEN count({column}) > 1 AND {misfits} = count({column}) THEN 1 ELSE 0 END"


def _quoted(dialect: Dialect, name: str) -> str:
    quoted = dialect.sqlalchemy.identifier_preparer.quote_identifier(name)
    # sent without parameters, so what was doubled for a driver with %s is single again
    return quoted.replace("%%", "%") if dialect.sqlalchemy.paramstyle in ("format", "pyformat") else quoted


def _tables(tables: Tables) -> Iterator[tuple[str, sa.Table, dict[str, FieldSchema]]]:
    for collection in tables.schemas:
        layout = tables.layout(collection)
        yield collection, layout.table, fields_of_table(layout)
        for link in layout.links.values():
            yield collection, link.table, fields_of_link(link)


def _checks(column: str, field: FieldSchema, found: FoundColumn, dialect: Dialect) -> Iterator[tuple[str, str]]:
    """Yield pairs of a sentence and the SQL condition of the values that the sentence is about."""
    if field.choices is not None:
        known = ", ".join(_literal(choice, dialect) for choice in field.choices)
        is_text = spelling_in(dialect.family, found.type, field.kind) in TEXTS and found.cast
        text = f"CAST({column} AS text)" if is_text else column
        yield "holds values that the model does not know; an Enum is kept by its values", f"{text} NOT IN ({known})"
    match dialect.family:
        case "sqlite":
            for sentence, condition in _sqlite(column, field, found, dialect):
                is_any, condition = condition.startswith(_ANY), condition.removeprefix(_ANY)
                yield f"holds {sentence}", f"{_ANY if is_any else ''}{column} IS NOT NULL AND ({condition})"
        case "mysql":
            if field.kind is Kind.BOOL:
                yield "holds numbers other than 0 and 1", f"{column} NOT IN (0, 1)"
            spelling = spelling_in(dialect.family, found.type, field.kind)
            if field.kind is Kind.UUID and spelling is None:
                digits = f"{column} REGEXP '^[0-9A-Fa-f]{{32}}$'"
                yield "holds UUIDs of 32 digits, which need 36 characters", f"{_ANY}{digits}"
                if not (found.collation or "").endswith("_ci"):
                    yield "holds UUIDs that are not in lower case", f"{_ANY}BINARY {column} <> BINARY lower({column})"
            if field.kind is Kind.JSON and spelling is None:
                yield "holds what is no JSON", f"NOT json_valid({column})"


def _sqlite(column: str, field: FieldSchema, found: FoundColumn, dialect: Dialect) -> Iterator[tuple[str, str]]:
    if field.kind in _CLASSES and spelling_in("sqlite", found.type, field.kind) is None:
        wanted = _CLASSES[field.kind]
        yield f"values that are no {wanted}", f"{'' if found.is_loose else _ANY}typeof({column}) <> '{wanted}'"
        if field.kind is Kind.STR:
            yield "texts with a NUL character, which no field takes", f"{_ANY}instr({column}, char(0)) > 0"
    match field.kind, spelling_of(kept(field, found, dialect)):
        case Kind.BOOL, _:
            yield "values other than 0 and 1", f"typeof({column}) <> 'integer' OR {column} NOT IN (0, 1)"
        case Kind.UUID, Spelling.HEX:
            yield (
                "UUIDs that are not 32 digits in lower case",
                f"{_is_uuid(column)} AND (length({column}) <> 32 OR {column} GLOB '*[^0-9a-f]*')",
            )
        case Kind.UUID, _:
            yield (
                "UUIDs that are not 36 characters in lower case",
                f"{_is_uuid(column)} AND (length({column}) <> 36 OR {column} GLOB '*[^0-9a-f-]*')",
            )
        case Kind.TIMEDELTA, Spelling.SINCE_1970:
            yield "durations that are no moments after 1970 began", f"holdall_moment({column}) IS NULL"
        case Kind.DATETIME, Spelling.MOMENT:
            yield "datetimes that are no ISO text", f"holdall_moment({column}) IS NULL"
        case Kind.DATETIME, _:
            yield (
                "datetimes that are not like 2024-05-06 07:08:09.000000+00:00; a column of type DATETIME may hold them",
                f"{_ANY}holdall_moment({column}) IS NOT NULL AND ({_unlike(column, _MOMENT)})",
            )
        case Kind.DATE, _:
            is_read = f"length({column}) <= 10 AND holdall_moment({column}) IS NOT NULL"  # 20240506, 2024-W18-1
            yield "dates that are no ISO text", f"NOT ({is_read})"
            yield "dates that are not like 2024-05-06", f"{_ANY}{is_read} AND ({_unlike(column, _DAY)})"
        case Kind.TIME, Spelling.CLOCK:
            yield "times that are no ISO text", f"holdall_clock({column}) IS NULL"
        case Kind.TIME, _:
            yield (
                "times that are not like 07:08:09.000000; a column of type TIME may hold them",
                f"{_ANY}holdall_clock({column}) IS NOT NULL AND ({_unlike(column, _CLOCK)})",
            )
        case Kind.DECIMAL, Spelling.NUMBER:
            yield "values that are no numbers", f"typeof({column}) NOT IN ('integer', 'real')"
            places = field.places or 0
            yield (
                f"numbers of more than {places} places, which others have calculated: set them to round(…, {places})",
                f"{_ANY}typeof({column}) = 'real' AND {column} <> round({column}, {places})",
            )
        case Kind.DECIMAL, _:
            yield (
                "values that are no decimal numbers as text",
                f"typeof({column}) <> 'text' OR {column} GLOB '*[^0-9.eE+-]*' OR {column} NOT GLOB '*[0-9]*'",
            )
        case Kind.JSON, _:
            yield "what is no JSON text", f"typeof({column}) <> 'text' OR NOT json_valid({column})"


def _is_uuid(column: str) -> str:
    digits = f"replace(lower({column}), '-', '')"
    return f"{_ANY}typeof({column}) = 'text' AND length({digits}) = 32 AND {digits} NOT GLOB '*[^0-9a-f]*'"


def _unlike(column: str, pattern: str) -> str:
    return f"typeof({column}) <> 'text' OR {column} NOT GLOB '{pattern}'"


def _literal(value: str | int, dialect: Dialect) -> str:
    if isinstance(value, int):
        return str(int(value))
    text = value.replace("\\", "\\\\") if dialect.family == "mysql" else value
    return "'" + text.replace("'", "''") + "'"
