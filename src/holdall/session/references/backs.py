"""The other ends of references in a session: which are loaded, and what was asked of them until the commit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdall.model import BackEdit

__all__ = ["Backs"]


class Backs:
    """By record and field. Holds its records, so that their ids stay theirs."""

    def __init__(self) -> None:
        self._loaded: dict[int, tuple[Any, dict[str, list[Any]]]] = {}
        self.edits: dict[tuple[int, str], BackEdit] = {}

    def loaded(self, record: Any, name: str) -> list[Any] | None:
        """The records at this other end, if they were loaded."""
        found = self._loaded.get(id(record))
        return None if found is None else found[1].get(name)

    def keep(self, record: Any, name: str, found: list[Any] | None) -> None:
        """Take these as loaded; None if they are not known any more."""
        names = self._loaded.setdefault(id(record), (record, {}))[1]
        if found is None:
            names.pop(name, None)
        else:
            names[name] = found

    def edit(self, record: Any, name: str) -> BackEdit:
        """What the next commit is to do at this other end."""
        key = id(record), name
        edit = self.edits.get(key)
        if edit is None:
            edit = self.edits[key] = BackEdit(record, name)
        return edit

    @property
    def is_used(self) -> bool:
        """Whether there is anything to forget."""
        return bool(self._loaded or self.edits)

    def release(self, records: Iterable[Any]) -> None:
        """Forget what was loaded for these."""
        for record in records:
            self._loaded.pop(id(record), None)

    def clear(self) -> None:
        """Forget everything."""
        self._loaded.clear()
        self.edits.clear()
