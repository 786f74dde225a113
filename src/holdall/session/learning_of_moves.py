"""Commits that a fence refused: the session learns where the collection is to be written, and tries again if it may."""

from __future__ import annotations

from holdall.errors import Reserved
from holdall.session.context import SessionContext

__all__ = ["learn_of_move"]


async def learn_of_move(context: SessionContext, refusal: Reserved) -> bool:
    """Learn where a moving collection is to be written; whether the commit can be tried anew.

    Not where it was moved meanwhile and has no versions: what changed records may have been read from the store that
    it has left would be written over what others have written since.
    """
    moves = context.bindings.moves
    if moves is None or not await moves.learn(refusal):
        return False
    binding = context.bindings.of_name(refusal.collection)
    for each in context.records.bulk:
        if each.binding.collection == refusal.collection and each.binding is not binding:
            each.binding, each.is_plain = binding, False  # the store that it is in now may not make it by itself
    if binding.store.name == refusal.store or binding.declaration.version is not None:
        return True
    return not any(type(each) is binding.model for each in context.records.dirty.values())
