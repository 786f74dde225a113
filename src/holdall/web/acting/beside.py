"""Paths below a collection that are no records: ``7/actions/vote``, ``actions/vote``, ``selections/french-books``."""

from __future__ import annotations

from functools import partial
from urllib.parse import unquote

from holdall.actions import DeclaredAction
from holdall.app.acting import ByName
from holdall.errors import NotFound, ValidationError
from holdall.policy import User
from holdall.query import Key
from holdall.selections import AnySelection
from holdall.session import Bindings, Session
from holdall.web.acting.acts import Acts
from holdall.web.acting.selected import SelectedReader
from holdall.web.acting.selection_pages import SelectionPages
from holdall.web.asgi import Receive, Scope, header_list
from holdall.web.body import JSON
from holdall.web.conditional import NOT_MET, meets_if_match
from holdall.web.cursor import Cursors
from holdall.web.dialects import Dialects
from holdall.web.export import file_reply
from holdall.web.formats import Format
from holdall.web.idempotency import Repeatable
from holdall.web.intake import Intake
from holdall.web.key import KeyText
from holdall.web.no_method import no_method
from holdall.web.options import Options
from holdall.web.problem import Problem
from holdall.web.read_reply import conditional
from holdall.web.reply import Reply, json_reply, problem_reply
from holdall.web.request_context import RequestContexts
from holdall.web.text_value import Unreadable
from holdall.web.view import CollectionView
from holdall.web.writing import malformed

__all__ = ["Beside"]

_ABSENT = problem_reply(Problem(404, "not-found", "There is no such record."))
_OF_ACTIONS, _OF_SELECTIONS = ("POST",), ("GET", "HEAD", "POST")


class Beside:
    """Answers for the actions and selections of one collection; ``repeatable`` keeps the answers of actions.

    Example: ``docs/actions.md``.
    """

    def __init__(
        self,
        by_name: ByName,
        bindings: Bindings,
        contexts: RequestContexts,
        intake: Intake,
        view: CollectionView,
        cursors: Cursors,
        options: Options,
        repeatable: Repeatable | None,
    ) -> None:
        dialects = Dialects(view.binding, bindings, cursors)
        self._by_name = by_name
        self._bindings = bindings
        self._binding = view.binding
        self._intake = intake
        self._options = options
        self._repeatable = repeatable
        self._keys = KeyText(view.binding.schema)
        self._acts = Acts(by_name, bindings, contexts, intake, view, dialects)
        self._reader = SelectedReader(bindings, dialects, cursors)
        self._pages = SelectionPages(view, cursors, options.max_page)

    async def answer(self, scope: Scope, receive: Receive, user: User, tail: str) -> Reply:
        """Answer a request; ``tail`` is its undecoded path behind the collection."""
        *key, kind, name = tail.split("/")
        try:
            if kind == "selections" and not key:
                found = self._by_name.selections.seen(self._binding.collection, unquote(name), user)
                return await self._selected(scope, receive, user, found)
            if kind == "actions" and len(key) < 2:
                declared = self._acts.find(unquote(name), user, on_record=bool(key))
                return await self._acted(scope, receive, user, declared, key)
        except NotFound as error:
            if " of " not in error.collection:
                raise
        return _ABSENT

    # --- actions ------------------------------------------------------------------------------------------------------

    async def _acted(
        self, scope: Scope, receive: Receive, user: User, declared: DeclaredAction, key: list[str]
    ) -> Reply:
        if scope["method"] not in _OF_ACTIONS:
            return no_method(scope["method"], _OF_ACTIONS)
        read: Key = None
        if key:
            if self._binding.is_keyless:
                return _ABSENT
            try:
                read = self._keys.read(key[0])
            except Unreadable:
                return _ABSENT
        endpoint = partial(self._act, scope, user, declared, read)
        if self._repeatable is None or not self._repeatable.concerns(scope):
            return await endpoint(receive)
        is_allowed = declared.policy.may_execute(user)
        return await self._repeatable.answer(scope, receive, user, endpoint, is_allowed=is_allowed)

    async def _act(self, scope: Scope, user: User, declared: DeclaredAction, key: Key, receive: Receive) -> Reply:
        return await self._acts.answer(scope, receive, user, declared, key)

    # --- selections ---------------------------------------------------------------------------------------------------

    async def _selected(self, scope: Scope, receive: Receive, user: User, selection: AnySelection) -> Reply:
        if scope["method"] not in _OF_SELECTIONS:
            return no_method(scope["method"], _OF_SELECTIONS)
        body: bytes | None = None
        is_post = scope["method"] == "POST"
        if is_post:
            body = await self._intake.body(scope, receive, JSON)
        try:
            asked = self._reader.read(scope, user, selection, body)
        except ValidationError as error:
            raise malformed(error) or error from None
        session = Session(self._bindings, user)
        if asked.format is not Format.JSON:
            demanded = header_list(scope, b"if-match")
            if demanded is not None and not meets_if_match(demanded, b""):
                raise NOT_MET
            return await file_reply(scope, selection.name, asked.format, self._pages.parts(session, selection, asked))
        shown = await self._pages.envelope(session, selection, asked)
        return json_reply(200, shown) if is_post else conditional(scope, shown)
