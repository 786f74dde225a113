"""Changes and removals of all records that a filter means, within a bound."""

from __future__ import annotations

import msgspec

from holdall.errors import FieldError, ValidationError
from holdall.query import Value
from holdall.session import Session
from holdall.web.asgi import Scope
from holdall.web.bulk.meant import Meant
from holdall.web.dialects import Dialects
from holdall.web.intake import Intake
from holdall.web.merge import nested_patch
from holdall.web.preferences import Preferences
from holdall.web.problem import Problem
from holdall.web.rehearsal import rehearsed
from holdall.web.reply import Reply, json_reply
from holdall.web.view import CollectionView

__all__ = ["Filtered"]


class Filtered:
    """Changes all records of a collection that a query string means."""

    def __init__(self, intake: Intake, view: CollectionView, dialects: Dialects) -> None:
        self._meant = Meant(intake, dialects)
        self._view = view
        self._binding = view.binding

    async def update(self, scope: Scope, session: Session, body: bytes) -> Reply:
        """``PATCH /books?status=draft`` with one merge patch for all.

        Raises Problem (422) for a patch without values, ValidationError for values that are merged.
        """
        asked = self._meant.asked(scope, session.user, b"return=minimal")
        given = self._view.input_of(session.user, is_new=False)
        patch = nested_patch(body)
        nested = [name for name, value in (patch or {}).items() if isinstance(value, dict) and name in given.names]
        if nested:
            message = "is merged into each record by itself: patch them by their keys"
            errors = [FieldError(name, "merge", message) for name in nested]
            raise ValidationError(self._view.declaration.model.__name__, errors)
        values: dict[str, Value] = given.values(body)
        if not values:
            raise Problem(422, "invalid", "The patch gives no value.")
        number = await session.update(asked.query, values, max_affected=asked.most)
        return await self._done(session, asked.preferences, number)

    async def delete(self, scope: Scope, session: Session) -> Reply:
        """``DELETE /books?status=draft``."""
        asked = self._meant.asked(scope, session.user, b"return=minimal")
        number = await session.delete(asked.query, max_affected=asked.most)
        return await self._done(session, asked.preferences, number)

    async def _done(self, session: Session, preferences: Preferences, number: int) -> Reply:
        if preferences.is_rehearsal:
            return await rehearsed(session, preferences, {self._binding.collection: number})
        for pending in list(session.context.records.bulk):  # the commit tells it how many there were in the end
            await session.commit()
            number = pending.number
        if preferences.is_minimal:
            return Reply(204, preferences.headers)
        return json_reply(200, msgspec.json.encode({"affected": number}), *preferences.headers)
