"""Facts that a connection to PostgreSQL must know before it lets a single statement be a whole commit.

A BEFORE or INSTEAD OF trigger may keep a row from being written and write others; a rule, a view and a foreign table as
well. The reply to a statement on such a table must be looked at before it is committed. An AFTER trigger may change
rows that a statement has returned, and acts when all of a statement is done; so do ON DELETE CASCADE and SET NULL.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

__all__ = ["IS_RESERVING", "Guards", "has_triggers", "learn_guards"]

IS_RESERVING = "SELECT FROM pg_class WHERE relname = 'holdall_reservation' AND pg_table_is_visible(oid)"
"""One row where the database has a table of reservations, none where it has not."""

# the bits of tgtype are those of pg_trigger.h: 2 for BEFORE, 64 for INSTEAD OF
_GUARDS = f"""
WITH RECURSIVE guarded AS (
    SELECT tgrelid AS id, tgtype & 66 = 0 AS is_after FROM pg_trigger WHERE NOT tgisinternal
    UNION SELECT ev_class, false FROM pg_rewrite WHERE ev_type <> '1'
    UNION SELECT oid, false FROM pg_class WHERE relkind IN ('v', 'f')
    UNION SELECT inhparent, is_after FROM pg_inherits JOIN guarded ON inhrelid = id
), cascading AS (
    SELECT DISTINCT confrelid AS id FROM pg_constraint WHERE contype = 'f' AND confdeltype IN ('c', 'n', 'd')
), named AS (
    SELECT name, kind FROM pg_class AS c
    JOIN (SELECT id, CASE WHEN is_after THEN 'after' ELSE 'guarded' END AS kind FROM guarded
          UNION ALL SELECT id, 'cascading' FROM cascading) AS known ON oid = id
    JOIN pg_namespace AS n ON n.oid = relnamespace
    CROSS JOIN LATERAL (VALUES (relname::text, pg_table_is_visible(c.oid)), (nspname || '.' || relname, true))
        AS each (name, is_found)
    WHERE is_found AND nspname NOT IN ('pg_catalog', 'information_schema')
)
SELECT ARRAY(SELECT name FROM named WHERE kind = 'guarded'), ARRAY(SELECT name FROM named WHERE kind = 'after'),
       ARRAY(SELECT name FROM named WHERE kind = 'cascading'), EXISTS ({IS_RESERVING}),
       current_setting('default_transaction_isolation') = 'read committed'
"""  # noqa: S608


class Guards(msgspec.Struct, frozen=True):
    """``tables``, with and without the names of their schemas, whose statements may write other rows than are given.

    ``followed`` are those whose rows may be changed again when a statement has returned them, ``cascading`` those
    whose foreign keys remove or change what refers to a removed row. ``is_reserving`` if the database has a table of
    reservations. ``is_read_committed`` if each statement that is a transaction by itself looks at the database after it
    has its locks.
    """

    tables: frozenset[str]
    followed: frozenset[str]
    cascading: frozenset[str]
    is_reserving: bool
    is_read_committed: bool


async def learn_guards(fetch: Callable[[str, tuple[()]], Awaitable[Sequence[Sequence[Any]]]]) -> Guards:
    """Ask the server. Raises what ``fetch`` raises."""
    ((tables, followed, cascading, is_reserving, is_read_committed),) = await fetch(_GUARDS, ())
    return Guards(frozenset(tables), frozenset(followed), frozenset(cascading), is_reserving, is_read_committed)


def has_triggers(table: str) -> str:
    """The condition that a table, given by its quoted name, has triggers of its own."""
    named = "'" + table.replace("'", "''") + "'::regclass"
    return f"EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgrelid = {named} AND NOT tgisinternal)"
