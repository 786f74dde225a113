"""The session: a unit of work over all stores, with one record per key and one commit for everything changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self, overload
from weakref import ref

from holdall.model import Model, Record
from holdall.policy import SYSTEM, User
from holdall.query import AnyQuery, Query, Statement
from holdall.session.adding_absent import AddingAbsent
from holdall.session.bindings import Bindings
from holdall.session.changing import Changing
from holdall.session.commit.calls.ready_set import Strategy
from holdall.session.commit.outcome.result import CommitResult
from holdall.session.commit.plan.guarantee import Guarantee
from holdall.session.commit.plan.plan import Plan
from holdall.session.commit.run.run import CommitOptions
from holdall.session.committing import Committing
from holdall.session.context import M, Q, SessionContext
from holdall.session.damage import Readable
from holdall.session.dao.activity import SessionState
from holdall.session.dao.query_call import QueryCall
from holdall.session.dao_verbs import DaoVerbs
from holdall.session.fresh_reading import FreshReading
from holdall.session.hand_written_verbs import HandWrittenVerbs
from holdall.session.made_once import MadeOnce
from holdall.session.named_verbs import NamedVerbs
from holdall.session.native_verbs import NativeVerbs
from holdall.session.query_verbs import QueryVerbs
from holdall.session.reading import Reading
from holdall.session.store_verbs import StoreVerbs
from holdall.store import LockMode

__all__ = ["Session"]


class Session(NamedVerbs, QueryVerbs, StoreVerbs, NativeVerbs, HandWrittenVerbs):
    """A unit of work with one record for each key, for one task at a time.

    Nothing is written before ``commit``, which leaving an ``async with`` block does; an exception rolls back instead.
    Queries see what the stores hold, not what is yet to be committed. Besides the errors named, verbs that ask a store
    raise Forbidden without the right to read, StoreError where the store fails and CorruptRecord for a broken record;
    changing verbs raise StateError once the block has ended, and while a commit is running if they discard records.

    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    ...     name: str
    >>> async def example() -> list[Country]:
    ...     app = Holdall("atlas")
    ...     app.add_store("main", "memory:")
    ...     app.add(Country, store="main")
    ...     async with app.session() as session:
    ...         session.add(Country(code="FR", name="France"))
    ...     async with app.session() as session:
    ...         country = await session.require(Country, "FR")
    ...         country.name = "République française"
    ...         await session.commit()
    ...         return await session.query(Country.where(Country.code < "G"))
    >>> import asyncio
    >>> asyncio.run(example())
    [Country(code='FR', name='République française')]
    """

    _reading = MadeOnce[Reading](lambda session: Reading(session.context))
    _changing = MadeOnce[Changing](lambda session: Changing(session.context))
    _committing = MadeOnce[Committing](lambda session: Committing(session.context, session._changing))
    _dao = MadeOnce[DaoVerbs](lambda session: DaoVerbs(session.context, session._changing))

    def __init__(
        self, bindings: Bindings, user: User = SYSTEM, *, strategy: Strategy = Strategy.INTERRUPT_ON_ERROR
    ) -> None:
        self.user = user  # for whom it acts
        self.context = context = SessionContext(bindings, user, strategy)  # for other rooms, not for users
        context.dao_records.session = ref(self)

    @property
    def state(self) -> SessionState:
        """Return what the session does for its caller; STANDBY outside of its calls. Example: :class:`DaoVerbs`."""
        return self.context.activity.state

    async def get(
        self, model: type[M], *args: object, lock: LockMode | str | None = None, fresh: bool = False, **key: object
    ) -> M | None:
        """Return the record with a key, or None: ``get(Book, 1)``, ``get(Book, id=1)``, ``get(Line, order=7, no=2)``.

        ``lock`` and ``fresh`` are those of ``query``; a field of the key that is named so is given by its place. Raises
        ValidationError for what cannot be a key. Gets of one tick are one fetch. Example: :class:`Reading`.
        """
        if lock is not None or fresh:
            return await FreshReading(self.context).get(model, args, key, lock)
        return await self._reading.get(model, args, key)

    async def require(
        self, model: type[M], *args: object, lock: LockMode | str | None = None, fresh: bool = False, **key: object
    ) -> M:
        """Return the record with a key, as ``get``; raises NotFound without one. Example: :class:`Session`."""
        if lock is not None or fresh:
            return await FreshReading(self.context).require(model, args, key, lock)
        return await self._reading.require(model, args, key)

    @overload
    async def query(self, query: Query[Q], *, lock: LockMode | str | None = ..., fresh: bool = ...) -> list[Q]: ...
    @overload
    async def query(self, query: QueryCall[M], *, force: bool = ...) -> list[M]: ...
    @overload
    async def query(self, query: Statement) -> list[Any]: ...
    async def query(
        self,
        query: AnyQuery | QueryCall[Any] | Statement,
        *,
        force: bool = False,
        lock: LockMode | str | None = None,
        fresh: bool = False,
    ) -> list[Record]:
        """Return the records that a query means, or tuples where it has ``only(...)``. Example: :class:`Reading`.

        A Select of an adopted class is a query of its model. A call of a query function runs once and is remembered;
        ``force`` runs it again, and its records take over new values unless changed here. So do those of a query that
        is ``fresh``. Within a transaction, ``lock`` keeps others from the records until it ends: "update", "share",
        "skip" for an update of those that nobody has locked, "nowait" for LockConflict instead of waiting. Raises
        QueryError for a function that is not called, Unsupported for a lock that the store does not have.
        """
        if lock is not None or fresh:
            return await FreshReading(self.context).query(query, lock)
        if query.__class__ is Query and query.model is not None:
            return await self.context.reader.query(query)
        return await self._dao.query(query, force)

    async def readable(self, query: Query[Q]) -> Readable[Q]:
        """Return ``records``, and a CorruptRecord in ``broken`` for each other one. Example: :class:`Reading`."""
        return await self.context.reader.readable(self.context.bindings.asked(query))

    async def mend(self, model: type[M], *args: object, **key: object) -> M:
        """Return the record with a key, readable or not: fields that cannot be read hold ``Damaged`` until they are
        given a value. Raises NotFound. Example: :class:`Reading`.
        """
        return await self._reading.mend(model, args, key)

    async def load(self, records: M | Sequence[M], *fields: object) -> None:
        """Load what fields lead to: ``await session.load(books, Book.author.country, Book.tags)``.

        Afterwards references, lists of them and other ends are read without ``await``. Each level is one list of keys
        for each collection. Raises QueryError for a field that is no reference. Example: :class:`Reading`.
        """
        await self._reading.load(records, fields)

    async def refresh(self, record: Model) -> None:
        """Take over what the store has now and drop changes; a removed record is back. Example: :class:`Reading`.

        Raises StateError for a new record, NotFound for one that is gone from its store, which is then discarded.
        """
        await self._reading.refresh(record)

    def names_of(self, record: Model) -> tuple[str, ...]:
        """Return the names under which a store keeps a record and its streams. Example: :class:`Reading`."""
        return self._reading.names_of(record)

    # --- changing: nothing here reaches a store ---------------------------------------------------------------------

    def add(self, record: M, *, if_absent: bool = False) -> M:
        """Make a record new in this session, to be stored at the next commit. Example: :class:`Changing`.

        Under the key of a record that is to be removed, the stored record becomes this one. ``if_absent`` leaves it out
        where the store has its key or unique values: it is discarded then, see :class:`AddingAbsent`. Raises StateError
        where the record or its key is here, FrozenError where a field frozen at creation is not as its default.
        """
        return AddingAbsent(self.context, self._changing).add(record) if if_absent else self._changing.add(record)

    def add_all(self, records: Iterable[M], *, if_absent: bool = False) -> list[M]:
        """Add records in order; where one is refused, none of the rest is added. Example: :class:`Changing`."""
        adding = AddingAbsent(self.context, self._changing) if if_absent else self._changing
        return adding.add_all(records)

    def remove(self, record: Model, *, final: bool = False) -> bool:
        """Mark a record for removal at the next commit; False where it was new and is discarded now.

        With soft deletion it stays in its store, unless ``final``. Raises StateError where its key was changed,
        Unsupported if its DAO cannot remove. Example: :class:`Changing`.
        """
        return self._changing.remove(record, final=final)

    def restore(self, record: Model) -> None:
        """Have a deleted record be there again from the next commit on. Example: :class:`Changing`.

        So are those that went with it. Raises StateError for a model without soft deletion.
        """
        self._changing.restore(record)

    def register(self, record: M) -> M:
        """Take an unbound record as stored; raises StateError without a free key. Example: :class:`Changing`."""
        return self._changing.register(record)

    def unregister(self, record: Model) -> None:
        """Let go of a record, changed or not; nothing of it will be written. Example: :class:`Changing`."""
        self._changing.unregister(record)

    def attach(self, record: M) -> M:
        """Take in a record whose session is gone, with its changes; one that is here already stays as it is.

        Values that can be changed in place count as changed, as nobody watched them. Raises StateError for a record of
        another session, or one that is in none. Example: :class:`Changing`.
        """
        return self._changing.attach(record)

    def rollback(self) -> None:
        """Undo every change since the last commit: new records are discarded, others clean with their old values.

        Where a commit is in doubt, changed records are discarded: load them again. Example: :class:`Changing`.
        """
        self._changing.rollback()

    def reset(self) -> None:
        """Discard every record and remembered result; DAOs stay. Example: :class:`Changing`."""
        self._changing.reset()

    async def leave(self) -> None:
        """End the session without a commit, and let go of its records as they are. Example: :class:`Changing`.

        New ones can be added elsewhere, changed ones attached; those of a commit in doubt are discarded.
        """
        await self._changing.leave()

    # --- committing -------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """Return what a commit would write, in which order and under which guarantee; nothing is changed by it.

        Raises what a commit would before it asks a store. Example: :class:`Committing`.
        """
        return self._committing.plan()

    async def expand(self, *, tell: bool = False) -> Plan:
        """Return the plan with all that references bring along: removals, emptied references and other ends.

        With ``tell`` rules of records are looked at and functions of ``app.on`` called, as by the commit; what these
        change is in session and plan. Raises what a commit would before it writes. Example: :class:`Committing`.
        """
        return await self._committing.expand(tell=tell)

    def expect(self, record: Model, *names: str) -> None:
        """Have commits refused while the stored values of a record, or the named ones, are not as they were read here;
        those that the user may not read are left aside.

        They raise CommitAborted from StaleVersion until one goes well or ``rollback``. A record that they do not write
        is only compared, and they raise StateError where its store cannot do that. Raises Unsupported where the store
        cannot compare and has no version, StateError for a new record. Example: :class:`Committing`.
        """
        self._committing.expect(record, names)

    async def commit(
        self,
        *,
        require: Guarantee | str | None = None,
        strategy: Strategy | None = None,
        timeout: float = 20.0,  # noqa: ASYNC109 - each phase has its own, and a decided commit goes on
        raise_for_status: bool = True,
    ) -> CommitResult:
        """Write all changes; records edited meanwhile stay changed. Example: :class:`Committing`.

        A weaker guarantee than ``require``, which may be a name in lower case, is refused. ``strategy`` is for stores
        that take one record at a time. ``timeout`` bounds each phase before and after the decision, in seconds. Raises
        ValidationError, Forbidden or StateError before anything is sent, then CommitAborted where nothing was written,
        CommitPartial, CommitPending or CommitUnknown; without ``raise_for_status``, the result has the error.
        """
        options = CommitOptions(self.context.strategy_for(strategy), timeout)
        return await self._committing.commit(options, require, raise_for_status=raise_for_status)

    @staticmethod
    def raise_for_status(result: CommitResult) -> None:
        """Raise the CommitError that a commit did not raise, if there was one. Example: :class:`Committing`."""
        result.raise_for_status()

    async def __aenter__(self) -> Self:
        self.context.demand_open()
        moves = self.context.bindings.moves
        if moves is not None and moves.is_due:
            await moves.look()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self._committing.end_block(is_failed=kind is not None)
