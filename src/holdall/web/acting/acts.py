"""The actions of one collection over HTTP: on one record, on all that a filter or a selection means, or on nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from holdall.actions import Content, DeclaredAction, On, Running, made_of
from holdall.app.acting import ByName
from holdall.errors import ActionUnavailable, FieldError, NotFound, ValidationError
from holdall.model import Record, State, state_of
from holdall.policy import Right, User
from holdall.query import Key, Value, both
from holdall.session import Bindings, Guarantee, Session
from holdall.web.acting.selected import read_parameters
from holdall.web.acting.shown_results import ShownResults
from holdall.web.asgi import Receive, Scope, header, header_list
from holdall.web.body import JSON
from holdall.web.bulk.meant import Asked, Meant
from holdall.web.conditional import tag_of_body
from holdall.web.dialects import Dialects
from holdall.web.intake import Intake, until_undisturbed
from holdall.web.key import KeyText
from holdall.web.parameters import not_understood, parameters_of
from holdall.web.preferences import Preferences, preferences_of
from holdall.web.problem import Problem
from holdall.web.rehearsal import rehearsed
from holdall.web.reply import Reply, json_reply
from holdall.web.request_context import RequestContexts, request_meta
from holdall.web.rights import SOMEBODY, demand_right, unavailable
from holdall.web.view import CollectionView
from holdall.web.writing import malformed

__all__ = ["Acts"]

SELECTION = "selection"
"""The parameter that names a selection, the records of which an action is to be done on."""


class Acts:
    """Answers requests for the actions of one collection."""

    def __init__(
        self,
        by_name: ByName,
        bindings: Bindings,
        contexts: RequestContexts,
        intake: Intake,
        view: CollectionView,
        dialects: Dialects,
    ) -> None:
        self._by_name = by_name
        self._running: Running = by_name.running
        self._bindings = bindings
        self._contexts = contexts
        self._intake = intake
        self._view = view
        self._binding = view.binding
        self._meant = Meant(intake, dialects)
        self._results = ShownResults(bindings)
        self._keys = KeyText(view.binding.schema)

    def find(self, name: str, user: User, *, on_record: bool) -> DeclaredAction:
        """The action of this name, on a record or not. Raises NotFound where there is none that the user may see."""
        found = self._by_name.actions.seen(self._binding.collection, name, user)
        if found.on not in ((On.ONE, On.EACH) if on_record else (On.NOTHING, On.EACH, On.ALL)):
            raise NotFound(f"action of {found.collection}", name)
        return found

    async def answer(
        self, scope: Scope, receive: Receive, user: User, declared: DeclaredAction, key: Key | None
    ) -> Reply:
        """``POST``: the result of the action. Raises Problem where the action cannot be done on a record as it is."""
        try:
            return await self._answer(scope, receive, user, declared, key)
        except ActionUnavailable as error:
            raise unavailable(error, self._keys.write) from error

    async def _answer(
        self, scope: Scope, receive: Receive, user: User, declared: DeclaredAction, key: Key | None
    ) -> Reply:
        self._demand_right(declared, user)
        if declared.on is not On.NOTHING:
            demand_right(self._binding, Right.READ, user, self._intake.options.challenge)
        inputs = await self._inputs(scope, receive, declared)
        if key is not None or declared.on is On.NOTHING:
            self._intake.demand_no_parameters(scope)
            known = (b"return=minimal", b"tx=rollback", b"tx=commit", *self._known(scope, declared))
            preferences = preferences_of(scope, *known)
            once = partial(self._on_one, scope, user, declared, inputs, key, preferences)
        else:
            once = partial(self._on_all, scope, user, declared, inputs)
        is_repeated = declared.kind.__repeat__ and header_list(scope, b"if-match") is None
        return await (until_undisturbed(once, scope) if is_repeated else once())

    def _known(self, scope: Scope, declared: DeclaredAction) -> tuple[bytes, ...]:
        """The preferences that actions have beside others, where a client has any."""
        has_any = header(scope, b"prefer") is not None
        return (b"respond-async",) if has_any and self._contexts.jobs.takes(declared) else ()

    def _is_job(self, declared: DeclaredAction, preferences: Preferences) -> bool:
        """Whether the action is started, and not waited for."""
        is_long = preferences.is_async or (declared.kind.__as_job__ and self._contexts.jobs.takes(declared))
        return is_long and not preferences.is_rehearsal

    def _demand_right(self, declared: DeclaredAction, user: User) -> None:
        try:
            self._running.demand_right(declared, user, self._binding)
        except ActionUnavailable:
            if not user.is_authenticated and declared.policy.may_execute(SOMEBODY):
                headers = ((b"www-authenticate", self._intake.options.challenge.encode()),)
                raise Problem(401, "unauthenticated", "Say who you are first.", headers=headers) from None
            raise

    async def _inputs(self, scope: Scope, receive: Receive, declared: DeclaredAction) -> Record:
        body = await self._intake.body(scope, receive, JSON)
        try:
            return declared.inputs.from_json(body)
        except ValidationError as error:
            raise malformed(error) or error from None

    # --- on nothing, or on one record ---------------------------------------------------------------------------------

    async def _on_one(
        self, scope: Scope, user: User, declared: DeclaredAction, inputs: Record, key: Key, preferences: Preferences
    ) -> Reply:
        session = self._intake.session(scope, user)
        records = (
            [] if declared.on is On.NOTHING else [await self._intake.expected(scope, session, key, declared.wanted)]
        )
        if self._is_job(declared, preferences):
            return await self._contexts.jobs.accepted(scope, session, declared, inputs, records, preferences)
        results, plan = await self._run(scope, session, declared, inputs, records, preferences)
        if plan is not None:
            return plan
        if not results or preferences.is_minimal:
            return Reply(204, preferences.headers)
        if declared.result.is_content:
            return _file(results[0], preferences)
        shown = await self._results.shown(session, declared.result, results[0])
        tags = [await self._tag(session, record) for record in records if state_of(record) is State.CLEAN]
        return json_reply(200, b'{"result":%b}' % shown, *[(b"etag", tag) for tag in tags], *preferences.headers)

    async def _tag(self, session: Session, record: Record) -> bytes:
        return tag_of_body(await self._view.shown_stored(session, record))

    # --- on all that is meant -----------------------------------------------------------------------------------------

    async def _on_all(self, scope: Scope, user: User, declared: DeclaredAction, inputs: Record) -> Reply:
        session, asked = self._intake.session(scope, user), self._asked(scope, user, self._known(scope, declared))
        preferences = asked.preferences
        query = asked.query.where(declared.wanted)
        records = await self._running.meant(session, declared, query, asked.most)
        if self._is_job(declared, preferences):
            return await self._contexts.jobs.accepted(scope, session, declared, inputs, records, preferences)
        results, plan = await self._run(scope, session, declared, inputs, records, preferences)
        if plan is not None:
            return plan
        if preferences.is_minimal:
            return Reply(204, preferences.headers)
        if declared.result.is_content and results:
            return _file(results[0], preferences)
        shown = [await self._results.shown(session, declared.result, each) for each in results]
        if declared.on is On.EACH:
            pairs = zip(records, shown, strict=True) if results else ()
            parts = [
                b'{"key":%b,"result":%b}' % (msgspec.json.encode(self._keys.write(record.__key__())), each)
                for record, each in pairs
            ]
            body = b'{"affected":%d,"results":[%b]}' % (len(records), b",".join(parts))
        else:
            body = b'{"affected":%d,"result":%b}' % (len(records), shown[0] if shown else b"null")
        return json_reply(200, body, *preferences.headers)

    def _asked(self, scope: Scope, user: User, known: tuple[bytes, ...]) -> Asked:
        """The records that filters, and a selection with its parameters, mean."""
        named = dict(parameters_of(scope["query_string"])).get(SELECTION)
        if named is None:
            return self._meant.asked(scope, user, b"return=minimal", *known)
        try:
            selection = self._by_name.selections.seen(self._binding.collection, named, user)
        except NotFound:
            message = "must be the name of a selection of this collection"
            raise not_understood([FieldError(SELECTION, "unknown", message)]) from None
        others = {SELECTION, *selection.inputs.annotations}
        asked = self._meant.asked(scope, user, b"return=minimal", *known, others=others, is_all=True)
        given = {name: value for name, value in asked.others.items() if name != SELECTION}
        query = selection.made(user, read_parameters(selection, given))
        condition = both(asked.query.condition, query.condition)
        return msgspec.structs.replace(asked, query=msgspec.structs.replace(query, condition=condition, projection=()))

    # --- running ------------------------------------------------------------------------------------------------------

    async def _run(
        self,
        scope: Scope,
        session: Session,
        declared: DeclaredAction,
        inputs: Record,
        records: Sequence[Record],
        preferences: Preferences,
    ) -> tuple[list[Value], Reply | None]:
        """The results, and the plan where the action is only rehearsed."""
        plan: Reply | None = None

        async def ends() -> None:
            nonlocal plan
            if preferences.is_rehearsal:
                plan = plan or await rehearsed(session, preferences)
            else:
                await session.commit(require=Guarantee.RECOVERED if len(records) > 1 else None)

        action = made_of(declared.kind, inputs)
        with self._contexts.acting(session) as core:
            meta = request_meta(scope, action=f"{declared.collection}.{declared.name}")
            results = await self._running.run(session, declared, action, records, core, ends, meta)
        return results, plan


def _file(content: Content, preferences: Preferences) -> Reply:
    """The answer that is a file, to be saved and not shown."""
    headers = [
        (b"content-type", content.media_type.encode()),
        (b"content-length", b"%d" % len(content.body)),
        (b"content-disposition", b'attachment; filename="%b"' % content.name.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"private, no-store"),
    ]
    return Reply(200, [*headers, *preferences.headers], content.body)
