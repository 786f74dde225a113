"""The bindings of one session: those of its Holdall, and what was registered in this session alone."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from types import MappingProxyType

from holdall.errors import DeclarationError
from holdall.model import Model
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings

__all__ = ["OwnBindings"]


class OwnBindings(Bindings):
    """Shares what its Holdall has until something is added; that is settled when it is first asked for."""

    _pending: Mapping[object, Binding] = MappingProxyType({})

    def __init__(self, shared: Bindings) -> None:
        self.__dict__ = shared.__dict__.copy()  # holding the very same, until something is added

    def add(self, binding: Binding) -> None:
        """Take one more for this session; raises DeclarationError where the model or the name is taken."""
        taken = self._by_model.get(binding.model) or self._pending.get(binding.model)
        if taken is not None:
            raise DeclarationError(f"{binding.model.__name__} is already bound to {taken.store.name!r}")
        if binding.collection in self._by_name or any(
            other.collection == binding.collection for other in self._pending.values()
        ):
            raise DeclarationError(f"there is already a collection {binding.collection!r}")
        self._pending = {**self._pending, binding.model: binding}

    def missing_model(self, model: type[Model]) -> Binding:
        """The binding of a model that was added, now settled."""
        if model in self._pending:
            self._settle_pending()
            return self._by_model[model]
        return super().missing_model(model)

    def missing_name(self, collection: str) -> Binding:
        """The binding of a collection that was added, now settled."""
        if any(binding.collection == collection for binding in self._pending.values()):
            self._settle_pending()
            return self._by_name[collection]
        return super().missing_name(collection)

    def _settle_pending(self) -> None:
        """Settle all that was added, together, as they may refer to each other; the Holdall's own stay untouched."""
        before = self._by_model, self._by_name, self._pending
        self._by_model = {model: copy(binding) for model, binding in self._by_model.items()} | dict(self._pending)
        self._by_name = {binding.collection: binding for binding in self._by_model.values()}
        self._pending = {}
        try:
            stores = self._make_ready()
            for binding in before[2].values():
                store, schemas = stores.pop(id(binding.store), (None, []))
                if store is not None:
                    store.bind(schemas)
        except BaseException:
            self._by_model, self._by_name, self._pending = before
            raise
