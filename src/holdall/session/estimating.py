"""Estimates of how many records a query means, whose cost does not grow with the collection."""

from __future__ import annotations

import msgspec

from holdall.errors import QueryError
from holdall.query import ALWAYS, AnyQuery
from holdall.session.reader import Reader
from holdall.session.references.semi_joins import visible_to
from holdall.store import Estimating, Feature

__all__ = ["COUNTED", "Estimate", "estimated"]

COUNTED = 10_000
"""Records that are counted; beyond that, a number is an estimate."""


class Estimate(msgspec.Struct, frozen=True):
    """The number of records that a query means, and whether that ``is_exact`` or an estimate.

    An estimate is what the store has noted about the whole collection, or else the least that it can be.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> async def example():
    ...     async with app.session() as session:
    ...         session.add(Book(id=1))
    ...         await session.commit()
    ...         return await session.estimate(Book.where())
    >>> import asyncio
    >>> asyncio.run(example())
    Estimate(number=1, is_exact=True)
    """

    number: int
    is_exact: bool

    def beside(self, skipped: int, found: int) -> Estimate:
        """Return the estimate as a page leaves it that has ``found`` records behind the ``skipped`` ones.

        They are at least as many as were seen, and no more than were skipped where none is behind these.
        """
        if self.is_exact:
            return self
        if skipped and not found:
            return Estimate(min(self.number, skipped), is_exact=False)
        return Estimate(max(self.number, skipped + found), is_exact=False)


async def estimated(reader: Reader, query: AnyQuery) -> Estimate:
    """Count at most ``COUNTED`` records, those that the reader's user may read; beyond that, estimate.

    The store's note is used for whole collections alone, and for users who may read every record, as hidden records
    are counted in such a note. Raises QueryError for a query of groups, and what reading raises.
    """
    if query.grouping is not None:
        raise QueryError("estimate() is about records: fetch the groups, or show rows() for the records of each")
    binding = reader.bindings.of_query(query)
    bare = msgspec.structs.replace(query, sort_keys=(), max_rows=None, skip=0, position=None, projection=())
    noted: int | None = None
    is_whole = visible_to(reader.bindings, reader.user, is_living=True).guarded(binding) is None
    is_whole = is_whole and (await reader.rewritten(bare, binding)).condition == ALWAYS
    if is_whole and isinstance(binding.store, Estimating):
        noted = await binding.store.noted_count(binding.schema.name)
    if noted is not None and noted > COUNTED:
        return Estimate(noted, is_exact=False)
    if Feature.PROJECTION not in binding.store.capabilities.features:  # its records would be read whole
        return Estimate(await reader.count(bare), is_exact=True)
    first = binding.schema.key[0] if binding.schema.key else binding.schema.stored[0].name
    found = len(await reader.rows(bare.only((first,)).limit(COUNTED + 1)))
    return Estimate(min(found, COUNTED), is_exact=found <= COUNTED)
