"""References that a bulk change gives: they lead to records that the user may read, or the change is refused."""

from __future__ import annotations

from collections.abc import Mapping

from holdall.errors import FieldError, ValidationError
from holdall.model import Field, Reference, items_of
from holdall.policy import Right
from holdall.query import AnyQuery, Key, Query, Value
from holdall.session.binding import Binding
from holdall.session.context import SessionContext
from holdall.session.references.key_conditions import chunks, having_keys

__all__ = ["demand_seen"]


async def demand_seen(context: SessionContext, binding: Binding, slots: Mapping[Field, Value]) -> None:
    """Refuse references to records that the user may not see, as those to records that are not there.

    Raises ValidationError with every one of them.
    """
    errors = list[FieldError]()
    for field, slot in slots.items():
        if field.target is None:
            continue
        target = context.bindings.of_model(field.target())
        keys: list[Key] = [item.key if isinstance(item, Reference) else item for item in items_of(field, slot)]
        seen = await _seen(context, target, keys)
        for number, key in enumerate(keys):
            if key not in seen:
                path = field.name if field.form is None else f"{field.name}.{number}"
                errors.append(FieldError(path, "reference", "refers to a record that does not exist"))
    if errors:
        raise ValidationError(binding.model.__name__, errors)


async def _seen(context: SessionContext, target: Binding, keys: list[Key]) -> set[Key]:
    """Those of the keys that records have which the user may read."""
    if not target.policy.allows(Right.READ, context.user):
        return set()
    if target.record_access is not None:
        return set(await context.reader.fetch_keys(target, keys))
    found, paths = set[Key](), tuple([(name,) for name in target.schema.key])
    for part in chunks(target, keys):
        query: AnyQuery = Query(target.collection, having_keys(target, part), projection=paths)
        found.update(row[0] if len(row) == 1 else tuple(row) for row in await context.reader.rows(query))
    return found
