"""Stores that say how they would answer a query, in the words of their database."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec

from holdall.query import AnyQuery

__all__ = ["Explaining", "StorePlan"]


class StorePlan(msgspec.Struct, frozen=True):
    """How a store answers a query: the ``statement`` it sends, without values, and the ``plan`` for it.

    The plan is the database's own, line by line, or a sentence about what is read where the store makes no plans.
    Printing it shows both.

    >>> print(StorePlan("SELECT title FROM book", "SCAN book"))
    SELECT title FROM book
    SCAN book
    """

    statement: str
    plan: str

    def __str__(self) -> str:
        return "\n".join(part for part in (self.statement, self.plan) if part)


@runtime_checkable
class Explaining(Protocol):
    """A store that explains how it answers a query. In its absence an explanation ends with the query itself.

    >>> from holdall.query import FieldSchema, Kind, Query, Schema
    >>> from holdall.store import open_store
    >>> store = open_store("main", "memory:")
    >>> store.bind([Schema("book", (FieldSchema("id", Kind.INT),), key=("id",))])
    >>> import asyncio
    >>> asyncio.run(store.explain(Query("book"))).plan
    'all 0 records are looked at'
    """

    async def explain(self, query: AnyQuery, *, analyze: bool = False) -> StorePlan:
        """How this query is answered; with ``analyze`` it is carried out, and the plan says what that took.

        Raises what ``fetch`` raises.
        """
        ...
