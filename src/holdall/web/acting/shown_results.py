"""Results of actions as JSON: records as their collections show them to the user, all else by its type."""

from __future__ import annotations

import msgspec

from holdall.actions import Result
from holdall.errors import StateError
from holdall.model import Model
from holdall.query import Value
from holdall.session import Bindings, Session
from holdall.web.view import CollectionView

__all__ = ["ShownResults"]

_encode = msgspec.json.Encoder().encode


class ShownResults:
    """Shows the results of the actions of one collection."""

    def __init__(self, bindings: Bindings) -> None:
        self._bindings = bindings
        self._views: dict[Value, CollectionView] = {}

    async def shown(self, session: Session, result: Result, value: Value) -> bytes:
        """The JSON of a result."""
        if result.model is None and result.is_told:
            return _encode(value)
        return _encode(await self._of(session, value))

    async def _of(self, session: Session, value: Value) -> Value:
        """A value that msgspec encodes, for one that records may be in."""
        if isinstance(value, Model):
            return msgspec.Raw(await self._view(type(value)).shown_stored(session, value))
        if isinstance(value, list | tuple):
            return [await self._of(session, each) for each in value]
        if isinstance(value, dict):
            return {name: await self._of(session, each) for name, each in value.items()}
        if isinstance(value, msgspec.Struct) or hasattr(value, "__dataclass_fields__"):
            raise StateError(f"an action gave a {type(value).__name__}: say so in the annotation of its result")
        return value

    def _view(self, model: Value) -> CollectionView:
        found = self._views.get(model)
        if found is None:
            found = self._views[model] = CollectionView(self._bindings.of_model(model))
        return found
