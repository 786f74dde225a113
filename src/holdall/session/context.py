"""The parts of a session, and the answers to its records: changes are noted, references found and loaded."""

from __future__ import annotations

from itertools import filterfalse
from typing import Any, TypeVar
from weakref import ref

import msgspec

from holdall.errors import Forbidden, StateError
from holdall.model import Model, Record, Reference, SessionLink, State, is_soft_deleted, state_of
from holdall.policy import Right, User
from holdall.query import Compare, Condition, Key, Op, Query, Some
from holdall.session.bindings import Bindings
from holdall.session.commit.calls.ready_set import Strategy
from holdall.session.commit.run.committer import Committer
from holdall.session.dao.activity import SessionActivity
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.dao.session_bindings import OwnBindings
from holdall.session.file_keeping import FileKeeping
from holdall.session.identity import IdentityMap
from holdall.session.instrument import CommitAct
from holdall.session.judging import Judging
from holdall.session.open_act import OpenAct
from holdall.session.readers import reader_of
from holdall.session.references.key_conditions import having_keys
from holdall.session.referential import Referential
from holdall.session.renewal import Renewal

__all__ = ["M", "Q", "SessionContext", "demand_record"]

M = TypeVar("M", bound=Model)
Q = TypeVar("Q")  # what a query gives: records, or rows of some fields

_STAYING = (State.CLEAN, State.DIRTY)


class SessionContext:
    """The parts of one session; for its records it is their ``SessionAccess``, which they hold weakly.

    Nothing here holds the session itself, so that it is freed as soon as its user lets go of it.
    """

    _referential: Referential | None = None
    _committer: Committer | None = None
    _files: FileKeeping | None = None
    commit_act: CommitAct | None = None  # what is told of the commit under way, where anybody listens
    act: OpenAct | None = None  # the action that the session is in

    def __init__(self, bindings: Bindings, user: User, strategy: Strategy) -> None:
        self.link = SessionLink(ref(self), _nobody_cares)  # first of all, as ``__del__`` needs it
        if not isinstance(user, User):
            raise StateError(f"a session is for a User, such as User('ann'), not {type(user).__name__}")
        if strategy.__class__ is not Strategy:
            _demand_strategy(strategy)
        bindings.configure()
        if bindings.look is not None:
            bindings.look()
        if (bindings.has_stored_ends or bindings.has_field_rights) and not user.unrestricted:
            self.link.hidden_ends = _HiddenEnds(bindings, user)
        self.bindings = bindings = OwnBindings(bindings)
        self.user = user
        self.strategy = strategy
        self.records = IdentityMap(self.link)
        self.dao_records = DaoRecords(bindings, self.records)
        self.written: set[str] = set()  # stores of which replicas may not know yet what was written
        self.reader = reader_of(bindings, self.records, user, self.dao_records, self.written)

    def __del__(self) -> None:
        # records hold the link, the link the list it fills, and the cycle collector does not look at records
        self.link.touch = _nobody_cares

    @property
    def activity(self) -> SessionActivity:
        """The activity of the session, as each task sees it."""
        return self.dao_records.activity

    @property
    def referential(self) -> Referential:
        """The keeper of references over all stores. Made on first use: sessions that only read have none."""
        if self._referential is None:
            self._referential = Referential(self.bindings, self.records, self.user, self.dao_records)
        return self._referential

    @property
    def files(self) -> FileKeeping | None:
        """The keeper of files, made on first use; None where no model has any."""
        if self._files is None and self.bindings.file_fields:
            self._files = FileKeeping(self.bindings, self.records)
        return self._files

    @property
    def renewal(self) -> Renewal:
        """The part that reads records anew from their stores."""
        return Renewal(self.bindings, self.records, self.user, self.dao_records)

    @property
    def writer(self) -> User:
        """The user by whose rights changes are made: without limits, in an action that has rights of its own."""
        if self.act is None or not self.act.is_trusted:
            return self.user
        return msgspec.structs.replace(self.user, unrestricted=True)  # stamps tell who it was all the same

    @property
    def is_judged(self) -> bool:
        """Whether policies look at single records or fields that the user changes."""
        return self.bindings.has_rules and not self.writer.unrestricted

    @property
    def judging(self) -> Judging | None:
        """The part that decides which changes of records a user may make; None where nothing is to be decided."""
        records = self.records
        has_changes = records.new or records.dirty or records.deleted or records.backs.edits
        if not has_changes or not self.is_judged:
            return None
        return Judging(self.bindings, self.records, self.user, self.dao_records)

    @property
    def has_only_read(self) -> bool:
        """Whether the session can end without a commit: none was begun, and it has nothing to write or to give back."""
        bindings, records = self.bindings, self.records
        if self._committer is not None or bindings.file_fields or bindings.inside is not None or self.act is not None:
            return False
        records.collect()
        return records.is_untouched()

    @property
    def committer(self) -> Committer:
        """The commits of the session. Made on first use: sessions that only read have none."""
        if self._committer is None:
            self._committer = Committer(self.records, self.link, self.bindings, self.dao_records)
        return self._committer

    def strategy_for(self, given: Strategy | None) -> Strategy:
        """The strategy of one commit: the one given, or the session's. Raises StateError for what is none."""
        if given is None:
            return self.strategy
        _demand_strategy(given)
        return given

    def demand_open(self) -> None:
        """Raise StateError once the session has ended: changes made to it would never be written."""
        if self.link.is_over:
            raise StateError("this session's block has ended; open another with app.session()")

    def demand_outside(self, verb: str) -> None:
        """Raise StateError within a transaction or an action, which end as a whole."""
        self.demand_no_act(verb)
        if self.bindings.inside is not None:
            raise StateError(
                f"{verb} is not for a transaction block, which is written as a whole when it ends and undone by an"
                " exception; flush() writes into it, savepoint() makes a part that is undone by itself"
            )

    def demand_no_act(self, verb: str) -> None:
        """Raise StateError within an action, which is written as a whole when it has run."""
        if self.act is not None and not self.act.is_ending:
            raise StateError(
                f"{verb} is not for an action, which is committed when it returns and undone by an exception:"
                f" {self.act.name} is under way"
            )

    def demand_held(self, record: Model) -> None:
        """Raise StateError for a record that is not of this session."""
        if not self.records.holds(record):
            name, state = type(record).__name__, state_of(record).value
            raise StateError(f"this {name} is {state} and not in this session; require() it here, or attach() it")

    def let_pass_unwritten(self, record: Record) -> None:
        """Have commits that do not write a record go well, though something is expected of it."""
        self.records.idle_guards.add(id(record))

    def end(self) -> None:
        """Let other sessions take in the records from now on."""
        self.link.is_over = True

    # --- SessionAccess ----------------------------------------------------------------------------------------------

    def became_clean(self, record: Record) -> None:
        """A changed record has all its old values again."""
        self.records.states.forget(record)

    def watch(self, record: Record) -> None:
        """A value that can be changed in place was handed out."""
        self.records.watcher.watch(record)

    def peek(self, model: type[Any], key: Key) -> Any:
        """The record with this key if it is here."""
        found = self.records.find(model, key)
        return None if found is None or is_soft_deleted(found) else found

    async def load(self, model: type[Any], key: Key) -> Any:
        """The record with this key, or None."""
        return await self.reader.get(self.bindings.of_model(model), key)

    def stream_place(self, record: Record, *, is_append: bool) -> tuple[Any, str, Any]:
        """The store, collection and key by which a record's streams are reached.

        Raises Forbidden without the right to read or update, StateError for a record that is not stored.
        """
        binding = self.bindings.of_model(type(record))
        right = Right.UPDATE if is_append else Right.READ
        binding.policy.demand(right, self.user, binding.collection)
        if is_append and not binding.policy.is_whole(right, self.user):
            raise Forbidden(right, binding.collection)  # nothing asks the store about the record here
        state = state_of(record)
        if state not in (State.CLEAN, State.DIRTY):
            raise StateError(f"this {type(record).__name__} is {state.value}: commit it before using its streams")
        return binding.store, binding.collection, self.records.stored_key(record)

    def file_store(self, name: str) -> Any:
        """The file store of this name."""
        return self.bindings.shelf.named(name)

    async def load_back(self, record: Record, name: str) -> list[Any]:
        """The records of a Many that are kept by their own references."""
        field = type(record).__holdall__.by_name[name]
        target, binding = self.bindings.of_model(field.target()), self.bindings.of_model(type(record))
        if not self.user.unrestricted:
            target.policy.demand(Right.READ, self.user, target.collection)
            binding.named_field(name, self.user)
        key = record.__key__()
        if key is None:
            return []
        path = (field.options.back,)
        condition: Condition = Compare(path, Op.EQ, key)
        if target.schema.field(field.options.back).form is not None:
            condition = Some(path, having_keys(binding, [key]))
        found = await self.reader.query(Query(target.collection, condition, model=target.model))
        if field.is_single:
            self.records.backs.keep(record, name, found)
        return found

    def peek_back(self, record: Record, name: str) -> list[Any] | None:
        """The same if they are loaded."""
        found = self.records.backs.loaded(record, name)
        return (
            found
            if found is None or not any(map(is_soft_deleted, found))
            else list(filterfalse(is_soft_deleted, found))
        )

    def keep_back(self, record: Record, name: str, found: list[Any] | None) -> None:
        """Take these as loaded."""
        self.records.backs.keep(record, name, found)

    def at_hand(self, model: type[Any]) -> list[Any]:
        """The records of a model that are here and stay, new ones too."""
        new = [record for record in self.records.new.values() if type(record) is model]
        staying = [record for record in self.records.of(model).values() if state_of(record) in _STAYING]
        return [*new, *filterfalse(is_soft_deleted, staying)]


def demand_record(verb: str, given: object) -> None:
    """Raise StateError where a verb is given what is no record."""
    if not isinstance(given, Model):
        raise StateError(_no_record(verb, given))


def _demand_strategy(given: object) -> None:
    """Raise StateError for what is no strategy."""
    if not isinstance(given, Strategy):
        names = " or ".join(f"Strategy.{strategy.name}" for strategy in Strategy)
        raise StateError(f"a strategy is {names}, not {given!r}")


class _HiddenEnds:
    """The fields that a user may not see, by model. They stay with the records, and hold none."""

    def __init__(self, bindings: Bindings, user: User) -> None:
        self._bindings = bindings
        self._user = user
        self._found: dict[type[Model], frozenset[str]] = {}

    def __call__(self, model: type[Model]) -> frozenset[str]:
        found = self._found.get(model)
        if found is None:
            found = self._found[model] = self._bindings.hidden_ends(model, self._user)
        return found


def _nobody_cares(record: Record) -> None:
    """Handle a changed record where no session is left to write it."""


def _no_record(verb: str, given: object) -> str:
    if isinstance(given, Reference):
        return f"{verb} takes a record, not a reference to one: await it first"
    if isinstance(given, type):
        return f"{verb} takes a record, not a class: {verb}({given.__name__}(...))"
    return f"{verb} takes a record, not {type(given).__name__}"
