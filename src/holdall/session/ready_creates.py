"""Creates that need no session: of records that refer to none, by rules about users alone, and told to nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

import msgspec

from holdall.errors import CommitError, LockConflict, Reserved, ValidationError
from holdall.model import Record
from holdall.policy import Right, User
from holdall.query import Value
from holdall.session.arranged import Arranged
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.commit.plan.additions import prepare_new
from holdall.session.lone_commit import LoneCommit, asked
from holdall.store import AddingReady, CommitClass, ReadyAddition, Row, adding_part

__all__ = ["ReadyCreates"]

_CREATE = Right.CREATE


class ReadyCreates(Arranged):
    """Adds records of one collection to its store, each in a commit of its own.

    ``may_create`` is asked before each of them. Where it is False, or ``create`` gives False, a session is to be asked,
    which does everything else there is to a commit.

    >>> from holdall import Holdall, Model, field
    >>> class Country(Model):
    ...     code: str = field(pk=True)
    >>> async def example() -> None:
    ...     async with Holdall("atlas") as app:
    ...         app.add_store("main", "memory:")
    ...         app.add(Country, store="main", policy=Policy(read=Everyone, write=Everyone))
    ...         creates = ReadyCreates(app.bindings, "country")
    ...         print(creates.may_create(ANONYMOUS), await creates.create(Country(code="FR")))
    ...         async with app.session() as session:
    ...             print(await session.query(Country.where()))
    >>> import asyncio
    >>> asyncio.run(example())
    True True
    [Country(code='FR')]
    """

    def __init__(self, bindings: Bindings, collection: str) -> None:
        super().__init__(bindings, collection)
        self._is_plain = False
        self._own: Mapping[str, Value] = {}  # of the store: something may be put in the place of a method at any time
        self._ready: dict[bool, _Ready] = {}  # by whether the store makes the key
        self._part: AddingReady | None = None
        self._is_checked = False  # whether records have rules of which fields know nothing

    def may_create(self, user: User) -> bool:
        """Whether a user may create records, in the arrangement of now, and nothing else is to be done for that."""
        binding, bindings = self._arranged(), self._bindings
        if not self._is_plain or bindings.instrument is not None or bindings.listening is not None:
            return False
        if bindings.inside is not None or (bindings.moves is not None and bindings.moves.is_noted(self._collection)):
            return False
        return binding.policy.allows(_CREATE, user)

    async def create(self, record: Record) -> bool:
        """Store a new record that is in no session, with the key and the version that it gets; return whether this was
        possible. Being cancelled does not stop it: once it has ended, CancelledError is raised.

        Raises ValidationError, CommitAborted where nothing was written, and CommitUnknown where nobody knows.
        """
        began, binding = time.perf_counter(), self._binding
        assert binding is not None
        if self._is_checked and (errors := binding.declaration.validate(record)):
            raise ValidationError(binding.model.__name__, errors)
        prepare_new(binding, [record])
        is_keyless, outcome = binding.declaration.key_of(record) is None, None
        ready = self._ready.get(is_keyless) or self._get_ready(binding, is_keyless)
        try:
            if ready is not None and "apply" not in self._own:
                outcome = await asked(partial(ready.add, ready.read(record)))
            if outcome is None:
                await LoneCommit(self._bindings, binding, record, began).apply()
            elif is_keyless:
                binding.declaration.key[0].put(record, outcome.key)
        except (Reserved, LockConflict):  # a session waits for what is in the way
            return False
        except CommitError:
            raise
        except Exception as error:
            raise LoneCommit(self._bindings, binding, record, began).failed(error) from error
        return True

    def _get_ready(self, binding: Binding, is_keyless: bool) -> _Ready | None:
        part = self._part
        if part is None:
            return None
        fields = binding.fields_without(binding.store_keys if is_keyless else frozenset())
        add = part.ready_addition(binding.collection, fields, is_key_made=is_keyless)
        if add is None:
            return None
        ready = self._ready[is_keyless] = _Ready(binding.codec.reader(fields), add)
        return ready

    def _take(self, binding: Binding) -> None:
        bindings, declaration = self._bindings, binding.declaration
        has_more = (
            declaration.relations
            or declaration.outgoing
            or declaration.stamps
            or declaration.machines
            or declaration.deletion
            or binding.frozen_at_creation
            or binding.has_server_values
            or binding.record_access is not None
            or binding.is_read_only
            or binding.is_keyless
            or binding.model in bindings.file_fields
        )
        is_alone = not (bindings.has_replicas or bindings.has_late_keys)
        takes_all = binding.store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH)
        self._ready.clear()
        self._part = adding_part(binding.store) if len(declaration.key) == 1 else None
        self._own = getattr(binding.store, "__dict__", {})
        self._is_plain = is_alone and takes_all and binding.policy.is_plain and not has_more
        self._is_checked = bool(declaration.checks or declaration.mutable)


class _Ready(msgspec.Struct, frozen=True, eq=False):
    """A function from a record to the values of an addition, and the addition."""

    read: Callable[[Record], Row]
    add: ReadyAddition
