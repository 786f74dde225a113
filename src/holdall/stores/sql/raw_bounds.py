"""Statements of users that would reach past themselves: they end the transaction of others, or set their connection.

Connections are shared, and one transaction may hold the writes of several sessions. The first words of each statement
of a text tell; bodies of triggers and procedures are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdall.errors import QueryError

__all__ = ["demand_bounded"]

_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|(?P<quote>\$\w*\$).*?(?P=quote)|(?P<end>;)",
    re.DOTALL,
)
_SPACE = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_BODY = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+|DEFINER\s*=\s*\S+\s+)*(?:TEMP\s+|TEMPORARY\s+|AGGREGATE\s+|CONSTRAINT\s+)*"
    r"(?:TRIGGER|PROCEDURE|FUNCTION|EVENT|PACKAGE)\b|BEGIN\s+NOT\s+ATOMIC\b",
    re.IGNORECASE,
)
_TRANSACTION = re.compile(
    r"(?P<verb>BEGIN|START\s+TRANSACTION|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|XA|SET\s+AUTOCOMMIT)\b",
    re.IGNORECASE,
)
_CONNECTION = re.compile(
    r"(?P<verb>SET|RESET|DISCARD|LISTEN|UNLISTEN|USE|ATTACH|DETACH)\b"
    r"(?!\s+(?:LOCAL|GLOBAL|PERSIST|PERSIST_ONLY|STATEMENT|PASSWORD|DEFAULT\s+ROLE|CONSTRAINTS)\b)",
    re.IGNORECASE,
)
_PRAGMA = re.compile(r"PRAGMA\s+(?:\w+\s*\.\s*)?(?P<name>\w+)\s*[=(]", re.IGNORECASE)
_LASTING = frozenset(
    [
        "table_info",
        "table_xinfo",
        "table_list",
        "index_info",
        "index_xinfo",
        "index_list",
        "foreign_key_list",
        "foreign_key_check",
        "integrity_check",
        "quick_check",
        "wal_checkpoint",
        "incremental_vacuum",
        "optimize",
        "user_version",
        "application_id",
    ]
)
"""Names of PRAGMA that say something of the file, or change it, and nothing of the connection."""


def demand_bounded(sql: str) -> None:
    """Raise QueryError for a text that begins or ends a transaction, or sets what stays on the connection.

    >>> demand_bounded("DELETE FROM book WHERE title = 'a; COMMIT'")
    >>> demand_bounded("DELETE FROM book; COMMIT")
    Traceback (most recent call last):
    holdall.errors.QueryError: sql() takes no COMMIT: a transaction is a block, async with session.transaction(...)
    """
    for place, start in enumerate(_starts(sql)):
        if place == 0 and _BODY.match(sql, start):
            return
        if found := _TRANSACTION.match(sql, start):
            verb = " ".join(found["verb"].upper().split())
            raise QueryError(f"sql() takes no {verb}: a transaction is a block, async with session.transaction(...)")
        if found := _CONNECTION.match(sql, start):
            raise QueryError(_stays(found["verb"].upper()))
        if (found := _PRAGMA.match(sql, start)) and found["name"].lower() not in _LASTING:
            raise QueryError(_stays(f"PRAGMA {found['name']} with a value"))


def _stays(verb: str) -> str:
    return (
        f"sql() takes no {verb}: others use the same connection next; set it in the store's URL or options, or in a"
        " block of session.native(...)"
    )


def _starts(sql: str) -> Iterator[int]:
    """The places at which the statements of a text begin."""
    ends = [-1, *(token.start() for token in _TOKEN.finditer(sql) if token["end"])]
    for end in ends:
        space = _SPACE.match(sql, end + 1)
        yield end + 1 if space is None else space.end()
