"""The LIMIT and the OFFSET of a statement, as parameters."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from holdall.query import AnyQuery
from holdall.stores.sql.binding import Binding
from holdall.stores.sql.dialect import Dialect, Element

__all__ = ["limited"]

_ZERO: Element = sa.literal_column("0")


def limited(select: sa.Select[Any], query: AnyQuery, binding: Binding, dialect: Dialect) -> sa.Select[Any]:
    """The statement with the limit and the offset of the query, whose values come last among the query's."""
    if query.max_rows is not None:
        select = select.limit(_number(binding, dialect))
    if query.skip:
        select = select.offset(_number(binding, dialect))
    return select


def _number(binding: Binding, dialect: Dialect) -> Element:
    """A number of rows.

    SQLite plans with the value of a bare parameter there, and prepares the statement anew whenever that is bound again,
    which costs more than to read a page (``sqlite3ExprIsInteger`` and ``Vdbe.expmask`` in its source); a sum is left to
    the run.
    """
    number: Element = binding.parameter(binding.take(), sa.BigInteger())
    return number + _ZERO if dialect.family == "sqlite" else number
