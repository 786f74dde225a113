"""Imports by way of a view: each line is created by its handlers and hooks, in the commits of imports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec

from holdall.errors import FieldError, HoldallError, ValidationError
from holdall.policy import User
from holdall.query import Value
from holdall.session import Bindings, Session
from holdall.web.asgi import Scope
from holdall.web.bulk import Bulk
from holdall.web.importing import Imports, Line, Report
from holdall.web.intake import Intake
from holdall.web.preferences import Preferences
from holdall.web.problem import Problem
from holdall.web.view import CollectionView
from holdall.web.views.answers import Action, Input
from holdall.web.views.items import BulkItem, BulkItems

__all__ = ["ViewImports"]

Handle: TypeAlias = Callable[[BulkItems], Awaitable[Value]]
"""Writes items by the handlers of a view."""


class ViewImports(Imports):
    """The import of one request to a view; ``take`` makes input of a line, and ``handle`` writes the items."""

    def __init__(
        self,
        intake: Intake,
        collection: CollectionView,
        bulk: Bulk,
        bindings: Bindings,
        view: Value,
        take: Callable[[bytes], Input],
        handle: Handle,
    ) -> None:
        super().__init__(intake, collection, bulk, bindings)
        self._of = view
        self._input = take
        self._handle = handle

    async def take_batch(
        self, scope: Scope, user: User, batch: Sequence[Line], preferences: Preferences, report: Report
    ) -> None:
        """Store the lines of a batch together, or one by one where something stands in the way of some."""
        self._of.writes.preferences = preferences
        good: list[tuple[int, BulkItem]] = []
        for number, members in batch:
            try:
                good.append((number, BulkItem(Action.CREATE, data=self._read(members))))
            except (Problem, HoldallError) as error:
                report.refuse(number, self._errors(scope, error, user))
        if good and not await self._is_stored([item for _, item in good], scope, user):
            await self._handle(self._items([item for _, item in good], scope, user, is_by_item=True))
        for number, item in good:
            if item.problem is None:
                report.created += 1
            else:
                report.refuse(number, self._errors(scope, item.problem, user))
        self._of.writes.plan = self._of.writes.items = None
        acting: Session = self._of.acting
        acting.reset()  # so that an import of any size takes the memory of a batch

    async def _is_stored(self, items: list[BulkItem], scope: Scope, user: User) -> bool:
        """Whether all were stored together; nothing is where something stands in the way of some."""
        try:
            await self._handle(self._items(items, scope, user))
        except (Problem, HoldallError):
            self._of.writes.items = None
            for item in items:
                item.problem = item.record = None
            return False
        return True

    def _items(self, items: list[BulkItem], scope: Scope, user: User, *, is_by_item: bool = False) -> BulkItems:
        def problem_of(error: Exception) -> Problem:
            return self._bulk.problem_of_item(scope, error, user)

        return BulkItems(items, problem_of, is_by_item=is_by_item)

    def _read(self, members: Value) -> Input:
        if isinstance(members, FieldError):
            raise ValidationError(self._view.declaration.model.__name__, [members])
        return self._input(members if isinstance(members, bytes) else msgspec.json.encode(members))
