"""Plans of databases: how one would answer a statement, asked in each dialect's own words."""

from __future__ import annotations

from time import perf_counter

from holdall.query import Value
from holdall.store import Rows
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.watching import Ask

__all__ = ["plan_of"]


async def plan_of(dialect: Dialect, ask: Ask, sql: str, parameters: Value, *, analyze: bool) -> str:
    """The database's own plan for a reading statement, line by line; empty for a database that is not asked for plans.

    With ``analyze`` the statement is carried out, and the plan says what that took.
    """
    match dialect.family:
        case "postgresql":
            options = "ANALYZE, BUFFERS" if analyze else "COSTS"
            return "\n".join(str(line) for (line,) in await ask(f"EXPLAIN ({options}) {sql}", parameters))
        case "sqlite":
            lines = _tree(await ask(f"EXPLAIN QUERY PLAN {sql}", parameters))
            return "\n".join([*lines, await _timed(ask, sql, parameters)] if analyze else lines)
        case "mysql":
            verb = "EXPLAIN FORMAT=JSON"
            if analyze:
                verb = "ANALYZE FORMAT=JSON" if dialect.is_mariadb else "EXPLAIN ANALYZE"
            return "\n".join(str(line[0]) for line in await ask(f"{verb} {sql}", parameters))
    return await _timed(ask, sql, parameters) if analyze else ""


def _tree(rows: Rows) -> list[str]:
    """The lines of SQLite's plan, each further in than the one it belongs to."""
    depth = {0: -1}
    lines = []
    for number, parent, _, detail in rows:
        depth[number] = depth.get(parent, -1) + 1
        lines.append("  " * depth[number] + detail)
    return lines


async def _timed(ask: Ask, sql: str, parameters: Value) -> str:
    """A line about what the statement took, for databases that do not say so themselves."""
    begun = perf_counter()
    rows = await ask(sql, parameters)
    return f"{len(rows)} rows in {perf_counter() - begun:.6f} s"
