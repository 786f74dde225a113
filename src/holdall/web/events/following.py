"""The followers of the collections of one feed, which is read once for all of them: each has a bounded queue."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from time import monotonic

import msgspec

from holdall.errors import HoldallError
from holdall.events.feed import Feed, FeedRow
from holdall.events.rows import RowBinding
from holdall.session.cancelling import heed_cancellation
from holdall.session.journal.packing import UnreadableBody
from holdall.web.events.sight import Sight
from holdall.web.events.stream_ids import StreamIds

__all__ = ["Follower", "Following", "message_of"]

_log = logging.getLogger("holdall.web")

_EVERY = 0.5  # seconds between two looks; commits of this process are seen at once
_GAP = 10.0  # seconds after which an id that was left out is taken to belong to a commit that was undone
_PAGE = 500
_QUEUED = 100  # messages
_EVENT_DIGITS = 32


class Follower:
    """One who follows a collection; ``is_behind`` once his queue was full, which ends the stream.

    ``since`` is the id up to which nothing is queued for him, as it was there before he came.
    """

    def __init__(self, collection: str, sight: Sight) -> None:
        self.collection = collection
        self.sight = sight
        self.since = 0
        self.is_behind = False
        self.is_over = False
        self.queue: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(_QUEUED)

    def put(self, id: int, message: bytes) -> None:  # noqa: A002 - the word of the standard
        """Queue a message, unless he is too slow."""
        try:
            self.queue.put_nowait((id, message))
        except asyncio.QueueFull:
            self.is_behind = True


class _Shown(msgspec.Struct):
    message: bytes | None


class Following:
    """Reads one feed while anybody follows it.

    ``low`` is the id up to which nothing can come any more: commits that began earlier may be seen later. An event has
    this id where its own is greater, so that a client who comes back with it misses nothing and may be sent something
    twice. ``told`` is the id up to which everything is queued.
    """

    def __init__(self, feed: Feed, binding: RowBinding, ids: StreamIds) -> None:
        self.feed = feed
        self.ids = ids
        self.binding = binding
        self.low = 0
        self.told = 0
        self._seen: dict[int, float] = {}  # by id above ``low``: when it was seen
        self._followers: set[Follower] = set()
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._ready: asyncio.Future[None] | None = None
        self._wake: Callable[[], None] = _nothing

    async def join(self, follower: Follower) -> None:
        """Begin to queue what happens from now on. Raises StoreError where the feed cannot be read."""
        if self._task is None:
            loop = asyncio.get_running_loop()
            self._woken, self._ready = asyncio.Event(), loop.create_future()
            self._wake = _waking(loop, self._woken)
            self.feed.wakes.add(self._wake)
            self._task = loop.create_task(self._read())
        follower.since = self.low
        self._followers.add(follower)
        assert self._ready is not None
        try:
            await asyncio.shield(self._ready)
        except BaseException:
            self.leave(follower)
            raise

    def leave(self, follower: Follower) -> None:
        """Queue no more; the last one to leave ends the reading."""
        self._followers.discard(follower)
        if not self._followers and self._task is not None:
            self._task.cancel()
            self._task = None
            self.feed.wakes.discard(self._wake)

    def close(self) -> None:
        """End every stream."""
        for follower in list(self._followers):
            follower.is_over = True
            follower.put(0, b"")
            self.leave(follower)

    async def _read(self) -> None:
        assert self._ready is not None
        ready, self._ready = self._ready, self._ready
        try:
            _, self.low = await self.feed.ends(self.binding)
            self.told = self.low
            self._seen.clear()
            for follower in self._followers:
                follower.since = self.low
        except Exception as error:
            ready.set_exception(error)
            ready.exception()
            self._task = None
            self.feed.wakes.discard(self._wake)
            return
        if not ready.done():
            ready.set_result(None)
        while True:
            self._woken.clear()
            try:
                await self._look()
            except HoldallError as error:
                _log.warning("a feed cannot be read, and is tried again: %s", error)
            except Exception:
                _log.exception("a feed cannot be read, and is tried again")
            heed_cancellation()
            try:
                async with asyncio.timeout(_EVERY):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        after, now = self.low, monotonic()
        while True:
            rows = await self.feed.read(self.binding, after, _PAGE)
            fresh = [row for row in rows if row.id not in self._seen]
            self._seen.update((row.id, now) for row in fresh)
            self._raise_low(now)
            for row in fresh:
                await self._tell(row)
            if len(rows) < _PAGE:
                self.told = self.low
                return
            after = rows[-1].id

    def _raise_low(self, now: float) -> None:
        for number in sorted(self._seen):
            if number != self.low + 1 and now - self._seen[number] < _GAP:
                break
            self.low = number
            del self._seen[number]

    async def _tell(self, row: FeedRow) -> None:
        shown: dict[object, _Shown] = {}
        for follower in list(self._followers):
            if follower.collection != row.collection:
                continue
            group = follower.sight.group
            known = None if group is None else shown.get(group)
            if known is None:
                known = _Shown(await message_of(follower.sight, row, self.ids, min(row.id, self.low)))
                if group is not None:
                    shown[group] = known
            if known.message is not None:
                follower.put(row.id, known.message)


async def message_of(sight: Sight, row: FeedRow, ids: StreamIds, last: int, *, is_late: bool = False) -> bytes | None:
    """The message about an event, as one sees it, or None. Its id tells nothing of other events of the commit."""
    event = hashlib.sha256(row.event.encode()).hexdigest()[:_EVENT_DIGITS]
    try:
        told = await sight.of(row.body(), event, row.at.isoformat(), is_late=is_late)
    except UnreadableBody:
        return None
    except HoldallError as error:
        _log.warning("an event of %s cannot be shown: %s", row.collection, error)
        return None
    except (TypeError, ValueError, LookupError) as error:  # its values are those of another version of the model
        _log.warning("an event of %s cannot be shown: %s", row.collection, type(error).__name__)
        return None
    if told is None:
        return None
    name, content = told
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (ids.make(row.collection, last), name.encode(), content)


def _waking(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> Callable[[], None]:
    def wake() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(event.set)

    return wake


def _nothing() -> None:
    return None
