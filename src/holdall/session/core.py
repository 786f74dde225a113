"""The parts of a session, for the classes that give it its verbs."""

from __future__ import annotations

from typing import TypeVar
from weakref import ref

from holdall.errors import StateError
from holdall.model import Model, state_of
from holdall.policy import SYSTEM, User
from holdall.session.bindings import Bindings
from holdall.session.commit.calls.ready_set import Strategy
from holdall.session.commit.run.committer import Committer
from holdall.session.dao.session_bindings import OwnBindings
from holdall.session.parts import SessionParts
from holdall.session.referential import Referential

__all__ = ["M", "Q", "SessionCore"]

M = TypeVar("M", bound=Model)
Q = TypeVar("Q")  # what a query gives: records, or rows of some fields


class SessionCore:
    """The state of a session: its records, who reads them and who commits them."""

    def __init__(
        self, bindings: Bindings, user: User = SYSTEM, *, strategy: Strategy = Strategy.INTERRUPT_ON_ERROR
    ) -> None:
        if not isinstance(user, User):
            raise StateError(f"a session is for a User, such as User('ann'), not {type(user).__name__}")
        bindings.configure()
        bindings = OwnBindings(bindings)
        self.user = user
        self._strategy = strategy
        self._is_over = False
        self._bindings = bindings
        self._parts = SessionParts(bindings, user)
        self._records = self._parts.records
        self._reader = self._parts.reader
        self._parts.dao_records.session = ref(self)
        self._made_referential: Referential | None = None
        self._made_committer: Committer | None = None

    @property
    def _referential(self) -> Referential:
        """Made on first use: sessions that only read have none."""
        if self._made_referential is None:
            parts = self._parts
            self._made_referential = Referential(self._bindings, self._records, self.user, parts.dao_records)
        return self._made_referential

    @property
    def _committer(self) -> Committer:
        """Made on first use: sessions that only read have none."""
        if self._made_committer is None:
            parts = self._parts
            self._made_committer = Committer(self._records, parts.link, self._bindings, parts.dao_records)
        return self._made_committer

    def _demand_held(self, record: Model) -> None:
        if not self._records.holds(record):
            name, state = type(record).__name__, state_of(record).value
            raise StateError(f"this {name} is {state} and not in this session; require() it here, or attach() it")

    def _demand_open(self) -> None:
        """Raise StateError once the session has ended: what is done to it would never be written."""
        if self._is_over:
            raise StateError("this session's block has ended; open another with app.session()")

    def _end(self) -> None:
        """From now on the records may be taken in by other sessions."""
        self._is_over = self._parts.link.is_over = True
