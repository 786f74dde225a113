"""Changes and removals of all records that a filter means, within a bound."""

from __future__ import annotations

from typing import Any

import msgspec

from holdall.errors import FieldError, ValidationError
from holdall.policy import Right, User
from holdall.query import ALWAYS, Query, Value
from holdall.session import Session
from holdall.web.asgi import Scope, header_list
from holdall.web.conditional import demand_a_new_record
from holdall.web.dialect import CONTROLS
from holdall.web.dialects import Dialects
from holdall.web.intake import Intake
from holdall.web.merge import nested_patch
from holdall.web.parameters import not_understood, parameters_of, unknown_parameter
from holdall.web.preferences import Preferences, preferences_of
from holdall.web.problem import Problem
from holdall.web.rehearsal import rehearsed
from holdall.web.reply import Reply, json_reply
from holdall.web.rights import demand_right
from holdall.web.view import CollectionView

__all__ = ["MAX_AFFECTED", "Filtered"]

MAX_AFFECTED = "max-affected"
"""The parameter that bounds how many records a filter may mean."""


class Filtered:
    """Changes all records of a collection that a query string means."""

    def __init__(self, intake: Intake, view: CollectionView, dialects: Dialects) -> None:
        self._intake = intake
        self._view = view
        self._dialects = dialects
        self._binding = view.binding

    async def update(self, scope: Scope, session: Session, body: bytes) -> Reply:
        """``PATCH /books?status=draft`` with one merge patch for all."""
        query, preferences, most = self.asked(scope, session.user)
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
        number = await session.update(query, values, max_affected=most)
        return await self._done(session, preferences, number)

    async def delete(self, scope: Scope, session: Session) -> Reply:
        """``DELETE /books?status=draft``."""
        query, preferences, most = self.asked(scope, session.user)
        number = await session.delete(query, max_affected=most)
        return await self._done(session, preferences, number)

    async def _done(self, session: Session, preferences: Preferences, number: int) -> Reply:
        if preferences.is_rehearsal:
            return await rehearsed(session, preferences, {self._binding.collection: number})
        for pending in list(session.context.records.bulk):  # the commit tells it how many there were in the end
            await session.commit()
            number = pending.number
        if preferences.is_minimal:
            return Reply(204, preferences.headers)
        return json_reply(200, msgspec.json.encode({"affected": number}), *preferences.headers)

    def asked(self, scope: Scope, user: User) -> tuple[Query[Any], Preferences, int]:
        """The records that are meant, and how many these may be. Raises Problem where nothing says which."""
        demand_right(self._binding, Right.READ, user, self._intake.options.challenge)
        demand_a_new_record(scope)
        self._intake.demand_match(header_list(scope, b"if-match"))
        preferences = preferences_of(scope, b"return=minimal", b"tx=rollback", b"tx=commit", b"max-affected")
        filters, most = self._split(scope["query_string"])
        listing = self._dialects.of(user).read(filters)
        hidden = {name for name, other in listing.visits if not other.policy.allows(Right.READ, user)}
        if hidden:
            raise not_understood([unknown_parameter(name) for name in sorted(hidden)])
        if listing.query.condition == ALWAYS:
            raise Problem(
                422,
                "query",
                "Nothing says which records are meant: name a filter, as ?status=draft, or send a list of their keys.",
            )
        bounds = [each for each in (most, preferences.most, self._intake.options.max_bulk) if each is not None]
        return Query(self._binding.collection, listing.query.condition), preferences, min(bounds)

    def _split(self, query_string: bytes) -> tuple[bytes, int | None]:
        """The filters of a query string, and its bound. Raises Problem for parameters that only lists have."""
        errors: list[FieldError] = []
        most: int | None = None
        for name, value in parameters_of(query_string):
            if name == MAX_AFFECTED:
                if most is not None:
                    errors.append(FieldError(name, "repeated", "must be given once"))
                if not (value.isascii() and value.isdigit() and len(value) <= 9):
                    errors.append(FieldError(name, "range", "must be a whole number"))
                    continue
                most = int(value)
            elif name in CONTROLS:
                errors.append(unknown_parameter(name))
        if errors:
            raise not_understood(errors)
        pieces = [piece for piece in query_string.split(b"&") if not piece.startswith(MAX_AFFECTED.encode() + b"=")]
        return b"&".join(pieces), most
