"""One collection as an HTTP resource: which method is answered by which endpoint, and every error by a problem."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import nullcontext
from functools import partial
from typing import Any

from holdall.app.acting import ByName
from holdall.policy import ANONYMOUS, Right, User
from holdall.session import Binding, Bindings
from holdall.session.file_fields import rule_of
from holdall.store import Deadlines
from holdall.web.acting import Beside
from holdall.web.asgi import Receive, Scope, Send, address_of_root
from holdall.web.attachments import FORM, FieldFiles
from holdall.web.body import JSON, Disconnected
from holdall.web.checking import Checks
from holdall.web.cursor import Cursors
from holdall.web.dialects import Dialects
from holdall.web.events import EVENTS, Streams
from holdall.web.idempotency import KeptAnswers, Repeatable
from holdall.web.importing import IMPORTED
from holdall.web.jobs.request_jobs import RequestJobs, is_async
from holdall.web.key import KeyText
from holdall.web.meta import META, collection_meta
from holdall.web.no_method import no_method
from holdall.web.operations import ANSWERED, HEADERS, ROUTE, note_answer
from holdall.web.options import Options
from holdall.web.problem import Problem
from holdall.web.read_reply import conditional
from holdall.web.reading import Reads
from holdall.web.refusals import Refusals
from holdall.web.replacing import Replaces
from holdall.web.reply import Reply, problem_reply, send_reply
from holdall.web.request_context import RequestContexts
from holdall.web.rights import USER, has_any_right, refusal
from holdall.web.text_value import Unreadable
from holdall.web.view import CollectionView
from holdall.web.writing import Writes

__all__ = ["Resource"]

_READS = ("GET", "HEAD")
_PLACE = re.compile(r"0|[1-9][0-9]{0,5}")  # of a file in a list
_ABSENT = problem_reply(Problem(404, "not-found", "There is no such record."))
_TOO_LONG = Problem(504, "timeout", "It took too long to get at the records.")
_ManyEndpoint = Callable[[Scope, Receive, User], Awaitable[Reply]]
_OneEndpoint = Callable[[Scope, Receive, User, Any], Awaitable[Reply]]


class Resource:
    """``/books`` and ``/books/{key}``."""

    def __init__(
        self,
        binding: Binding,
        bindings: Bindings,
        cursors: Cursors,
        options: Options,
        contexts: RequestContexts,
        kept: KeptAnswers | None = None,
        by_name: ByName | None = None,
    ) -> None:
        self.binding = binding
        self._contexts = contexts
        self._bindings = bindings
        self._options = options
        self._deadlines = Deadlines(options.request_seconds)
        self._routes = (f"/{binding.collection}", f"/{binding.collection}/{{key}}")
        self._repeatable = None
        if kept is not None and options.kept is not None:
            self._repeatable = Repeatable(binding, bindings, kept, options.kept, options)
        self._streams: Streams | None = None
        self._later: RequestJobs | None = None
        self._dialects = Dialects(binding, bindings, cursors)
        self._keys = KeyText(binding.schema)
        view = CollectionView(binding)
        self._refusals = Refusals(view, bindings, options.challenge)
        reads = Reads(view, self._keys, bindings, cursors, options)
        writes = Writes(view, self._keys, bindings, self._dialects, options)
        replaces = Replaces(view, writes, bindings, options)
        self._straight = reads.straight
        self._many: dict[str, _ManyEndpoint] = {"GET": reads.get_many_endpoint, "HEAD": reads.get_many_endpoint}
        # Beside the records, by the segment of the path.
        self._named: dict[str, dict[str, _ManyEndpoint]] = {META: {"GET": self._meta, "HEAD": self._meta}}
        self._one: dict[str, _OneEndpoint] = {"GET": reads.get_one_endpoint, "HEAD": reads.get_one_endpoint}
        if not binding.is_read_only:
            self._many |= {
                "POST": writes.create_endpoint,
                "PATCH": writes.update_many_endpoint,
                "DELETE": writes.delete_many_endpoint,
            }
            self._one |= {
                "PUT": replaces.replace_endpoint,
                "PATCH": writes.update_endpoint,
                "DELETE": writes.delete_endpoint,
            }
            self._later = RequestJobs(binding, writes.intake, contexts.jobs)
            checks = Checks(writes.intake, view, writes.bulk, bindings)
            self._named["_check"] = {"POST": checks.create_endpoint, "PATCH": checks.update_endpoint}
        self._files = {
            field.name: FieldFiles(field, view, writes.intake, bindings.shelf.named(rule_of(field).store))
            for field in bindings.file_fields.get(binding.model, ())
        }
        self._of_files = {name: self._file_endpoints(files) for name, files in self._files.items()}
        self._by_name, self._beside = by_name, None
        if by_name is not None and by_name.has_any_of(binding.collection):
            self._beside = Beside(by_name, bindings, contexts, writes.intake, view, cursors, options, self._repeatable)

    @property
    def has_names(self) -> bool:
        """Whether it has actions or selections."""
        return self._beside is not None

    def reaches(self, tail: str) -> bool:
        """Whether a path of several segments below the collection is that of a file, an action or a selection."""
        return self.has_file_at(tail) or self._is_beside(tail)

    def _is_beside(self, tail: str) -> bool:
        *key, kind, _ = tail.split("/")
        return self._beside is not None and ((kind == "actions" and len(key) < 2) or (kind == "selections" and not key))

    def _route_of(self, tail: str) -> str:
        """The route of such a path, without the names that a client gives."""
        if not self._is_beside(tail):
            field, slash, _ = tail.partition("/")[2].partition("/")
            return f"{self._routes[1]}/{field}" + ("/{number}" if slash else "")
        *key, kind, _ = tail.split("/")
        return f"{self._routes[bool(key)]}/{kind}/{{name}}"

    def _file_endpoints(self, files: FieldFiles) -> dict[str, _OneEndpoint]:
        is_list = files.is_several and not files.is_numbered
        reads: dict[str, _OneEndpoint] = {"GET": files.get_endpoint, "HEAD": files.get_endpoint}
        if is_list:
            return {} if self.binding.is_read_only else {"POST": files.put_endpoint}
        if self.binding.is_read_only:
            return reads
        reads |= {"POST": files.post_endpoint} if files.is_direct else {}
        return reads | {"PUT": files.put_endpoint, "DELETE": files.delete_endpoint}

    @property
    def direct_files(self) -> list[str]:
        """The fields whose files clients may send and get by themselves."""
        return [name for name, files in self._files.items() if files.is_direct and not self.binding.is_read_only]

    def has_file_at(self, path: str) -> bool:
        """Whether the text behind the collection's name, ``7/cover``, may lead to a file."""
        key, _, name = path.partition("/")
        return bool(key) and self._endpoints_of(name) is not None

    def _endpoints_of(self, name: str) -> dict[str, _OneEndpoint] | None:
        """The endpoints of a file ``cover``, of a list ``pictures``, or of one in it, ``pictures/0``; else None."""
        field, slash, number = name.partition("/")
        files = self._files.get(field) if slash else None
        if files is None:
            return self._of_files.get(name)
        is_place = files.is_several and _PLACE.fullmatch(number) is not None
        return self._file_endpoints(files.at(int(number))) if is_place else None

    def follow(self, streams: Streams) -> None:
        """Answer ``events`` with a stream."""
        self._streams = streams

    def __call__(self, scope: Scope, receive: Receive, send: Send, key: str) -> Awaitable[None]:
        """Answer a request for the collection, or for the record whose key the path has as its undecoded end."""
        scope[ROUTE] = self._routes[bool(key)] if "/" not in key else self._route_of(key)
        if scope["method"] in _READS and self._options.authenticate is None and not self._contexts.middleware:
            scope[USER] = ANONYMOUS
            reply = self._straight.now(scope, ANONYMOUS, key)
            if reply is not None:
                return self._sent(scope, send, reply)
        return self._carry_out(scope, receive, send, key)

    async def _carry_out(self, scope: Scope, receive: Receive, send: Send, key: str) -> None:
        deadline = self._deadlines.enter() if scope["method"] in _READS else None
        try:
            reply = await self._answer(scope, receive, key)
        except asyncio.CancelledError:
            if deadline is None or not self._deadlines.has_ended(deadline):
                raise
            reply = problem_reply(_TOO_LONG)
        except Disconnected:
            return
        except Exception as error:
            reply = self._refusals.reply(scope, error, key)
        finally:
            if deadline is not None:
                self._deadlines.leave(deadline)
        await self._sent(scope, send, reply)

    def _sent(self, scope: Scope, send: Send, reply: Reply) -> Awaitable[None]:
        if ANSWERED in scope:
            note_answer(scope, reply)
        return send_reply(send, reply, scope["method"] == "HEAD", scope.get(HEADERS, ()))

    def _answer(self, scope: Scope, receive: Receive, key: str) -> Awaitable[Reply]:
        """The answer, to be awaited; coroutines that would only await another one are left out here and below."""
        limit = self._options.max_url
        if len(scope["query_string"]) > limit or len(scope.get("raw_path") or scope["path"].encode()) > limit:
            raise Problem(414, "uri-too-long", f"The path or the query string is longer than {limit} bytes.")
        if self._options.authenticate is not None or self._contexts.are_needed:
            return self._answer_in_context(scope, receive, key)
        scope[USER] = ANONYMOUS
        return self._answer_to(scope, receive, key, ANONYMOUS)

    async def _answer_in_context(self, scope: Scope, receive: Receive, key: str) -> Reply:
        user = scope[USER] = await self._options.user_of(scope)
        if not self._contexts.are_needed:
            now = self._straight.now(scope, user, key) if scope["method"] in _READS else None
            return await self._answer_to(scope, receive, key, user) if now is None else now
        async with self._contexts.open(scope, user):
            return await self._answer_to(scope, receive, key, user)
        return Reply(204, [])  # middleware suppressed an exception

    async def replied(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """Answer a request to the collection that was noted as a job; problems are answers, too."""
        scope[USER] = user
        try:
            async with self._contexts.open(scope, user) if self._contexts.are_needed else nullcontext():
                return await self._many[scope["method"]](scope, receive, user)
        except Exception as error:
            return self._refusals.reply(scope, error, "")

    def _answer_to(self, scope: Scope, receive: Receive, key: str, user: User) -> Awaitable[Reply]:
        method = scope["method"]
        if not key:
            endpoint = self._many.get(method)
            if endpoint is None:
                forms = (FORM,) if self._files else ()
                return self._no_method(method, self._many, user, (JSON, *IMPORTED[:2], *forms))
            is_allowed = None
            if self._later is not None and is_async(scope):
                endpoint = partial(self._later.answer, endpoint)
                is_allowed = self._later.is_allowed(scope, user)
            if self._repeatable is not None and self._repeatable.concerns(scope):
                answer = partial(_with_body, endpoint, scope, user)
                return self._repeatable.answer(scope, receive, user, answer, is_allowed=is_allowed)
            return endpoint(scope, receive, user)
        one = self._one
        if "/" in key:
            if self._beside is not None and self._is_beside(key):
                return self._beside.answer(scope, receive, user, key)
            if self.binding.is_keyless:
                return _absent()
            key, _, name = key.partition("/")
            one = self._endpoints_of(name) or {}
        elif (beside := self._answer_beside(scope, receive, key, user)) is not None:
            return beside
        endpoint_one = one.get(method)
        if endpoint_one is None:
            return self._no_method(method, one, user, (b"*/*",))  # a file
        try:
            read = self._keys.read(key)
        except Unreadable:
            return _absent()
        if self._repeatable is not None and self._repeatable.concerns(scope):
            return self._repeatable.answer(scope, receive, user, partial(_with_body, endpoint_one, scope, user, read))
        return endpoint_one(scope, receive, user, read)

    def _answer_beside(self, scope: Scope, receive: Receive, key: str, user: User) -> Awaitable[Reply] | None:
        """The answer for what lies beside the records under a name of its own; None for the key of a record."""
        method = scope["method"]
        if key[:1] == "_" and (named := self._named.get(key)) is not None:
            endpoint = named.get(method)
            return self._no_method(method, named, user) if endpoint is None else endpoint(scope, receive, user)
        if key == EVENTS and self._streams is not None and self._streams.is_meant(scope, self.binding):
            if method not in _READS:
                return self._no_method(method, _READS, user)
            return self._streams.endpoint(scope, receive, user, self.binding, self._dialects)
        return _absent() if self.binding.is_keyless else None

    async def _meta(self, scope: Scope, receive: Receive, user: User) -> Reply:
        """Answer ``/_meta``: the part of the collection that this user may know."""
        if not any(self.binding.policy.allows(right, user) for right in Right):
            raise refusal(self.binding, Right.READ, user, self._options.challenge)
        by_name = self._by_name if self._beside is not None else None
        body = collection_meta(self.binding, self._bindings, user, by_name, address_of_root(scope))
        return conditional(scope, body)

    async def _no_method(self, method: str, known: Collection[str], user: User, posted: Iterable[bytes] = ()) -> Reply:
        return no_method(method, known, posted or (JSON,)) if has_any_right(self.binding, user) else _ABSENT


async def _absent() -> Reply:
    return _ABSENT


async def _with_body(endpoint: Callable[..., Awaitable[Reply]], scope: Scope, user: User, *args: Any) -> Reply:
    *key, receive = args
    return await endpoint(scope, receive, user, *key)
