"""The common part of all writes over HTTP: rights, bodies, preconditions, and trying again where others were faster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from holdall.errors import AlreadyExists, CommitAborted, CorruptRecord, StaleVersion, Unsupported
from holdall.model import Record, has_repeated_names
from holdall.policy import Right, User
from holdall.query import ALWAYS, Condition, Key, Value
from holdall.session import Binding, Bindings, Session
from holdall.store import pause_before
from holdall.web.asgi import Receive, Scope, header_list
from holdall.web.body import demand_few_values, demand_media_type, let_others_in, read_body
from holdall.web.conditional import (
    NOT_MET,
    PRECONDITION_REQUIRED,
    is_unmodified,
    meets_if_match,
    meets_if_none_match,
    tag_of_body,
)
from holdall.web.options import Options
from holdall.web.parameters import demand_none
from holdall.web.problem import Problem
from holdall.web.rights import demand_right
from holdall.web.view import CollectionView

__all__ = ["SESSION", "UNGUARDED", "Intake", "expect_unchanged", "until_undisturbed"]

R = TypeVar("R")

SESSION = "holdall.session"
"""Where the scope of a request has the session that it must use."""
_MOST_TRIES = 20
_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.1  # seconds
UNGUARDED = Problem(
    501,
    "unsupported",
    "The place where this is kept cannot see to If-Match with a tag; leave it out, or ask for a model with a version.",
)


class Intake:
    """Takes in the requests that write one collection."""

    def __init__(self, view: CollectionView, bindings: Bindings, options: Options) -> None:
        self._bindings = bindings
        self.binding: Binding = view.binding
        self.options = options
        self._view = view
        self._requires_match = options.requires_match(view.binding.collection)

    def session(self, scope: Scope, user: User) -> Session:
        """A session for the request."""
        given: Session | None = scope.get(SESSION)
        return Session(self._bindings, user) if given is None else given

    def begin(self, scope: Scope, right: Right, user: User) -> None:
        """Raise Problem without the right, or for parameters, of which these requests have none."""
        demand_right(self.binding, right, user, self.options.challenge)
        self.demand_no_parameters(scope)

    def demand_no_parameters(self, scope: Scope) -> None:
        """Raise Problem where a request that has no parameters is given some."""
        demand_none(scope["query_string"])

    async def body(self, scope: Scope, receive: Receive, *media_types: bytes) -> bytes:
        """The whole body, of one of these types and within the bounds. Raises Problem."""
        demand_media_type(scope, *media_types)
        return await self.json(scope, receive)

    async def json(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body, of a type that was looked at, within the bounds. Raises Problem."""
        body = await read_body(scope, receive, self.options.max_body, self.options.body_seconds)
        demand_few_values(body, self.options.max_values)
        if has_repeated_names(body):
            raise Problem(400, "json", "The body gives a name twice in one object.")
        await let_others_in(body)
        return body

    def demand_match(self, if_match: bytes | None) -> None:
        """Raise Problem (428) where the collection wants to be told which state is to be changed."""
        if self._requires_match and if_match is None:
            raise PRECONDITION_REQUIRED

    async def expected(self, scope: Scope, session: Session, key: Key, wanted: Condition = ALWAYS) -> Value:
        """The record, if it is as If-Match and If-None-Match want it; with a tag, the commit then expects it so."""
        if_match, if_none_match = header_list(scope, b"if-match"), header_list(scope, b"if-none-match")
        record = await self.expected_by(session, key, if_match, if_none_match, wanted)
        self.demand_match(if_match)
        if (
            is_unmodified(scope, self._view.modified(record, session.user), b"if-unmodified-since", b"if-match")
            is False
        ):
            raise NOT_MET
        return record

    async def expected_by(
        self,
        session: Session,
        key: Key,
        if_match: bytes | None,
        if_none_match: bytes | None = None,
        wanted: Condition = ALWAYS,
    ) -> Value:
        """The record, if it is as these conditions want it; with a tag, the commit then expects it so."""
        try:
            record = await self._view.get_one(session, key, wanted)
        except CorruptRecord:
            if if_match is not None and not meets_if_match(if_match, b""):
                raise NOT_MET from None  # it has no tag that anybody could have been given; * it meets, as it is there
            return await self._view.handle_get_damaged(session, key)
        await self.judge(session, record, if_match, if_none_match)
        return record

    async def judge(
        self, session: Session, record: Record, if_match: bytes | None, if_none_match: bytes | None = None
    ) -> None:
        """Raise Problem (412) unless the record is as these conditions want it; with a tag, the commit then expects it
        so.
        """
        if if_match is None and if_none_match is None:
            return
        tag = tag_of_body(await self._view.shown_one(record, self._view.visible(session.user, None)))
        judge_tag(session, record, tag, if_match, if_none_match)


def judge_tag(
    session: Session, record: Record, tag: bytes, if_match: bytes | None, if_none_match: bytes | None
) -> None:
    """Raise Problem (412) unless the tag of a record is as these conditions want it, or (501) where the commit, which
    expects the record as the client knows it, cannot see to that.
    """
    if if_match is not None and not meets_if_match(if_match, tag):
        raise NOT_MET
    if if_none_match is not None and not meets_if_none_match(if_none_match, tag):
        raise NOT_MET
    if if_match is not None and if_match.strip() != b"*":
        try:
            expect_unchanged(session, record)
        except Unsupported:
            raise UNGUARDED from None


def expect_unchanged(session: Session, record: Record, *names: str) -> None:
    """Have the commit refused where the record, or these fields of it, are not as they were read. Raises Unsupported
    where its store cannot look.
    """
    session.expect(record, *names)
    session.context.let_pass_unwritten(record)


async def until_undisturbed(once: Callable[[], Awaitable[R]], scope: Scope) -> R:
    """Do it, again where somebody else has changed the record meanwhile, or made the one of a PUT; the last refusal
    stays one.

    A session that the ``scope`` already has is used once: the request that has it is done again as a whole.
    """
    if SESSION in scope:
        return await once()
    passing = (StaleVersion, AlreadyExists) if scope["method"] == "PUT" else StaleVersion
    for number in range(_MOST_TRIES):
        try:
            return await once()
        except CommitAborted as error:
            if not isinstance(error.__cause__, passing) or number == _MOST_TRIES - 1:
                raise
        await asyncio.sleep(pause_before(number, _FIRST_PAUSE, _LONGEST_PAUSE))
    raise AssertionError("the last try raises")
