"""Requests to a view about many records: read into items, committed together, and answered, as those of collections."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol, TypeAlias

import msgspec

from holdall.app import Holdall
from holdall.errors import HoldallError
from holdall.model import Record
from holdall.policy import Right
from holdall.query import Key, Value, both
from holdall.session import Session
from holdall.web.asgi import Scope, address_of
from holdall.web.bulk import Bulk
from holdall.web.bulk.items import items_of, raw_items
from holdall.web.bulk.meant import Meant
from holdall.web.bulk.results import Result, told
from holdall.web.conditional import demand_a_new_record, tag_of_body
from holdall.web.dialects import Dialects
from holdall.web.intake import Intake
from holdall.web.key import KeyText
from holdall.web.options import Options
from holdall.web.preferences import Preferences, preferences_of
from holdall.web.problem import Problem
from holdall.web.reply import Reply, json_reply
from holdall.web.view import CollectionView
from holdall.web.views.answers import Action, Input
from holdall.web.views.forms import Form
from holdall.web.views.imports import Handle, ViewImports
from holdall.web.views.items import BulkItem, BulkItems
from holdall.web.views.parameters import translated

__all__ = ["Many", "is_list"]

_ProblemOf: TypeAlias = Callable[[Exception], Problem]


def is_list(body: bytes) -> bool:
    """Whether a body is a JSON array."""
    return body.lstrip()[:1] == b"["


class _Serving(Protocol):
    app: Holdall
    options: Options
    collection: CollectionView
    keys: KeyText
    form: Form

    def take(self, body: bytes, session: Session, *, is_new: bool) -> Input: ...
    def address(self, path: str, record: Record) -> str: ...
    async def fresh_body(self, session: Session, record: Record) -> bytes: ...


class Many:
    """The part of ``Serving`` for requests about many records."""

    def __init__(self, serving: _Serving, dialects: Dialects) -> None:
        self._serving = serving
        self._intake = Intake(serving.collection, serving.app.bindings, serving.options)
        self._bulk = Bulk(self._intake, serving.collection, serving.keys, serving.app.bindings)
        self._meant = Meant(self._intake, dialects)

    # --- what is asked ------------------------------------------------------------------------------------------------

    async def items(
        self, scope: Scope, session: Session, view: Value, right: Right, body: bytes, own: Collection[str]
    ) -> BulkItems:
        """The items of a request, with a list or for all that a filter means. Raises Problem, ValidationError."""
        demand_a_new_record(scope)
        if right is not Right.CREATE and not is_list(body):
            return await self._of_filter(scope, session, view, right, body, own)
        preferences = view.writes.preferences = preferences_of(scope, b"return", b"tx", b"max-affected")
        problem_of = self._problem_of(scope, session)
        most = self._serving.options.max_bulk
        if right is Right.CREATE:
            found = list(self._new(session, raw_items(body, most), problem_of))
        else:
            has_patch = right is Right.UPDATE
            given = items_of(body, self._serving.keys, most, has_patch=has_patch)
            action = Action.UPDATE if has_patch else Action.DELETE
            found = [BulkItem(action, item.key, item.patch, item.etag, problem=item.problem) for item in given]
            self._take(session, found, problem_of)
        if preferences.most is not None and len(found) > preferences.most:
            raise Problem(422, "limit", f"More than {preferences.most} items.")
        return BulkItems(found, problem_of, is_by_item=preferences.is_by_item)

    def _new(self, session: Session, bodies: Sequence[bytes], problem_of: _ProblemOf) -> Iterator[BulkItem]:
        for raw in bodies:
            item = BulkItem(Action.CREATE)
            try:
                item.data = self._serving.take(raw, session, is_new=True)
            except (Problem, HoldallError) as error:
                item.problem = problem_of(error)
            yield item

    def _take(self, session: Session, items: Sequence[BulkItem], problem_of: _ProblemOf) -> None:
        """Have items with the input that their patches are, and with what stands in their way."""
        for item in items:
            patch, item.data = item.data, None
            if item.problem is not None:
                continue
            try:
                self._intake.demand_match(item.etag)
                if item.action is Action.UPDATE:
                    item.data = self._serving.take(patch, session, is_new=False)
            except (Problem, HoldallError) as error:
                item.problem = problem_of(error)

    async def _of_filter(
        self, scope: Scope, session: Session, view: Value, right: Right, body: bytes, own: Collection[str]
    ) -> BulkItems:
        serving = self._serving
        query_string = translated(scope["query_string"], serving.form, own)
        asked = self._meant.asked({**scope, "query_string": query_string}, session.user, b"return=minimal")
        view.writes.preferences = asked.preferences
        action = Action.UPDATE if right is Right.UPDATE else Action.DELETE
        data: Input = serving.take(body, session, is_new=False) if action is Action.UPDATE else None
        own_query = view.build_query()
        query = msgspec.structs.replace(
            own_query, condition=both(own_query.condition, asked.query.condition), max_rows=asked.most + 1
        )
        found = await session.query(query)
        if len(found) > asked.most:
            raise Problem(422, "limit", f"The filter means more than {asked.most} records; nothing was written.")
        items = [BulkItem(action, record.__key__(), data) for record in found]
        return BulkItems(items, self._problem_of(scope, session), is_filtered=True)

    def _problem_of(self, scope: Scope, session: Session) -> _ProblemOf:
        return lambda error: self._bulk.problem_of_item(scope, error, session.user)

    def imports(self, session: Session, view: Value, handle: Handle) -> ViewImports:
        """The import of a request, whose lines ``handle`` writes."""
        serving = self._serving

        def take(body: bytes) -> Input:
            return serving.take(body, session, is_new=True)

        return ViewImports(self._intake, serving.collection, self._bulk, serving.app.bindings, view, take, handle)

    # --- what is done and told ----------------------------------------------------------------------------------------

    async def commit(self, session: Session, items: BulkItems) -> None:
        """Commit all. Raises Problem, with the place of each item that stands in the way as far as it is known."""
        await self._bulk.commit(session, items.records, items.within)

    async def reply(self, scope: Scope, session: Session, items: BulkItems, preferences: Preferences) -> Reply:
        """The result of each item, or their number where a filter meant them."""
        if items.is_filtered:
            if preferences.is_minimal:
                return Reply(204, preferences.headers)
            return json_reply(200, msgspec.json.encode({"affected": len(items)}), *preferences.headers)
        results = [await self._result(scope, session, item) for item in items]
        is_removal = all(item.action is Action.DELETE for item in items)
        if is_removal and preferences.is_minimal and not items.is_by_item:
            return Reply(204, preferences.headers)
        return told(207 if items.is_by_item else 200, results, preferences)

    async def _result(self, scope: Scope, session: Session, item: BulkItem) -> Result:
        if item.problem is not None:
            return Result.of(item.problem)
        assert item.record is not None
        key: Key = item.key if item.action is Action.DELETE else item.record.__key__()
        shown_key = self._serving.keys.write(key)
        if item.action is Action.DELETE:
            return Result(204, shown_key)
        body = await self._serving.fresh_body(session, item.record)
        is_new = item.action is Action.CREATE
        place = self._serving.address(address_of(scope), item.record) if is_new else ""
        tag = tag_of_body(body).decode()
        return Result(201 if is_new else 200, shown_key, place, tag, msgspec.Raw(body))
