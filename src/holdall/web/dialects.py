"""The list dialects of one collection: users from whom fields are hidden have one in which these are unknown names."""

from __future__ import annotations

from copy import copy

from holdall.policy import User
from holdall.session import Binding, Bindings
from holdall.web.cursor import Cursors
from holdall.web.dialect import Dialect

__all__ = ["Dialects"]

_REMEMBERED = 100


class Dialects:
    """Gives each user the dialect that knows the names of what he may read."""

    def __init__(self, binding: Binding, bindings: Bindings, cursors: Cursors) -> None:
        self._binding = binding
        self._bindings = bindings
        self._cursors = cursors
        self._whole = Dialect(binding, bindings, cursors)
        self._found: dict[tuple[tuple[str, frozenset[str]], ...], Dialect] = {}
        self._hiding = [each for each in bindings if each.may_hide]

    def of(self, user: User) -> Dialect:
        """The dialect for a user."""
        if not self._hiding or user.unrestricted:
            return self._whole
        hidden = tuple([(each.collection, names) for each in self._hiding if (names := each.hidden(user))])
        if not hidden:
            return self._whole
        found = self._found.get(hidden)
        if found is None:
            bindings = copy(self._bindings)
            bindings.hidden_names = dict(hidden)
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            found = self._found[hidden] = Dialect(self._binding, bindings, self._cursors)
        return found
