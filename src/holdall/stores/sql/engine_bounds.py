"""Statements that MariaDB or MySQL does not answer: given up on this side, where the server is silent, gone or cut off.

The server itself ends what takes it too long; see ``engine_connecting``. This is for answers that do not come at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from holdall.store import Deadlines

__all__ = ["bound"]

_LOST = 2013
"""The number of a connection that was lost during a statement, which makes SQLAlchemy end it."""


def bound(engine: sa.Engine, deadlines: Deadlines) -> None:
    """Have each statement of an engine end with these deadlines, as where its connection is lost."""

    def within(act: Callable[[], object]) -> bool:
        deadline = deadlines.enter()
        try:
            act()
        except asyncio.CancelledError:
            if not deadlines.has_ended(deadline):
                raise
            raise engine.dialect.loaded_dbapi.OperationalError(_LOST, "there was no answer") from TimeoutError()
        finally:
            deadlines.leave(deadline)
        return True  # it is executed

    def execute(cursor: Any, statement: str, parameters: Any, _: object) -> bool:
        return within(lambda: cursor.execute(statement, parameters))

    def execute_many(cursor: Any, statement: str, parameters: Any, _: object) -> bool:
        return within(lambda: cursor.executemany(statement, parameters))

    def execute_plain(cursor: Any, statement: str, _: object) -> bool:
        return within(lambda: cursor.execute(statement))

    event.listen(engine, "do_execute", execute)
    event.listen(engine, "do_executemany", execute_many)
    event.listen(engine, "do_execute_no_params", execute_plain)
