"""Statements of users reach neither the transactions of others nor the connections that others use next."""

from __future__ import annotations

import pytest

from holdall.errors import QueryError
from holdall.stores.sql.raw_bounds import demand_bounded

_REFUSED = {
    "BEGIN": "BEGIN",
    "begin immediate": "BEGIN",
    "  -- so\n COMMIT": "COMMIT",
    "/* so */ rollback to x": "ROLLBACK",
    "START  TRANSACTION": "START TRANSACTION",
    "END": "END",
    "SAVEPOINT a": "SAVEPOINT",
    "RELEASE a": "RELEASE",
    "XA START 'a'": "XA",
    "SET autocommit = 0": "SET AUTOCOMMIT",
    "INSERT INTO t VALUES (';'); commit": "COMMIT",
    "DELETE FROM t; -- last\n ROLLBACK": "ROLLBACK",
    "SET search_path TO other": "SET",
    "SET SESSION sql_mode = ''": "SET",
    "SET @a = 1": "SET",
    "RESET ALL": "RESET",
    "DISCARD ALL": "DISCARD",
    "LISTEN news": "LISTEN",
    "USE other": "USE",
    "ATTACH 'other.db' AS other": "ATTACH",
    "PRAGMA foreign_keys = OFF": "PRAGMA foreign_keys",
    "PRAGMA main.synchronous(0)": "PRAGMA synchronous",
    "SELECT 1; PRAGMA query_only=1": "PRAGMA query_only",
}
_TAKEN = [
    "SELECT 'a; COMMIT'",
    'SELECT "a; COMMIT"',
    "SELECT `a; COMMIT`",
    "SELECT 1 -- ; COMMIT",
    "SELECT /* ; ROLLBACK */ 1;",
    "SELECT CASE WHEN a THEN 1 END FROM t",
    "DELETE FROM setting; DELETE FROM ending",
    "DO $$ BEGIN PERFORM 1; END $$",
    "DO $body$ BEGIN; COMMIT; END $body$",
    "CREATE TRIGGER a AFTER INSERT ON t BEGIN UPDATE t SET a = 1; END",
    "CREATE OR REPLACE PROCEDURE a() BEGIN SET @a = 1; COMMIT; END",
    "CREATE DEFINER=`root`@`%` FUNCTION a() RETURNS int BEGIN RETURN 1; END",
    "BEGIN NOT ATOMIC SELECT 1; END",
    "SET LOCAL work_mem = '1MB'",
    "SET STATEMENT max_statement_time = 1 FOR SELECT 1",
    "PRAGMA table_info(t)",
    "PRAGMA foreign_keys",
    "PRAGMA user_version = 3",
    "UPDATE t SET a = 1",
]


@pytest.mark.parametrize("sql, told", _REFUSED.items())
def test_what_reaches_past_a_statement_is_refused_by_name(sql: str, told: str) -> None:
    with pytest.raises(QueryError, match=rf"sql\(\) takes no {told}\b"):
        demand_bounded(sql)


@pytest.mark.parametrize("sql", _TAKEN)
def test_all_else_is_taken(sql: str) -> None:
    demand_bounded(sql)
