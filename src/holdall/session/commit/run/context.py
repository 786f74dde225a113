"""The parts of a session that a commit uses and never changes."""

from __future__ import annotations

import msgspec

from holdall.model import SessionLink, State, state_of
from holdall.session.bindings import Bindings
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.identity import IdentityMap

__all__ = ["CommitContext"]


class CommitContext(msgspec.Struct, frozen=True):
    """The records of a session, who notes edits of them, where they are kept, and the session's DAOs."""

    records: IdentityMap
    link: SessionLink
    bindings: Bindings
    dao_records: DaoRecords

    def begin(self) -> None:
        """Take note of edits from here on."""
        self.link.edited = {}

    def end(self) -> None:
        """Discard new records that were removed while their addition was in flight and did not happen."""
        self.link.edited = None
        for record in [record for record in self.records.new.values() if state_of(record) is State.DELETED]:
            self.records.discard(record)
