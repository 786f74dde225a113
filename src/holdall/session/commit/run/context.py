"""What a commit is given of its session: never changed by it, only used."""

from __future__ import annotations

import msgspec

from holdall.model import State, Tracker, state_of
from holdall.session.binding import Bindings
from holdall.session.handwriting.handwritten import Handwritten
from holdall.session.identity import IdentityMap

__all__ = ["CommitContext"]


class CommitContext(msgspec.Struct, frozen=True):
    """The records of a session, who notes edits of them, where they are kept, and the session's DAOs."""

    records: IdentityMap
    tracker: Tracker
    bindings: Bindings
    handwritten: Handwritten

    def begin(self) -> None:
        """Take note of edits from here on."""
        self.tracker.edited = {}

    def end(self) -> None:
        """Discard new records that were removed while their addition was in flight and did not happen."""
        self.tracker.edited = None
        for record in [record for record in self.records.new.values() if state_of(record) is State.DELETED]:
            self.records.discard(record)
