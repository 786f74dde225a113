"""Reads that need no session: of records that nobody changes, follows or looks into, by queries that are ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from holdall.errors import HoldallError
from holdall.model import Record
from holdall.policy import Right, User
from holdall.query import ALWAYS, NEVER, AnyQuery, Condition, Query, Shape, Stated, Value, condition_shape, nodes
from holdall.session.arranged import Arranged
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.references.guarded_access import can_push, guarded_by
from holdall.session.references.locality import is_local
from holdall.store import Readying, ReadyQuery, Rows, ready_part

__all__ = ["ReadyReads", "Sight"]

_READ = Right.READ
_REMEMBERED = 200


class _Form(msgspec.Struct, eq=False):
    """The rules of one shape: they differ in their values alone, and a query made ready for one serves all of them."""

    can_be_ready: bool


_WHOLE = _Form(True)


class Sight(msgspec.Struct, eq=False):
    """Of which records a user may read all: those that meet ``rule``.

    Queries that were made ready for one sight serve all of its ``form``, with the ``values`` of each behind those of
    the query's own condition. Example: :class:`Session`.
    """

    rule: Condition
    form: object
    values: tuple[Value, ...]


_EVERYTHING = Sight(ALWAYS, _WHOLE, ())


class ReadyReads(Arranged):
    """The reads of one collection that are just a question to its store, and records made of the answer.

    ``sight`` is asked before each of them. Where an answer is None, a session is to be asked, which does everything
    else there is to a read, and says what is wrong. Example: :class:`Session`.
    """

    def __init__(self, bindings: Bindings, collection: str) -> None:
        super().__init__(bindings, collection)
        self._own: Mapping[str, Value] = {}  # of the store: something may be put in the place of a method at any time
        self._part: Readying | None = None
        self._records_from: Callable[[Rows], list[Record]]
        self._sight = _EVERYTHING
        self._forms: dict[Shape, _Form] = {}
        self.version = 0
        """Another number: what was made ready is of no more use."""

    def sight(self, user: User) -> Sight | None:
        """The records that a user may read, in the arrangement of now; None where more is to be done for him."""
        binding, bindings = self._arranged(), self._bindings
        if (
            self._part is None
            or "fetch" in self._own
            or "count" in self._own
            or (bindings.instrument is not None and bindings.instrument.sees_reads)
        ):
            return None
        rule = binding.policy.bound(_READ, user)
        if rule is ALWAYS:
            return _EVERYTHING
        return self._sight if rule is self._sight.rule else self._sight_by(rule, binding)

    def _sight_by(self, rule: Condition, binding: Binding) -> Sight | None:
        if rule == NEVER:
            return None
        if rule == ALWAYS:
            return _EVERYTHING
        try:
            shape, values = condition_shape(Query(self._collection, rule), _exactly)
            form = self._forms.get(shape)
        except TypeError:  # a value that has no hash, or no length
            return None
        if form is None:
            form = self._formed(shape, rule, binding)
        if not form.can_be_ready:
            return None
        self._sight = Sight(rule, form, tuple(values))
        return self._sight

    def _formed(self, shape: Shape, rule: Condition, binding: Binding) -> _Form:
        is_plain = is_local(Query(self._collection, rule)) and not any(isinstance(node, Stated) for node in nodes(rule))
        if len(self._forms) >= _REMEMBERED:
            self._forget()
        form = self._forms[shape] = _Form(is_plain and can_push(binding, rule))
        return form

    def _forget(self) -> None:
        self._forms.clear()
        self._sight = _EVERYTHING
        self.version += 1

    def ready(self, query: AnyQuery, sight: Sight, *, is_count: bool = False) -> ReadyQuery | None:
        """The query of records in sight made ready; None as long as that cannot be."""
        assert self._part is not None
        try:
            seen = query if sight is _EVERYTHING else guarded_by(sight.rule, query)
            return self._part.ready(seen, is_count=is_count)
        except HoldallError:
            return None

    def records(self, rows: Rows | None) -> list[Record] | None:
        """Records of whole rows, in no session; None where one of them cannot be read."""
        if rows is None:
            return None
        try:
            return self._records_from(rows)
        except (LookupError, TypeError, ValueError):
            return None

    def _take(self, binding: Binding) -> None:
        bindings = self._bindings
        is_plain = binding.declaration.deletion is None and binding.record_access is None and not binding.may_hide
        is_plain = is_plain and binding.model not in bindings.file_fields
        has_more = bindings.has_stored_ends or bindings.has_replicas
        self._part = ready_part(binding.store) if is_plain and not has_more else None
        self._own = getattr(binding.store, "__dict__", {})
        self._records_from = binding.codec.records_from
        self._forget()


def _exactly(length: int) -> int:
    """The size of a list in a shape: a text with room for one value has none for two."""
    return length
