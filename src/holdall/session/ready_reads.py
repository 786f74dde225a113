"""Reads that need no session: of records that nobody changes, follows or looks into, by queries that are ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from holdall.errors import HoldallError
from holdall.model import Record
from holdall.policy import Right, User
from holdall.query import AnyQuery, Value
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.store import Readying, ReadyQuery, Rows, ready_part

__all__ = ["ReadyReads"]

_READ = Right.READ


class ReadyReads:
    """The reads of one collection that are just a question to its store, and records made of the answer.

    ``may_read`` is asked before each of them. Where it is False, or an answer is None, a session is to be asked, which
    does everything else there is to a read, and says what is wrong. Example: :class:`Session`.
    """

    def __init__(self, bindings: Bindings, collection: str) -> None:
        self._bindings = bindings
        self._collection = collection
        self._binding: Binding | None = None
        self._store: Value = None
        self._own: Mapping[str, Value] = {}  # of the store: something may be put in the place of a method at any time
        self._part: Readying | None = None
        self._records_from: Callable[[Rows], list[Record]]
        self._times_settled = -1
        self.version = 0
        """Another number: what was made ready is of no more use."""

    def may_read(self, user: User) -> bool:
        """Whether a user may read every record, in the arrangement of now, and nothing else is to be done for him."""
        bindings, binding = self._bindings, self._binding
        if not bindings.is_settled:
            bindings.configure()
        if bindings.look is not None:
            bindings.look()
        if binding is None or binding.store is not self._store or bindings.times_settled != self._times_settled:
            binding = self._take()
        if (
            self._part is None
            or "fetch" in self._own
            or "count" in self._own
            or (bindings.instrument is not None and bindings.instrument.sees_reads)
        ):
            return False
        return binding.policy.allows(_READ, user)

    def ready(self, query: AnyQuery, *, is_count: bool = False) -> ReadyQuery | None:
        """The query made ready; None as long as that cannot be. ``may_read`` was True."""
        assert self._part is not None
        try:
            return self._part.ready(query, is_count=is_count)
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

    def _take(self) -> Binding:
        bindings = self._bindings
        binding = self._binding = bindings.of_name(self._collection)
        policy, self._store = binding.policy, binding.store
        is_plain = policy.is_simple and binding.declaration.deletion is None and binding.record_access is None
        is_plain = is_plain and binding.model not in bindings.file_fields
        has_more = bindings.has_field_rights or bindings.has_stored_ends or bindings.has_replicas
        self._part = ready_part(binding.store) if is_plain and not has_more else None
        self._own = getattr(binding.store, "__dict__", {})
        self._records_from = binding.codec.records_from
        self._times_settled = bindings.times_settled
        self.version += 1
        return binding
