"""The writing half of a collection over HTTP: create, patch and delete, each guarded by If-Match where it is given."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from holdall.errors import Unsupported, ValidationError
from holdall.model import Record
from holdall.policy import Right, User
from holdall.query import Json, Key, Value
from holdall.session import Bindings, ReadyCreates, Session
from holdall.web.asgi import Receive, Scope, address_of_root, header_list
from holdall.web.attachments import Forms
from holdall.web.body import JSON, JSON_PATCH, MERGE_PATCH, asks_nothing, demand_media_type, let_others_in, media_type
from holdall.web.bulk import Bulk
from holdall.web.bulk.filtered import Filtered
from holdall.web.conditional import demand_a_new_record, last_modified
from holdall.web.dialects import Dialects
from holdall.web.importing import IMPORTED, Imports
from holdall.web.intake import SESSION, Intake, expect_unchanged, until_undisturbed
from holdall.web.json_patch import JsonPatch
from holdall.web.key import KeyText
from holdall.web.merge import merged_values, nested_patch
from holdall.web.nesting import Nesting, may_nest
from holdall.web.options import Options
from holdall.web.preferences import NONE, Preferences, preferences_of
from holdall.web.problem import Problem
from holdall.web.rehearsal import rehearsed
from holdall.web.reply import Reply
from holdall.web.rights import demand_removal, demand_right
from holdall.web.view import CollectionView
from holdall.web.written import written_reply

__all__ = ["Writes", "malformed"]


class Writes:
    """Answers POST, PATCH and DELETE."""

    def __init__(
        self, view: CollectionView, keys: KeyText, bindings: Bindings, dialects: Dialects, options: Options
    ) -> None:
        self._view = view
        self._keys = keys
        self._bindings = bindings
        self._options = options
        self._binding = view.binding
        self._path = "/" + view.binding.collection + "/"
        self.intake = self._intake = Intake(view, bindings, options)
        self.bulk = self._bulk = Bulk(self._intake, view, keys, bindings)
        self._nesting = Nesting(view, bindings, options.max_bulk)
        self._imports = Imports(self._intake, view, self._bulk, bindings)
        self._forms = Forms(view, self._intake, bindings)
        self._creates = ReadyCreates(bindings, view.binding.collection)
        self._is_straight = not view.may_be_kept_otherwise
        self._filtered = Filtered(self._intake, view, dialects)

    async def create_endpoint(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """``POST /books``: a new record, answered with its place and itself; or several of them, in a list."""
        intake = self._intake
        demand_right(self._binding, Right.CREATE, user, self._options.challenge)
        is_plain = asks_nothing(scope)
        if is_plain:
            body = await intake.json(scope, receive)
        else:
            demand_a_new_record(scope)
            if self._forms.takes(scope):
                session, record, preferences = await self._forms.create(scope, receive, user)
                return await self.created(scope, session, record, preferences)
            if media_type(scope) in IMPORTED:
                demand_media_type(scope, *IMPORTED)
                return await self._imports.answer(scope, receive, user)
            intake.demand_no_parameters(scope)
            body = await intake.body(scope, receive, JSON, *IMPORTED[:2])
        if body[:1] != b"{" and body.lstrip()[:1] == b"[":
            return await self._bulk.create(scope, user, body)
        preferences = NONE if is_plain else preferences_of(scope, b"return", b"tx=rollback", b"tx=commit")
        try:
            is_straight = self._is_straight and not preferences.is_rehearsal and SESSION not in scope
            if is_straight and self._creates.may_create(user):
                stored = self._made(user, body)
                if await self._creates.create(stored):
                    view, names = self._view, self._view.visible(user, None)
                    shown = await view.shown_one(stored, names) if view.is_computing else view.encode_one(stored, names)
                    return self._created(scope, user, stored, shown, preferences)
            session = self._intake.session(scope, user)
            nested = await self._nesting.create(session, body) if may_nest(body) else None
            if preferences.is_rehearsal:
                if nested is None:
                    self._view.create(session, body)
                return await rehearsed(session, preferences)
            if nested is None:
                record = await self._view.handle_create(session, body)
            else:
                record = nested
                await session.commit()
        except ValidationError as error:
            raise malformed(error) or error from None
        return await self.created(scope, session, record, preferences)

    async def created(self, scope: Scope, session: Session, record: Record, preferences: Preferences) -> Reply:
        """The answer that a new record is there."""
        shown = await self._view.shown_stored(session, record)
        return self._created(scope, session.user, record, shown, preferences)

    def _created(self, scope: Scope, user: User, record: Record, shown: bytes, preferences: Preferences) -> Reply:
        place = address_of_root(scope) + self._path + self._keys.write(record.__key__())
        modified = last_modified(self._view.modified(record, user))
        return written_reply(201, shown, preferences, (b"location", place.encode()), *modified)

    def _made(self, user: User, body: bytes) -> Record:
        """A record of no session. Raises ValidationError, also for a key that no path can name."""
        record = self._view.made(user, body)
        self._keys.demand_addressable(record)
        return record

    async def update_endpoint(self, scope: Scope, receive: Receive, user: User, key: Key) -> Reply:
        """``PATCH /books/1``: a patch, answered with the record as it is now."""
        intake = self._intake
        if self._forms.takes(scope):
            session, record, preferences = await self._forms.update(scope, receive, user, key)
            shown = await self._view.shown_stored(session, record)
            return written_reply(200, shown, preferences, *last_modified(self._view.modified(record, user)))
        intake.begin(scope, Right.UPDATE, user)
        body = await intake.body(scope, receive, MERGE_PATCH, JSON, JSON_PATCH)
        preferences = preferences_of(scope, b"return", b"tx=rollback", b"tx=commit")
        if media_type(scope) == JSON_PATCH:
            patch = JsonPatch(body, self._options.max_values)
            session, record = await until_undisturbed(
                lambda: self._patched(scope, user, key, patch, preferences), scope
            )
        else:
            merge = nested_patch(body)

            async def once() -> tuple[Session, Any]:
                return await self._updated(scope, user, key, body, merge, preferences)

            is_repeated = merge is not None and header_list(scope, b"if-match") is None
            session, record = await (until_undisturbed(once, scope) if is_repeated else once())
        if preferences.is_rehearsal:
            return await rehearsed(session, preferences)
        shown = await self._view.shown_stored(session, record)
        return written_reply(200, shown, preferences, *last_modified(self._view.modified(record, user)))

    async def delete_endpoint(self, scope: Scope, receive: Receive, user: User, key: Key) -> Reply:
        """``DELETE /books/1``."""
        self._intake.begin(scope, Right.DELETE, user)
        demand_removal(self._binding, user, self._options.challenge)
        preferences = preferences_of(scope, b"tx=rollback", b"tx=commit", b"return=minimal")
        session = self._intake.session(scope, user)
        record = await self._intake.expected(scope, session, key)
        if preferences.is_rehearsal:
            self._view.delete(session, record)
            return await rehearsed(session, preferences)
        await self._view.handle_delete(session, record)
        return Reply(204, preferences.headers)

    async def _updated(
        self,
        scope: Scope,
        user: User,
        key: Key,
        body: bytes,
        patch: dict[str, Json] | None,
        preferences: Preferences,
    ) -> tuple[Session, Any]:
        """The record with what the body gives, and its session; what it is merged into must still be as it was read."""
        session = self._intake.session(scope, user)
        record = await self._intake.expected(scope, session, key)
        given = self._view.input_of(user, is_new=False)
        if patch is not None and may_nest(body):
            rest = await self._nesting.update(session, record, patch)
            patch = patch if rest is None else rest
        nested = self._view.nested_in(patch, user)
        if nested and header_list(scope, b"if-match") is None:
            with suppress(Unsupported):  # told in the documents: such a store may lose one of two that come at once
                expect_unchanged(session, record, *nested)
        try:
            values = given.values(body) if patch is None else merged_values(given, record, patch, nested)
            await let_others_in(body)
            return session, await self._changed(session, record, values, preferences)
        except ValidationError as error:
            raise malformed(error) or error from None

    async def _patched(
        self, scope: Scope, user: User, key: Key, patch: JsonPatch, preferences: Preferences
    ) -> tuple[Session, Any]:
        """The record after a JSON Patch of what is shown of it, and its session; it must still be as it was read."""
        session = self._intake.session(scope, user)
        record = await self._intake.expected(scope, session, key)
        if header_list(scope, b"if-match") in (None, b"*"):
            with suppress(Unsupported):
                expect_unchanged(session, record)
        shown = await self._view.shown_one(record, self._view.visible(user, None))
        values = self._view.input_of(user, is_new=False).values_from(patch.changes(shown))
        return session, await self._changed(session, record, values, preferences)

    async def _changed(
        self, session: Session, record: Record, values: dict[str, Value], preferences: Preferences
    ) -> Record:
        if preferences.is_rehearsal:
            self._view.update(record, values)
            return record
        return await self._view.handle_update(session, record, values)

    async def update_many_endpoint(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """``PATCH /books`` with a list of keys and patches, or with one patch for all that a filter means."""
        demand_right(self._binding, Right.UPDATE, user, self._options.challenge)
        body = await self._intake.body(scope, receive, JSON, MERGE_PATCH)
        if body.lstrip()[:1] != b"[":
            try:
                return await self._filtered.update(scope, self._intake.session(scope, user), body)
            except ValidationError as error:
                raise malformed(error) or error from None
        self._intake.demand_no_parameters(scope)
        demand_a_new_record(scope)
        return await self._bulk.update(scope, user, body)

    async def delete_many_endpoint(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """``DELETE /books`` with a list of keys, or without a body for all that a filter means."""
        demand_right(self._binding, Right.DELETE, user, self._options.challenge)
        demand_removal(self._binding, user, self._options.challenge)
        body = await self._intake.body(scope, receive, JSON)
        if not body:
            return await self._filtered.delete(scope, self._intake.session(scope, user))
        self._intake.demand_no_parameters(scope)
        demand_a_new_record(scope)
        return await self._bulk.delete(scope, user, body)


def malformed(error: ValidationError) -> Problem | None:
    """400 where the body was not even JSON."""
    if len(error.errors) == 1 and error.errors[0].code == "json" and not error.errors[0].path:
        return Problem(400, "json", f"The body {error.errors[0].message}.")
    return None
