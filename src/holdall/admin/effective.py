"""The rights that a user has in one record: those of its collection, and what rules say of the record as it is."""

from __future__ import annotations

import msgspec

from holdall.admin.described import Described
from holdall.admin.visit import Refused, Visit
from holdall.policy import Right
from holdall.query import Key
from holdall.web.key import KeyText
from holdall.web.text_value import Unreadable

__all__ = ["Effective", "effective_rights", "key_of"]


class Effective(msgspec.Struct, frozen=True):
    """The rights of a user in one record. ``fixed`` are the labels of fields that he sees and may not change.

    >>> Effective(update=True, delete=False).delete
    False
    """

    update: bool
    delete: bool
    fixed: tuple[str, ...] = ()


async def effective_rights(visit: Visit, described: Described, key: str) -> Effective:
    """Return what the user of a page may do with a record. Raises Refused where he may not see it.

    Example: ``docs/back-office.md``.
    """
    app, rights = visit.site.app, described.rights
    if not rights.get("update") and not rights.get("delete"):
        return Effective(update=False, delete=False)
    async with app.session(visit.user) as session:
        record = await session.get(app.bindings.of_name(described.collection).model, key_of(visit, described, key))
        if record is None:
            raise Refused(404)
        update = await app.explain_access(visit.user, Right.UPDATE, record)
        delete = await app.explain_access(visit.user, Right.DELETE, record)
    fixed = tuple(each.label for each in described.fields if each.name in update.read_only)
    may_update, may_delete = bool(rights.get("update")), bool(rights.get("delete"))
    return Effective(may_update and update.is_allowed, may_delete and delete.is_allowed, fixed)


def key_of(visit: Visit, described: Described, key: str) -> Key:
    """The key that a segment of a path stands for. Raises Refused for a segment that is none."""
    try:
        return KeyText(visit.site.app.bindings.of_name(described.collection).schema).read(key)
    except Unreadable:
        raise Refused(404) from None
