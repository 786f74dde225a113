"""``GET /books/events``: server-sent events (WHATWG HTML, section 9.2) of a collection, as one user may see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from time import monotonic

from holdall.errors import FieldError
from holdall.events.feed import Feed
from holdall.policy import Right, User
from holdall.query import Kind
from holdall.session import Binding, Bindings
from holdall.web.asgi import Receive, Scope, header
from holdall.web.dialects import Dialects
from holdall.web.events.following import Follower, Following, message_of
from holdall.web.events.sight import Sight
from holdall.web.events.stream_ids import StreamIds
from holdall.web.options import Options
from holdall.web.parameters import not_understood, parameters_of, unknown_parameter
from holdall.web.problem import Problem
from holdall.web.reply import Reply
from holdall.web.rights import demand_right

__all__ = ["EVENTS", "Streams"]

EVENTS = "events"
"""The segment of the path behind a collection."""

_HEARTBEAT = 15.0  # seconds
_LONGEST = 900.0  # seconds of a stream; the client comes back, and is asked again who it is
_PAGE = 500
_NOT_HERE = frozenset({"page", "page_size", "sort", "count", "after", "include", "format", "formulas"})
_NOT_HERE |= {"aggregate", "group", "having"}
_NOT_OURS = 10**18  # an id that nothing here has
_RESET = b"id: %b\nevent: reset\ndata: {}\n\n"

_FULL = Problem(503, "busy", "Too many clients follow collections now.", headers=((b"retry-after", b"5"),))


class Streams:
    """The streams of one service, at most ``max_followers`` at once. Example: ``docs/events.md``."""

    def __init__(self, feed: Feed, bindings: Bindings, options: Options) -> None:
        self._feed = feed
        self._bindings = bindings
        self._most = options.max_followers
        self._challenge = options.challenge
        self._ids = StreamIds(options.secret)
        self._count = 0
        self._followings: dict[str, Following] = {}  # by the name of a feed

    def has(self, binding: Binding) -> bool:
        """Whether a collection can be followed."""
        return self._feed.of(binding.collection) is not None

    def is_meant(self, scope: Scope, binding: Binding) -> bool:
        """Whether a request for ``events`` is for the stream, where a record may have this key."""
        names = binding.schema.key
        if len(names) == 1 and binding.schema.field(names[0]).kind is Kind.STR:
            return b"text/event-stream" in (header(scope, b"accept") or b"")
        return True

    def close(self) -> None:
        """End every stream."""
        for following in self._followings.values():
            following.close()

    async def endpoint(self, scope: Scope, receive: Receive, user: User, binding: Binding, dialects: Dialects) -> Reply:
        """The answer, which goes on until the client leaves. Raises Problem for a filter that cannot be read."""
        demand_right(binding, Right.READ, user, self._challenge)
        sight = self._sight(scope, user, binding, dialects)
        last = header(scope, b"last-event-id")
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"private, no-store"),
            (b"x-accel-buffering", b"no"),
            (b"x-content-type-options", b"nosniff"),
        ]
        if scope["method"] == "HEAD":
            return Reply(200, headers)
        scope["holdall.stream"] = True  # servers of Holdall's own end it as soon as they are told to end
        if self._count >= self._most:
            raise _FULL
        feed = self._feed.of(binding.collection)
        assert feed is not None
        following = self._followings.get(feed.collection)
        if following is None:
            following = self._followings[feed.collection] = Following(self._feed, feed, self._ids)
        follower = Follower(binding.collection, sight)
        self._count += 1  # before anything is waited for, so that no other one takes the place
        try:
            await following.join(follower)
        except BaseException:
            self._count -= 1
            raise
        parts = self._parts(following, follower, receive, self._number(binding, last) if last else None)
        return Reply(200, headers, await anext(parts), parts)  # begun, so that its end gives the place back

    def _sight(self, scope: Scope, user: User, binding: Binding, dialects: Dialects) -> Sight:
        query_string = scope["query_string"]
        wrong = [unknown_parameter(name) for name, _ in parameters_of(query_string) if name in _NOT_HERE]
        if wrong:
            raise not_understood(wrong)
        listing = dialects.of(user).read(query_string)
        unseen: list[FieldError] = [
            unknown_parameter(name) for name, other in listing.visits if not other.policy.allows(Right.READ, user)
        ]
        if unseen:
            raise not_understood(unseen)
        return Sight(binding, self._bindings, user, listing.query.condition, listing.names)

    async def _parts(
        self, following: Following, follower: Follower, receive: Receive, last: int | None
    ) -> AsyncGenerator[bytes]:
        end = monotonic() + _LONGEST
        leaving = asyncio.ensure_future(_disconnected(receive))
        sent = set[int]()
        try:
            begun = follower.since if last is None or last == _NOT_OURS else last
            yield b"retry: 3000\nid: %b\n\n" % self._ids.make(follower.collection, begun)
            if last is not None:
                async for id, message in self._missed(following, follower, last):  # noqa: A001
                    sent.add(id)
                    if message:
                        yield message
            while not (follower.is_behind or follower.is_over or leaving.done()) and monotonic() < end:
                getting = asyncio.ensure_future(follower.queue.get())
                done, _ = await asyncio.wait(
                    {getting, leaving}, timeout=_HEARTBEAT, return_when=asyncio.FIRST_COMPLETED
                )
                if getting not in done:
                    getting.cancel()
                    if not leaving.done():  # the id spares who sees few events to read anew, once others are swept
                        known = self._ids.make(follower.collection, max(follower.since, following.told))
                        yield b":\nid: %b\n\n" % known if follower.queue.empty() else b":\n\n"
                    continue
                id, message = getting.result()  # noqa: A001
                if id not in sent and message:
                    yield message
        finally:
            self._count -= 1
            following.leave(follower)
            leaving.cancel()
            with suppress(asyncio.CancelledError):
                await leaving

    def _number(self, binding: Binding, id: bytes) -> int:  # noqa: A002 - the word of the standard
        found = self._ids.open(binding.collection, id)
        return _NOT_OURS if found is None else found

    async def _missed(
        self, following: Following, follower: Follower, last: int
    ) -> AsyncGenerator[tuple[int, bytes | None]]:
        """The messages since the last one that a client has, or one that says that it has to read anew."""
        first, newest = await self._feed.ends(following.binding)
        if last > max(newest, following.low) or first > last + 1 or (newest == 0 and last > 0):
            yield 0, _RESET % self._ids.make(follower.collection, follower.since)
            return
        after, low = last, following.low  # what is seen up to this id is all that there is
        while rows := await self._feed.read(following.binding, after, _PAGE):
            for row in rows:
                if row.collection == follower.collection:
                    yield row.id, await message_of(follower.sight, row, self._ids, min(row.id, low), is_late=True)
            after, low = rows[-1].id, following.low


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
