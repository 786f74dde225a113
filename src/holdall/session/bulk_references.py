"""References that a bulk change gives: they lead to records that the user may read, or the change is refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from holdall.errors import FieldError, ValidationError
from holdall.model import Field, Reference, placed_items
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
    for relationship in binding.relationships:
        field, target = relationship.field, relationship.target
        may_read = target.policy.allows(Right.READ, context.user)
        if field.root not in slots or (may_read and not context.is_judged):  # then he reads every one: the commit asks
            continue
        places: list[tuple[Key, str]] = [
            (item.key if isinstance(item, Reference) else item, path)
            for item, path in placed_items(field, slots[field.root])
        ]
        seen: Collection[Key] = await _seen(context, target, [key for key, _ in places]) if may_read else ()
        for key, path in places:
            if key not in seen:
                errors.append(FieldError(path, "reference", "refers to a record that does not exist"))
    if errors:
        raise ValidationError(binding.model.__name__, errors)


async def _seen(context: SessionContext, target: Binding, keys: list[Key]) -> set[Key]:
    """Those of the keys that records have which the user may read."""
    if target.record_access is not None:
        return set(await context.reader.fetch_keys(target, keys))
    found, paths = set[Key](), tuple([(name,) for name in target.schema.key])
    for part in chunks(target, keys):
        query: AnyQuery = Query(target.collection, having_keys(target, part), projection=paths)
        found.update(row[0] if len(row) == 1 else tuple(row) for row in await context.reader.rows(query))
    return found
