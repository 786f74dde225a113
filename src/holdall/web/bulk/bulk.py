"""Bulk requests to a collection: all of it in one commit, or each item by itself."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import msgspec

from holdall.errors import CommitAborted, FieldError, Forbidden, HoldallError, NotFound, Unsupported, ValidationError
from holdall.model import Record
from holdall.policy import User
from holdall.session import Bindings, Guarantee, Session
from holdall.web.asgi import Scope, address_of_root
from holdall.web.bulk.fetching import Fetched
from holdall.web.bulk.items import Item, items_of, raw_items
from holdall.web.bulk.results import Result, together, told
from holdall.web.conditional import tag_of_body
from holdall.web.intake import Intake, expect_unchanged, until_undisturbed
from holdall.web.key import KeyText
from holdall.web.merge import merged_values, nested_patch
from holdall.web.preferences import Preferences, preferences_of
from holdall.web.problem import Problem, failure_of, note_cause, problem_of
from holdall.web.rehearsal import rehearsed
from holdall.web.reply import Reply
from holdall.web.rights import forbidden
from holdall.web.view import CollectionView

__all__ = ["Bulk"]

T = TypeVar("T")
_Act = Callable[[Session, Any, Fetched], Awaitable[Record]]

_IN_COMMIT = re.compile(r"^\w+\[(\d+)\]\.?(.*)$")
_WHOSE = re.compile(r" \(its key is .*\)$")
_TAKEN = Problem(409, "exists", "There is already a record with this key.")
_NOT_TOGETHER = Problem(
    501,
    "unsupported",
    "The place where these are kept writes each record by itself; ask for that with Prefer: tx=item.",
)


class Bulk:
    """Creates, changes and removes the records of one collection by lists. Example: :func:`asgi`."""

    def __init__(self, intake: Intake, view: CollectionView, keys: KeyText, bindings: Bindings) -> None:
        self._intake = intake
        self._view = view
        self._keys = keys
        self._bindings = bindings
        self._binding = view.binding
        self._most = intake.options.max_bulk

    async def create(self, scope: Scope, user: User, body: bytes) -> Reply:
        """``POST /books`` with a list of new records."""
        items = raw_items(body, self._most)
        return await self._done(scope, user, items, self._create, 201)

    async def check(self, scope: Scope, user: User, body: bytes) -> None:
        """Look at a list of new records as if it were written. Raises what writing it would."""
        items = raw_items(body, self._most)
        await self._together(scope, user, items, self._create, 201, "", Preferences(is_rehearsal=True))

    async def update(self, scope: Scope, user: User, body: bytes) -> Reply:
        """``PATCH /books`` with a list of keys and patches."""
        items = items_of(body, self._keys, self._most, has_patch=True)
        return await self._done(scope, user, items, self._update, 200, within="patch")

    async def delete(self, scope: Scope, user: User, body: bytes) -> Reply:
        """``DELETE /books`` with a list of keys."""
        items = items_of(body, self._keys, self._most, has_patch=False)
        return await self._done(scope, user, items, self._delete, 204)

    # --- together, or one by one --------------------------------------------------------------------------------------

    async def _done(
        self, scope: Scope, user: User, items: Sequence[Any], act: _Act, status: int, within: str = ""
    ) -> Reply:
        preferences = preferences_of(scope, b"return", b"tx", b"max-affected")
        most = preferences.most
        if most is not None and len(items) > most:
            raise Problem(422, "limit", f"More than {most} items.")
        if preferences.is_by_item:
            results = [await self._by_itself(scope, user, item, act, status) for item in items]
            return told(207, results, preferences)
        return await until_undisturbed(
            partial(self._together, scope, user, items, act, status, within, preferences), scope
        )

    async def _together(
        self, scope: Scope, user: User, items: Sequence[Any], act: _Act, status: int, within: str,
        preferences: Preferences,
    ) -> Reply:  # fmt: skip
        session = self._intake.session(scope, user)
        fetched = await self._fetched(session, items)
        problems: dict[int, Problem] = {}
        records: list[Record] = []
        for place, item in enumerate(items):
            try:
                records.append(await act(session, item, fetched))
            except (Problem, HoldallError) as error:
                problems[place] = self.problem_of_item(scope, error, user)
        if problems:
            raise together(problems, within)
        if preferences.is_rehearsal:
            return await rehearsed(session, preferences)
        await self.commit(session, records, within)
        results = await self._results(scope, session, records, status)
        if status == 204 and preferences.is_minimal:
            return Reply(204, preferences.headers)
        return told(200, results, preferences)

    async def _by_itself(self, scope: Scope, user: User, item: Any, act: _Act, status: int) -> Result:
        """The result of one item in a commit of its own."""

        async def once() -> Result:
            session = Session(self._bindings, user)
            record = await act(session, item, await self._fetched(session, [item]))
            await session.commit()
            (result,) = await self._results(scope, session, [record], status)
            return result

        try:
            return await until_undisturbed(once, scope)
        except (Problem, HoldallError) as error:
            return Result.of(self.problem_of_item(scope, error, user))
        except Exception as error:
            return Result.of(failure_of(scope, error))

    async def commit(self, session: Session, records: Sequence[Record], within: str) -> None:
        """Commit all. Raises Problem, with the place of each item that stands in the way as far as it is known."""
        context = session.context
        context.records.collect()
        places = {id(record): place for place, record in enumerate(records)}
        order = [places.get(id(each)) for each in (*context.records.new.values(), *context.records.dirty.values())]
        try:
            await session.commit(require=Guarantee.RECOVERED if len(records) > 1 else None)
        except ValidationError as error:
            raise _placed(error, order, within) from error
        except CommitAborted as error:
            if error.__cause__ is None and not error.tasks:
                raise _NOT_TOGETHER from error
            failed = {places[id(task.record)]: task.error for task in _failed(error) if id(task.record) in places}
            problems = {
                place: problem
                for place, cause in failed.items()
                if isinstance(cause, HoldallError) and (problem := problem_of(cause)) is not None
            }
            if problems and len(failed) < len(records):
                raise together(problems, within) from error
            raise

    # --- what is done with an item ------------------------------------------------------------------------------------

    async def _create(self, session: Session, raw: bytes, fetched: Fetched) -> Record:
        record = self._view.made(session.user, raw)
        key = record.__key__()
        if key is not None and not fetched.is_first(key):
            raise _TAKEN
        return self._view.admit(session, record)

    async def _update(self, session: Session, item: Item, fetched: Fetched) -> Record:
        record = await self._found(session, item, fetched)
        patch = nested_patch(item.patch)
        given = self._view.input_of(session.user, is_new=False)
        nested = self._view.nested_in(patch, session.user)
        if nested and item.etag is None:
            with suppress(Unsupported):
                expect_unchanged(session, record, *nested)
        values = given.values(item.patch) if patch is None else merged_values(given, record, patch, nested)
        self._view.update(record, values)
        return record

    async def _delete(self, session: Session, item: Item, fetched: Fetched) -> Record:
        record = await self._found(session, item, fetched)
        self._view.delete(session, record)
        return record

    async def _found(self, session: Session, item: Item, fetched: Fetched) -> Record:
        if item.problem is not None:
            raise item.problem
        self._intake.demand_match(item.etag)
        record = fetched.find(item.key)
        if record is None:
            if not fetched.is_damaged:
                raise NotFound(self._binding.collection, item.key)
            return await self._intake.expected_by(session, item.key, item.etag)
        await self._intake.judge(session, record, item.etag)
        return record

    async def _fetched(self, session: Session, items: Sequence[Any]) -> Fetched:
        keys = [item.key for item in items if isinstance(item, Item) and item.problem is None]
        return await Fetched.of(session, self._view, self._keys, keys)

    # --- what is told -------------------------------------------------------------------------------------------------

    async def _results(self, scope: Scope, session: Session, records: Sequence[Record], status: int) -> list[Result]:
        if status == 204:
            return [Result(204, self._keys.write(record.__key__())) for record in records]
        if self._view.may_be_kept_otherwise:
            with suppress(HoldallError):  # they were written, and are then shown as they were sent
                await Fetched.of(session, self._view, self._keys, [record.__key__() for record in records], fresh=True)
        names = self._view.visible(session.user, None)
        root = address_of_root(scope) + "/" + self._binding.collection + "/"
        results = []
        for record in records:
            shown, key = await self._view.shown_one(record, names), self._keys.write(record.__key__())
            place = root + key if status == 201 else ""
            results.append(Result(status, key, place, tag_of_body(shown).decode(), msgspec.Raw(shown)))
        return results

    def problem_of_item(self, scope: Scope, error: Exception, user: User) -> Problem:
        """The problem that an item has."""
        if isinstance(error, Problem):
            return error
        if isinstance(error, Forbidden):
            return forbidden([self._binding], error, user, self._intake.options.challenge, self._binding)
        assert isinstance(error, HoldallError)
        problem = problem_of(error, is_conditional=True)
        if problem is None:
            return failure_of(scope, error)
        if problem.errors:
            problem.errors = tuple(self._view.without_hidden(problem.errors, user))
        note_cause(scope["method"], self._binding.collection, error, problem)
        return problem


def _failed(error: CommitAborted) -> list[Any]:
    return [task for task in error.tasks if task.error is not None]


def _placed(error: ValidationError, order: Sequence[int | None], within: str) -> Problem | ValidationError:
    """The mistakes that a commit found, by the places of the items."""
    found: list[FieldError] = []
    for each in error.errors:
        match = _IN_COMMIT.match(each.path)
        number = int(match.group(1)) if match is not None else 0
        place = order[number] if number < len(order) else None
        if (match is None and len(order) > 1) or place is None:
            return error
        path = each.path if match is None else match.group(2)
        parts = filter(None, (str(place), within, path))
        found.append(FieldError(".".join(parts), each.code, _WHOSE.sub("", each.message)))
    detail = "Nothing was written; each item that stands in the way is listed."
    return Problem(422, "invalid", detail, found, has_pointers=True)
