"""Names of missing things in a database's error: a table, a column, the database itself, a user who may come in.

Servers and SQLite tell these by name, in words of their own, and no value stands among them. A server that speaks
another language than English is not understood; then the general sentence is told.
"""

from __future__ import annotations

import re

from holdall.errors import HoldallError, SchemaMismatch, StoreError, StoreUnavailable
from holdall.store import Difference

__all__ = ["absent"]

_TABLE = re.compile(
    r'relation "(?P<postgresql>[^"]+)" does not exist'
    r"|Table '(?P<mysql>[^']+)' doesn't exist"
    r"|no such table: (?P<sqlite>.+)"
)
_COLUMN = re.compile(
    r'column "?(?P<postgresql>[^"\s]+?)"? (?:of relation "(?P<of>[^"]+)" )?does not exist'
    r"|Unknown column '(?P<mysql>[^']+)'"
    r"|no such column: (?P<sqlite>.+)"
    r"|table (?P<table>.+) has no column named (?P<named>.+)"
)
_DATABASE = re.compile(r"""database "(?P<postgresql>[^"]+)" does not exist|Unknown database '(?P<mysql>[^']+)'""")
_USER = re.compile(
    r'(?:role|user) "(?P<postgresql>[^"]+)"(?: does not exist)?|Access denied for user \'(?P<mysql>[^\']*)\'@'
)
_REFUSED_AT_THE_DOOR = frozenset(("28000", "28P01", "1045", "1698"))


def absent(store: str, code: str, message: str) -> HoldallError | None:
    """The error for what is not there, or None where the driver's message speaks of something else.

    ``code`` is the SQLSTATE, the number or the name of the driver's error.

    >>> absent("main", "SQLError", "no such table: book").differences
    ("there is no table 'book'; make it by app.create() or holdall create",)
    """
    if found := _TABLE.search(message):
        table = _first(found)
        told = f"there is no table {table!r}; make it by app.create() or holdall create"
        return SchemaMismatch(store, [Difference(told, "missing-table", table)])
    if found := _COLUMN.search(message):
        table, column = found["of"] or found["table"], found["named"] or _first(found)
        place = f" in table {table!r}" if table else ""
        return SchemaMismatch(store, [f"there is no column {column!r}{place}; compare with inspect()"])
    if found := _DATABASE.search(message):
        return StoreUnavailable(store, f"there is no database {_first(found)!r} ({code}); create it first")
    if code in _REFUSED_AT_THE_DOOR and (found := _USER.search(message)):
        return StoreError(
            store, f"the server does not let us in as {_first(found)!r} ({code}); look at user and password"
        )
    return None


def _first(found: re.Match[str]) -> str:
    groups = found.groupdict()
    return next(groups[name] for name in ("postgresql", "mysql", "sqlite") if groups.get(name) is not None).strip()
