"""The other ends of references in a session: which are loaded, and what was asked at them until the commit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from holdall.model import BackEdit, Model, Record, SessionLink, catch_up

__all__ = ["InverseSides"]


class InverseSides(msgspec.Struct, eq=False):
    """By record and field. Holds its records, so that their ids stay theirs.

    ``edits`` is what was asked at them; the records have it too, and take it along when the session ends.
    """

    edits: dict[tuple[int, str], BackEdit]
    _loaded: dict[int, tuple[Any, dict[str, list[Any]]]] = {}
    _origins: dict[int, SessionLink] = {}  # by id() of records that came from another session

    def loaded(self, record: Record, name: str) -> list[Record] | None:
        """The records at this other end, if they were loaded."""
        found = self._loaded.get(id(record))
        return None if found is None else found[1].get(name)

    def keep(self, record: Record, name: str, found: list[Any] | None) -> None:
        """Take these as loaded; None if they are not known any more."""
        names = self._loaded.setdefault(id(record), (record, {}))[1]
        if found is None:
            names.pop(name, None)
        else:
            names[name] = found

    def take(self, edit: BackEdit, link: SessionLink, at_hand: Iterable[Any]) -> None:
        """Take over what was asked elsewhere, and do it to the records that are at hand here."""
        self.edits[id(edit.owner), edit.name] = edit
        for record in at_hand:
            if self._origins.get(id(record), link) not in edit.sessions:
                catch_up(edit, record)
        edit.sessions.append(link)

    def catch_up(self, model: type[Model], records: Iterable[Record], origin: SessionLink | None = None) -> None:
        """Do to records that have come to hand, from a session of their own if they have one, what was asked of them.

        Records of a session in which it was asked know it already.
        """
        for edit in list(self.edits.values()):
            if edit.owner.__holdall__.by_name[edit.name].target() is model and origin not in edit.sessions:
                for record in records:
                    catch_up(edit, record)

    def note_origin(self, record: Record, origin: SessionLink) -> None:
        """Remember in which session a record was before."""
        self._origins[id(record)] = origin

    @property
    def is_used(self) -> bool:
        """Whether there is anything to forget."""
        return bool(self._loaded or self.edits or self._origins)

    def release(self, records: Iterable[Record]) -> None:
        """Forget what was loaded for these."""
        for record in records:
            self._loaded.pop(id(record), None)
            self._origins.pop(id(record), None)

    def clear(self) -> None:
        """Forget everything."""
        self._loaded.clear()
        self._origins.clear()
        self.edits.clear()
