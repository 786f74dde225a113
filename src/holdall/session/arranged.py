"""A collection in the arrangement of now: where it is kept, and under which rules, may change between two requests."""

from __future__ import annotations

from abc import ABC, abstractmethod

from holdall.query import Value
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings

__all__ = ["Arranged"]


class Arranged(ABC):
    """Knowledge of one collection, which holds until a collection is added, moved or kept in another store."""

    def __init__(self, bindings: Bindings, collection: str) -> None:
        self._bindings = bindings
        self._collection = collection
        self._binding: Binding | None = None
        self._store: Value = None
        self._times_settled = -1

    def _arranged(self) -> Binding:
        """The binding of now; where it is another than before, or others are, ``_take`` has learned of it."""
        bindings, binding = self._bindings, self._binding
        if not bindings.is_settled:
            bindings.configure()
        if bindings.look is not None:
            bindings.look()
        if binding is None or binding.store is not self._store or bindings.times_settled != self._times_settled:
            binding = self._binding = bindings.of_name(self._collection)
            self._store, self._times_settled = binding.store, bindings.times_settled
            self._take(binding)
        return binding

    @abstractmethod
    def _take(self, binding: Binding) -> None:
        """Learn all that depends on the binding, and on those beside it."""
