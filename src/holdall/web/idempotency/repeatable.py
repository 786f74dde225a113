"""One request under an ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header): done once, answered as often as
it is sent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from holdall.errors import AlreadyExists, CommitAborted
from holdall.policy import Right, User
from holdall.session import Binding, Bindings, CommitResult, Guarantee, Session
from holdall.store import Transactional
from holdall.web.asgi import Receive, Scope, header_list
from holdall.web.body import given_again, media_type, read_body
from holdall.web.idempotency.kept_answer import KeptAnswers
from holdall.web.importing import IMPORTED
from holdall.web.intake import SESSION, until_undisturbed
from holdall.web.once import Idempotency
from holdall.web.options import Options
from holdall.web.preferences import preferences_of
from holdall.web.problem import Problem
from holdall.web.reply import Reply

__all__ = ["Repeatable"]

_RIGHTS = {
    "POST": (Right.CREATE,),
    "PUT": (Right.CREATE, Right.UPDATE),
    "PATCH": (Right.UPDATE,),
    "DELETE": (Right.DELETE,),
}
_DEMANDING = frozenset({"POST", "PATCH"})
_KEY = re.compile(rb'^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([!#$%&\'*+.^_`|~0-9A-Za-z:/-]{1,255}))$')
_Endpoint = Callable[[Receive], Awaitable[Reply]]

_MISSING = Problem(
    400,
    "idempotency-key",
    "This request needs an Idempotency-Key: a text that only its repetitions have.",
)
_NO_KEY = Problem(400, "idempotency-key", "An Idempotency-Key is a text of up to 255 characters in quotation marks.")
_UNDER_WAY = Problem(
    409, "under-way", "A request with this Idempotency-Key is being answered.", headers=((b"retry-after", b"1"),)
)
_OTHER = Problem(422, "idempotency-key", "This Idempotency-Key was used for another request.")
_LOST = Problem(409, "answer-lost", "The request was carried out, and its answer was lost; look at the record.")
_BY_ITEM = Problem(
    422, "idempotency-key", "This request has many commits; an Idempotency-Key needs one: send a list without tx=item."
)


class Repeatable:
    """Answers the writes of one collection once for each key of each user.

    Unless it ``may_be_in_one``, an answer is not kept in the transaction of the write but right after it, so that what
    is to follow a commit does. Example: :class:`Idempotency`.
    """

    def __init__(
        self,
        binding: Binding,
        bindings: Bindings,
        kept: KeptAnswers,
        idempotency: Idempotency,
        options: Options,
        *,
        may_be_in_one: bool = True,
    ) -> None:
        self._bindings = bindings
        self._kept = kept
        self._policy = binding.policy
        self._options = options
        self._is_required = idempotency.demands(binding.collection)
        is_in_one = isinstance(kept.store, Transactional) and _stays_within(binding, bindings, kept)
        self._is_in_one = may_be_in_one and is_in_one
        self._under_way: set[str] = set()

    def concerns(self, scope: Scope) -> bool:
        """Whether a request has a key. Raises Problem (400) for one that should have."""
        if scope["method"] not in _RIGHTS:
            return False
        text = header_list(scope, b"idempotency-key")
        if text is not None:
            return True
        if self._is_required and scope["method"] in _DEMANDING:
            raise _MISSING
        return False

    async def answer(
        self, scope: Scope, receive: Receive, user: User, endpoint: _Endpoint, *, is_allowed: bool | None = None
    ) -> Reply:
        """The answer of the endpoint, or the one that was kept. Raises Problem (409) while it is being made, (422) for
        the key of another request.

        ``is_allowed`` says of an action, which may write whatever store, whether the user may execute it.
        """
        name = _name(scope, user)
        is_act = is_allowed is not None
        if is_allowed is None:
            is_allowed = any(self._policy.allows(right, user) for right in _RIGHTS[scope["method"]])
        if not is_allowed:
            return await endpoint(receive)  # which tells how it is refused
        preferences = preferences_of(scope, b"tx")
        if preferences.is_by_item or media_type(scope) in IMPORTED:
            raise _BY_ITEM
        options = self._options
        body = await read_body(scope, receive, options.max_body, options.body_seconds)
        if preferences.is_rehearsal:
            return await endpoint(given_again(scope, body))
        fingerprint = _fingerprint(scope, body)
        if name in self._under_way:
            raise _UNDER_WAY
        self._under_way.add(name)
        try:
            in_one = self._is_in_one and not is_act
            return await until_undisturbed(
                lambda: self._answer(scope, user, endpoint, name, fingerprint, body, in_one=in_one), scope
            )
        finally:
            self._under_way.discard(name)

    async def _answer(
        self,
        scope: Scope,
        user: User,
        endpoint: _Endpoint,
        name: str,
        fingerprint: str,
        body: bytes,
        *,
        in_one: bool,
    ) -> Reply:
        kept = self._kept
        found = await kept.find(name)
        if found is not None:
            if found.fingerprint != fingerprint:
                raise _OTHER
            replayed = kept.reply_of(found)
            if replayed is None:
                raise _LOST
            return replayed
        session = _KeepingSession(self._bindings, user)
        scope[SESSION] = session
        try:
            if in_one:
                reply = await self._in_one(session, scope, endpoint, name, fingerprint, body)
            else:
                session.waiting = kept.made(name, fingerprint)
                reply = await endpoint(given_again(scope, body))
                if session.is_committed:
                    await kept.complete(name, reply)
        except CommitAborted as error:
            cause = error.__cause__
            if isinstance(cause, AlreadyExists) and cause.collection == kept.collection:
                scope.pop(SESSION, None)  # somebody else was faster, whose answer is the one
                return await self._answer(scope, user, endpoint, name, fingerprint, body, in_one=in_one)
            raise
        finally:
            scope.pop(SESSION, None)
        await kept.sweep()
        return reply

    async def _in_one(
        self,
        session: _KeepingSession,
        scope: Scope,
        endpoint: _Endpoint,
        name: str,
        fingerprint: str,
        body: bytes,
    ) -> Reply:
        """The answer, kept in the transaction in which everything is written."""
        async with session.transaction(self._kept.store.name):
            reply = await endpoint(given_again(scope, body))
            session.add(self._kept.made(name, fingerprint, reply))
        return reply


class _KeepingSession(Session):
    """The session of a request whose answer is kept: within a transaction its commits only write."""

    waiting: Any = None
    is_committed = False

    async def commit(self, *, require: Guarantee | str | None = None, **options: Any) -> CommitResult:
        """Write all changes, with the record of the answer that is to be known."""
        if self.context.bindings.inside is not None:
            await self.flush()
            return CommitResult(Guarantee.ATOMIC, 0.0, tuple)
        if self.waiting is not None:
            self.add(self.waiting)
            self.waiting = None
        result = await super().commit(require=require, **options)
        self.is_committed = True
        return result


def _stays_within(binding: Binding, bindings: Bindings, kept: KeptAnswers) -> bool:
    """Whether whatever a write of the collection brings along is in the store that keeps the answers."""
    pending, seen = [binding], {binding.collection}
    while pending:
        each = pending.pop()
        if each.store is not kept.store:
            return False
        near = [relationship.source for relationship in each.bound_by]
        near += [relationship.target for relationship in each.inversely_stored]
        for other in near:
            if other.collection not in seen:
                seen.add(other.collection)
                pending.append(other)
    return True


def _name(scope: Scope, user: User) -> str:
    """The name under which the answer to one user's request is kept. Raises Problem (400) for what is no key."""
    match = _KEY.match((header_list(scope, b"idempotency-key") or b"").strip())
    if match is None:
        raise _NO_KEY
    key = match.group(1) or match.group(2)
    who = msgspec.json.encode([msgspec.to_builtins(user.id), user.is_authenticated])
    return hashlib.sha256(who + b"\0" + key).hexdigest()


def _fingerprint(scope: Scope, body: bytes) -> str:
    """A digest of all that must be the same in a repetition."""
    parts = [scope["method"].encode(), scope.get("raw_path") or scope["path"].encode(), scope["query_string"]]
    parts += [media_type(scope), *(header_list(scope, name) or b"" for name in (b"if-match", b"if-none-match")), body]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()
