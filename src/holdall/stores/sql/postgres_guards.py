"""Tables of PostgreSQL whose statements may write other rows than they are given.

A BEFORE or INSTEAD OF trigger may keep a row from being written and write others; a rule, a view and a foreign table
as well. What a statement on such a table reports must be looked at before it is committed.
"""

from __future__ import annotations

import asyncpg

__all__ = ["guarded_tables"]

# the bits of tgtype are those of pg_trigger.h: 2 for BEFORE, 64 for INSTEAD OF
_GUARDED = """
WITH RECURSIVE guarded AS (
    SELECT tgrelid AS id FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 66 <> 0
    UNION SELECT ev_class FROM pg_rewrite WHERE ev_type <> '1'
    UNION SELECT oid FROM pg_class WHERE relkind IN ('v', 'f')
    UNION SELECT inhparent FROM pg_inherits JOIN guarded ON inhrelid = id
)
SELECT relname::text FROM pg_class JOIN guarded ON oid = id
WHERE relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) AND pg_table_is_visible(oid)
"""


async def guarded_tables(connection: asyncpg.Connection) -> frozenset[str]:
    """The names of those tables, as far as they are found without a schema. Raises asyncpg's errors."""
    return frozenset([name for (name,) in await connection.fetch(_GUARDED)])
