"""Many records of one model, made new in a session together."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.model import Model, track_of
from holdall.session.context import SessionContext

__all__ = ["add_together"]


def add_together(context: SessionContext, records: Sequence[Model]) -> bool:
    """Make records new that no session knows, as adding each does; False, and nothing is done, where one needs a look.

    Example: :class:`Session`.
    """
    if context.link.is_over or not records or not isinstance(records[0], Model):
        return False
    model = type(records[0])
    if any(type(record) is not model for record in records):
        return False
    binding = context.bindings.of_model(model)
    if binding.is_read_only or binding.record_access is not None:
        return False
    if any(track_of(record) is not None for record in records):
        return False
    for field, default in binding.frozen_at_creation:
        if any(field.get(record) != default for record in records):
            return False
    keys = [record.__key__() for record in records]
    if None in keys:
        if keys.count(None) < len(keys):
            return False
    else:
        known = context.records.of(binding.model)
        if len(set(keys)) < len(keys) or not known.keys().isdisjoint(keys):
            return False
        known.update(zip(keys, records, strict=True))
    context.records.states.add_all(list(records))
    return True
