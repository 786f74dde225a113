"""Optional parts of the contract: protocols that a store may have, each with what holds in its absence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from holdall.query import AnyQuery, Key, Kind, Value
from holdall.store.change import Outcome, Verb
from holdall.store.contract import Rows

__all__ = [
    "Aggregating",
    "Appending",
    "Counting",
    "Disclosing",
    "Estimating",
    "Exceeding",
    "Identified",
    "KeyMaking",
    "Naming",
    "Obstructed",
    "Placed",
    "Provisioned",
    "RecordAccess",
    "Reserving",
    "Sampling",
    "Streaming",
]


@runtime_checkable
class KeyMaking(Protocol):
    """A store that makes keys which others leave to the session: UUIDs. In its absence the session makes them.

    Example: :class:`Store`.
    """

    def made_kinds(self, collection: str) -> frozenset[Kind]:
        """The kinds of generated keys that are made there in this collection."""
        ...


@runtime_checkable
class Aggregating(Protocol):
    """A store that counts by itself. In its absence counting is refused. Example: :class:`Store`."""

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means, limit, offset, sort and position left aside."""
        ...


@runtime_checkable
class Estimating(Protocol):
    """A store that keeps note of how many rows a collection has. In its absence estimates are counted, up to a bound.

    Example: :class:`Store`.
    """

    async def noted_count(self, collection: str) -> int | None:
        """Return about how many rows a bound collection has, hidden ones included; None if nothing is noted."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A store that gives rows in batches without holding all. In its absence the session pages by keyset.

    Example: :class:`Store`.
    """

    def stream(self, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
        """The rows of ``fetch``, at most ``batch`` at a time."""
        ...


@runtime_checkable
class Obstructed(Protocol):
    """A store that distinguishes faults of single records from those that stop every use.

    In its absence everything that ``inspect`` lists keeps an application from starting.

    Example: :class:`Store`.
    """

    async def obstacles(self) -> list[str]:
        """Return the findings of ``inspect`` that keep the models from being used, a sentence each."""
        ...


@runtime_checkable
class Provisioned(Protocol):
    """A store whose tables Holdall may create. In its absence they must exist. Example: :class:`Store`."""

    async def create(self) -> None:
        """Create what is missing for the bound collections; never changes or drops what is there."""
        ...

    async def inspect(self) -> list[str]:
        """Every difference between what is there and the bound collections, a sentence each; empty if they fit."""
        ...

    async def drop(self, *collections: str) -> None:
        """Drop what these collections occupy, and their records with it; without any, that of all bound ones, and what
        lies beside them.
        """
        ...


@runtime_checkable
class Sampling(Protocol):
    """A store that inspects a part of its records. In its absence ``inspect`` looks at everything it speaks of.

    Example: :class:`Store`.
    """

    @property
    def passed_over(self) -> list[str]:
        """The parts that the last ``inspect`` did not look at, a sentence each; no I/O is done."""
        ...


@runtime_checkable
class Reserving(Protocol):
    """A store that gives keys before their records. In its absence keys it makes are known only once it is written.

    Example: :class:`Store`.
    """

    async def reserve(self, collection: str, count: int) -> Sequence[Key]:
        """Reserve ``count`` generated keys that no other caller gets; keys that are not used leave gaps."""
        ...


@runtime_checkable
class Counting(Protocol):
    """A store that counts its keys and may lose the count. In its absence a key that was made is not made again.

    Example: :class:`Store`.
    """

    async def step_over(self, collection: str, key: int) -> None:
        """Never make this key, nor one below it."""
        ...


@runtime_checkable
class Disclosing(Protocol):
    """A store whose durability is set elsewhere. In its absence what was acknowledged is taken to last.

    Example: :class:`Store`.
    """

    async def durability(self) -> str | None:
        """A sentence that says what is not promised of an acknowledged write; None where every write lasts.

        The settings are read once.
        """
        ...

    @property
    def shortfall(self) -> str | None:
        """The same, as far as it was read; no I/O is done."""
        ...


@runtime_checkable
class Identified(Protocol):
    """A store that is no home of commits and keeps an identity with its data, so that it is told from another one that
    is given its name later. In its absence a store is taken for what its name leads to.

    Example: :class:`Store`.
    """

    async def identity(self, *, makes: bool) -> str:
        """The identity, made once and kept with the data; without ``makes`` it is only read, empty if there is none.

        Dropping what the store keeps drops it.
        """
        ...


@runtime_checkable
class Appending(Protocol):
    """A store with streams: bytes that grow at their end, kept beside a record under a name of ``Schema.streams``.

    They are no part of rows and changes: each call takes effect at once. Removing the record removes its streams. One
    that nothing was appended to is empty. In its absence streams are refused at declaration.

    Example: :class:`Store`.
    """

    async def append(self, collection: str, key: Key, stream: str, data: bytes) -> int:
        """Add these bytes at the end, in one piece; the length thereafter. Raises StaleVersion without the record."""
        ...

    async def read(self, collection: str, key: Key, stream: str, start: int = 0, stop: int | None = None) -> bytes:
        """The bytes from ``start`` to before ``stop``, or to the end; as with slices, what is beyond it is left out.

        Neither may be negative.
        """
        ...

    async def length(self, collection: str, key: Key, stream: str) -> int:
        """How many bytes there are; 0 without the record."""
        ...


@runtime_checkable
class Exceeding(Protocol):
    """A store whose records may have more than their collection tells. In its absence what is told is all there is.

    Example: :class:`Store`.
    """

    async def demand_whole(self, collection: str) -> None:
        """Raise Unsupported where records of a collection, written anew as a whole, would lose anything."""
        ...


@runtime_checkable
class Naming(Protocol):
    """A store whose records have names that others can use. In its absence errors and commits do not say where records
    lie.

    Example: :class:`Store`.
    """

    def names_of(self, collection: str, key: Key) -> Sequence[str]:
        """The names of all that the store keeps of a record, itself first; no I/O is done."""
        ...


@runtime_checkable
class Placed(Protocol):
    """A store in a place that another store may be in as well. In its absence each store is taken to be by itself.

    Example: :class:`Store`.
    """

    @property
    def place(self) -> str | None:
        """The place, the same text for every store that is there; None for one by itself."""
        ...


@runtime_checkable
class RecordAccess(Protocol):
    """A store written by hand for whole records, which ``record`` and ``session`` are: they pass through unopened.

    Its ``fetch`` and ``apply`` are not used where these can be.

    Example: :class:`Store`.
    """

    def admit(self, collection: str, access: object) -> None:
        """Let this hand-written object serve a collection. Comes before ``bind``."""
        ...

    def access_of(self, collection: str) -> object:
        """The hand-written object that serves a collection."""
        ...

    def demand(self, act: str, collection: str) -> None:
        """Raise Unsupported, by the name that is missing, where this cannot be done there: a Verb, or ``get``."""
        ...

    async def fetch_record(self, collection: str, key: Mapping[str, Value], session: object) -> Any:
        """The record with this key, given as its fields by name; None where there is none.

        Raises what the hand-written code raises; StoreUnavailable or StoreTimeout for its ConnectionError or
        TimeoutError.
        """
        ...

    async def apply_record(self, verb: Verb, collection: str, record: Any, session: object) -> Outcome:
        """Do this with the record, which may get its key by it. Raises as ``apply`` does."""
        ...
