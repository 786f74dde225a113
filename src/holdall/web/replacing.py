"""PUT of one record: what is there is replaced, what is not there is made where clients choose the keys."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from holdall.errors import AlreadyExists, CommitAborted, NotFound, Unsupported
from holdall.model import Record
from holdall.policy import Right, User
from holdall.query import Json, Key
from holdall.session import Bindings, Session, damaged_fields, read_only_fields
from holdall.web.asgi import Receive, Scope, header_list
from holdall.web.body import JSON
from holdall.web.conditional import NOT_MET, last_modified
from holdall.web.intake import Intake, expect_unchanged, until_undisturbed
from holdall.web.options import Options
from holdall.web.preferences import Preferences, preferences_of
from holdall.web.problem import Problem
from holdall.web.rehearsal import rehearsed
from holdall.web.replacement import Replacement
from holdall.web.reply import Reply
from holdall.web.rights import demand_right
from holdall.web.view import CollectionView
from holdall.web.writing import Writes
from holdall.web.written import written_reply

__all__ = ["Replaces"]

_ABSENT = Problem(404, "not-found", "There is no such record.")


class Replaces:
    """Answers PUT."""

    def __init__(self, view: CollectionView, writes: Writes, bindings: Bindings, options: Options) -> None:
        self._intake = Intake(view, bindings, options)
        self._view = view
        self._writes = writes
        self._bindings = bindings
        self._binding = view.binding
        self._takes_keys = set(view.binding.schema.key) <= set(view.declaration.json_input.names)

    async def replace_endpoint(self, scope: Scope, receive: Receive, user: User, key: Key) -> Reply:
        """``PUT /books/1``: 200 with the record as it is now, 201 with one that was not there."""
        challenge = self._intake.options.challenge
        may_create = self._takes_keys and self._binding.policy.allows(Right.CREATE, user)
        demand_right(self._binding, Right.READ, user, challenge)  # which of the two it is can be seen by the answer
        if not may_create:
            demand_right(self._binding, Right.UPDATE, user, challenge)
        self._intake.demand_no_parameters(scope)
        body = await self._intake.body(scope, receive, JSON)
        preferences = preferences_of(scope, b"return", b"tx=rollback", b"tx=commit")
        own = self._view.members_of(key)
        taken, hidden = self._view.input_of(user, is_new=False), self._view.hidden(user)
        given = Replacement(self._view.declaration, body, own, taken, hidden)
        given.demand_key(own)
        given.demand_valid()

        async def once() -> Reply:
            return await self._replaced(scope, user, key, own, given, preferences)

        return await until_undisturbed(once, scope)

    async def _replaced(
        self, scope: Scope, user: User, key: Key, own: dict[str, Json], given: Replacement, preferences: Preferences
    ) -> Reply:
        session = self._intake.session(scope, user)
        try:
            record = await self._intake.expected(scope, session, key)
        except NotFound:
            return await self._made(scope, session, own, given, preferences)
        demand_right(self._binding, Right.UPDATE, user, self._intake.options.challenge)
        if header_list(scope, b"if-match") in (None, b"*"):
            with suppress(Unsupported):  # told in the documents: such a store may mix two that come at once
                expect_unchanged(session, record)
        shown = await self._shown(session, record)
        values = given.values(shown, self._kept(user))
        if preferences.is_rehearsal:
            self._view.update(record, values)
            return await rehearsed(session, preferences)
        await self._view.handle_update(session, record, values)
        shown_now = await self._view.shown_stored(session, record)
        return written_reply(200, shown_now, preferences, *last_modified(self._view.modified(record, user)))

    async def _made(
        self, scope: Scope, session: Session, own: dict[str, Json], given: Replacement, preferences: Preferences
    ) -> Reply:
        """The answer where no record has the key."""
        if header_list(scope, b"if-match") is not None:
            raise NOT_MET
        if not self._takes_keys:
            raise _ABSENT
        demand_right(self._binding, Right.CREATE, session.user, self._intake.options.challenge)
        record = self._view.made(session.user, msgspec.json.encode(given.members))
        if preferences.is_rehearsal:
            self._view.admit(session, record)
            return await rehearsed(session, preferences)
        try:
            await self._view.handle_admit(session, record)
        except CommitAborted as error:
            if isinstance(error.__cause__, AlreadyExists) and header_list(scope, b"if-none-match") is not None:
                raise NOT_MET from error
            raise
        return await self._writes.created(scope, session, record, preferences)

    def _kept(self, user: User) -> set[str]:
        """The fields that stay as they are where they are left out: those that the user may not see or write, and lists
        of what refers to the record.
        """
        binding = self._binding
        return {*binding.stored_ends, *binding.hidden(user), *read_only_fields(binding, user, is_new=False)}

    async def _shown(self, session: Session, record: Record) -> dict[str, Json]:
        """The values that the user may see of the record, but for those that cannot be read."""
        names = self._view.visible(session.user, None)
        damaged = damaged_fields(record)
        if damaged:
            names = [name for name in names or self._view.declaration.json_output.names if name not in damaged]
        shown: dict[str, Json] = msgspec.json.decode(await self._view.shown_one(record, names))
        return shown
