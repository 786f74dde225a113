"""The records that a request means by the filters in its query string, within a bound."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from holdall.errors import FieldError
from holdall.policy import Right, User
from holdall.query import ALWAYS, AnyQuery, Query
from holdall.web.asgi import Scope, header_list
from holdall.web.conditional import demand_a_new_record
from holdall.web.dialect import CONTROLS
from holdall.web.dialects import Dialects
from holdall.web.intake import Intake
from holdall.web.parameters import not_understood, parameters_of, unknown_parameter
from holdall.web.preferences import Preferences, preferences_of
from holdall.web.problem import Problem
from holdall.web.rights import demand_right
from holdall.web.visits import demand_visits

__all__ = ["MAX_AFFECTED", "Asked", "Meant"]

MAX_AFFECTED = "max-affected"
"""The parameter that bounds how many records a filter may mean."""


class Asked(msgspec.Struct, frozen=True):
    """The records that a request means, its preferences, and how many these records may be.

    ``others`` are the parameters that are no filters.
    """

    query: AnyQuery
    preferences: Preferences
    most: int
    others: dict[str, str]


class Meant:
    """Reads which records of one collection a request means."""

    def __init__(self, intake: Intake, dialects: Dialects) -> None:
        self._intake = intake
        self._dialects = dialects
        self._binding = intake.binding

    def asked(
        self, scope: Scope, user: User, *known: bytes, others: Collection[str] = (), is_all: bool = False
    ) -> Asked:
        """The records that are meant. Raises Problem where nothing says which, unless ``is_all``, for unknown
        parameters, and for a condition that no list can meet.
        """
        demand_right(self._binding, Right.READ, user, self._intake.options.challenge)
        demand_a_new_record(scope)
        self._intake.demand_match(header_list(scope, b"if-match"))
        preferences = preferences_of(scope, *known, b"tx=rollback", b"tx=commit", b"max-affected")
        filters, most, given = self._split(scope["query_string"], others)
        listing = self._dialects.of(user).read(filters)
        demand_visits(listing, user)
        if listing.query.condition == ALWAYS and not is_all:
            raise Problem(
                422,
                "query",
                "Nothing says which records are meant: name a filter, as ?status=draft, or send a list of their keys.",
            )
        bounds = [each for each in (most, preferences.most, self._intake.options.max_bulk) if each is not None]
        query: AnyQuery = Query(self._binding.collection, listing.query.condition)
        return Asked(query, preferences, min(bounds), given)

    def _split(self, query_string: bytes, others: Collection[str]) -> tuple[bytes, int | None, dict[str, str]]:
        """The filters of a query string, its bound, and other parameters. Raises Problem for those of lists alone."""
        errors: list[FieldError] = []
        most: int | None = None
        given: dict[str, str] = {}
        for name, value in parameters_of(query_string):
            if name in others:
                if name in given:
                    errors.append(FieldError(name, "repeated", "must be given once"))
                given[name] = value
            elif name == MAX_AFFECTED:
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
        taken = [name.encode() for name in (MAX_AFFECTED, *others)]
        pieces = [piece for piece in query_string.split(b"&") if piece.partition(b"=")[0] not in taken]
        return b"&".join(pieces), most, given
