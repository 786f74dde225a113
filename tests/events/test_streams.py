"""Server-sent events: who follows a collection is told what he may see of it, resumes, and is bounded."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest

from holdall import Everyone, FieldRights, Holdall, Model, Owner, Policy, Ref, Role, SoftDeleted, User, field
from holdall.errors import DeclarationError
from holdall.web.events import following
from tests.support.event_library import Author, Book

pytestmark = pytest.mark.anyio


class Paper(Model, collection="papers"):
    id: int = field(pk=True)
    title: str = ""
    owner: str = ""
    margin: int = 0
    author: Ref[Author | None] = field(default=None)


class Stream:
    """A client of a stream."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = b""
        self.leaving = asyncio.Event()
        self.ended = asyncio.Event()
        self.came = asyncio.Event()

    @property
    def events(self) -> list[tuple[str, str, Any]]:
        """The name, the last id and the data of each event."""
        found, last = [], ""
        for block in self.text.decode().split("\n\n"):
            lines = dict(line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(":"))
            last = lines.get("id", last)
            if "data" in lines:
                found.append((lines["event"], last, json.loads(lines["data"])))
        return found

    @property
    def kinds(self) -> list[tuple[str, Any]]:
        return [(name, data.get("key")) for name, _, data in self.events]

    async def has(self, number: int) -> None:
        async with asyncio.timeout(5):
            while len(self.events) < number:
                self.came.clear()
                await self.came.wait()


@asynccontextmanager
async def following_of(
    service: Any, path: str, user: str = "", last: str | None = None, **more: str
) -> AsyncIterator[Stream]:
    stream, (path, _, query) = Stream(), path.partition("?")
    headers = {"accept": "text/event-stream", "x-user": user, **more}
    if last is not None:
        headers["last-event-id"] = last
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
    }
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await stream.leaving.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            stream.status = message["status"]
            stream.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            stream.text += message.get("body", b"")
        stream.came.set()

    async def run() -> None:
        try:
            await service(scope, receive, send)
        finally:
            stream.ended.set()
            stream.came.set()

    task = asyncio.create_task(run())
    async with asyncio.timeout(5):
        while not (stream.ended.is_set() or b"retry" in stream.text):
            stream.came.clear()
            await stream.came.wait()
    yield stream
    stream.leaving.set()
    async with asyncio.timeout(5):
        await task


async def who(scope: Any) -> User | None:
    name = dict(scope["headers"]).get(b"x-user", b"").decode()
    return User(name, roles=frozenset({name})) if name else None


@pytest.fixture
async def service(local: Holdall) -> Any:
    policy = Policy(
        read=Owner("owner") | Role("editor"), write=Everyone, fields={"margin": FieldRights(read=Role("boss"))}
    )
    local.add(Paper, store="main", policy=policy)
    local.add_feed(Book, Paper)
    return local.asgi(authenticate=who)


async def test_a_client_is_told_what_happens(app: Holdall) -> None:
    app.add_feed(Book)
    await app.create()
    service = app.asgi(authenticate=who)
    async with following_of(service, "/book/events", "ann") as stream:
        assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        async with app.session() as session:
            book = session.add(Book(title="Emma"))
        async with app.session() as session:
            (await session.require(Book, book.id)).status = "out"
        async with app.session() as session:
            session.remove(await session.require(Book, book.id))
        await stream.has(3)
        assert stream.kinds == [("created", book.id), ("changed", book.id), ("deleted", book.id)]
        created, changed, deleted = (data for _, _, data in stream.events)
        assert created["record"]["id"] == book.id
        assert "pin" not in created["record"]
        assert (changed["fields"], changed["record"]["status"]) == (["status"], "out")
        assert "record" not in deleted


async def test_who_comes_back_misses_nothing(local: Holdall, service: Any) -> None:
    async with following_of(service, "/book/events", "ann") as stream:
        async with local.session() as session:
            session.add(Book(title="Emma"))
        await stream.has(1)
        last = stream.events[-1][1]
    async with local.session() as session:
        session.add(Book(title="Persuasion"))
    async with following_of(service, "/book/events", "ann", last) as stream:
        async with local.session() as session:
            session.add(Book(title="Lady Susan"))
        await stream.has(2)
        assert [data["record"]["title"] for *_, data in stream.events] == ["Persuasion", "Lady Susan"]
    for stale in ("999999", "0"):
        store: Any = local.stores["main"]
        if stale == "0":
            await store.apply([_removal(1)])
        async with following_of(service, "/book/events", "ann", stale) as stream:
            await stream.has(1)
            assert stream.events[0][0] == "reset"


def number_of(service: Any, collection: str, last: str) -> int | None:
    """The number of an event in the feed, which clients cannot read from its id."""
    found: int | None = service._streams._ids.open(collection, last.encode())
    return found


def _given(text: bytes) -> list[tuple[str, set[str]]]:
    """What a client has after each block of a stream: the last id, and the events that it was sent."""
    found, last, seen = [], "", set[str]()
    for block in text.decode().split("\n\n")[:-1]:
        lines = dict(line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(":"))
        last = lines.get("id", last)
        if "data" in lines:
            seen.add(json.loads(lines["data"])["id"])
        found.append((last, set(seen)))
    return found


async def test_a_stream_may_break_off_after_any_event(local: Holdall, service: Any) -> None:
    async with following_of(service, "/book/events", "ann") as stream:
        async with local.session() as session:
            session.add_all([Book(title=str(number)) for number in range(5)])
        await stream.has(5)
        begun = _given(stream.text)
    async with following_of(service, "/book/events", "ann", begun[0][0]) as stream:
        await stream.has(5)
        again = _given(stream.text)
    every = begun[-1][1]
    for last, seen in begun + again:
        async with following_of(service, "/book/events", "ann", last) as stream:
            await stream.has(5 - len(seen))
            assert seen | {data["id"] for *_, data in stream.events} == every


async def test_who_reads_nothing_is_not_told_to_read_anew(
    local: Holdall, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdall.web.events.stream._HEARTBEAT", 0.01)
    async with following_of(service, "/book/events?title=Emma", "ann") as stream:
        async with local.session() as session:
            session.add_all([Book(title=str(number)) for number in range(5)])
        async with asyncio.timeout(5):
            while number_of(service, "book", last := _given(stream.text)[-1][0]) != 5:
                stream.came.clear()
                await stream.came.wait()
    store: Any = local.stores["main"]
    await store.apply([_removal(number) for number in range(1, 5)])  # as the sweep does in time
    async with following_of(service, "/book/events?title=Emma", "ann", last) as stream:
        async with local.session() as session:
            session.add(Book(title="Emma"))
        await stream.has(1)
        assert [name for name, *_ in stream.events] == ["created"]


async def test_an_id_of_somebody_else_means_that_events_were_missed(service: Any) -> None:
    async with following_of(service, "/book/events", "ann", "0198-abc") as stream:
        await stream.has(1)
        name, last, _ = stream.events[0]
        assert (name, number_of(service, "book", last)) == ("reset", 0)


def _removal(row: int) -> Any:
    from holdall.store import Change, Verb

    return Change(Verb.REMOVE, "holdall_feed_main", row)


async def test_a_reader_is_told_what_he_may_see(local: Holdall, service: Any) -> None:
    async with (
        following_of(service, "/papers/events", "ann") as ann,
        following_of(service, "/papers/events", "tom") as tom,
        following_of(service, "/papers/events", "boss") as boss,
        following_of(service, "/papers/events", "editor") as editor,
    ):
        async with local.session() as session:
            paper = session.add(Paper(id=1, title="Emma", owner="ann", margin=3))
            await session.commit()
            paper.margin = 5  # hidden from all of these
            await session.commit()
            paper.title, paper.margin = "Emma, again", 7
            await session.commit()
            paper.owner = "tom"
            await session.commit()
            session.remove(paper)
        await editor.has(4)
        await tom.has(2)
        await ann.has(3)
        assert editor.kinds == [("created", 1), ("changed", 1), ("changed", 1), ("deleted", 1)]
        assert [data.get("fields") for *_, data in editor.events] == [None, ["title"], ["owner"], None]
        assert ann.kinds == [("created", 1), ("changed", 1), ("left", 1)]
        assert tom.kinds == [("entered", 1), ("deleted", 1)]
        assert boss.events == []
        told = ann.text + tom.text + editor.text
        assert b"margin" not in told
    async with following_of(service, "/papers/events") as nobody:
        assert nobody.status in (401, 404)


async def test_who_comes_back_is_not_told_of_what_is_private_by_then(local: Holdall, service: Any) -> None:
    async with following_of(service, "/papers/events", "ann") as stream:
        ((begun, _),) = _given(stream.text)
    async with local.session() as session:
        paper = session.add(Paper(id=1, title="Emma", owner="ann"))
        await session.commit()
        paper.title = "secret by and by"
        await session.commit()
        paper.owner = "tom"
    async with following_of(service, "/papers/events", "ann", begun) as stream:
        async with local.session() as session:
            session.add(Paper(id=2, title="Persuasion", owner="ann"))
        await stream.has(2)
        assert stream.kinds == [("left", 1), ("created", 2)]
        assert b"secret" not in stream.text


async def test_a_filter_is_followed_as_records_come_and_go(local: Holdall, service: Any) -> None:
    async with following_of(service, "/book/events?status=out&fields=title", "ann") as stream:
        async with local.session() as session:
            book = session.add(Book(title="Emma"))
            await session.commit()
            for status in ("out", "in", "out"):
                book.status = status
                await session.commit()
            session.remove(book)
        await stream.has(4)
        assert [name for name, *_ in stream.events] == ["entered", "left", "entered", "deleted"]
        assert stream.events[0][2]["record"] == {"title": "Emma"}


async def test_a_filter_that_leads_elsewhere_is_asked_of_the_store(local: Holdall, service: Any) -> None:
    async with following_of(service, "/book/events?author.name=Jane", "ann") as stream:
        async with local.session() as session:
            jane = session.add(Author(name="Jane"))
            session.add(Book(title="Emma", author=jane))
            session.add(Book(title="Kim"))
        await stream.has(1)
        assert [data["record"]["title"] for *_, data in stream.events] == ["Emma"]


@pytest.mark.parametrize("query", ["?page=2", "?sort=title", "?nothing=1", "?pin=1", "?group=status"])
async def test_what_cannot_be_followed_is_refused(service: Any, query: str) -> None:
    async with following_of(service, f"/book/events{query}", "ann") as stream:
        assert stream.status == 422


async def test_streams_are_bounded(local: Holdall, service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_QUEUED", 3)
    narrow = local.asgi(authenticate=who, max_followers=1)
    async with following_of(narrow, "/book/events", "ann") as stream:
        async with following_of(narrow, "/book/events", "tom") as other:
            assert other.status == 503
        async with local.session() as session:
            session.add_all([Book(title=str(number)) for number in range(20)])
        async with asyncio.timeout(5):
            await stream.ended.wait()  # slower than what comes: he has to come back
        last, seen = _given(stream.text)[-1]
    async with following_of(narrow, "/book/events", "ann", last) as stream:
        await stream.has(20 - len(seen))


async def test_a_stream_has_heart_beats_and_ends_with_the_service(
    local: Holdall, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holdall.web.events.stream._HEARTBEAT", 0.01)
    async with following_of(service, "/book/events", "ann") as stream:
        async with asyncio.timeout(5):
            while b"\n:\n" not in stream.text:
                stream.came.clear()
                await stream.came.wait()
        service._streams.close()
        async with asyncio.timeout(5):
            await stream.ended.wait()


async def test_a_record_may_be_called_events() -> None:
    class Word(Model, collection="words"):
        text: str = field(pk=True)

    app = Holdall("words")
    app.add_store("main", "memory:")
    app.add(Word, store="main", policy=Policy(read=Everyone))
    app.add_feed(Word)
    async with app.session() as session:
        session.add(Word(text="events"))
    service = app.asgi()
    async with following_of(service, "/words/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
    async with following_of(service, "/words/events", accept="application/json") as stream:
        assert json.loads(stream.text) == {"text": "events"}
    await app.close()


async def test_what_was_kept_long_enough_goes(local: Holdall) -> None:
    local.add_feed(Book, seconds=0.001)
    async with local.session() as session:
        session.add_all([Book(title=str(number)) for number in range(5)])
    feed = local.listeners.feed
    assert feed is not None
    binding = feed.of("book")
    assert binding is not None
    assert await feed.ends(binding) == (1, 5)
    await asyncio.sleep(0.005)
    await feed.sweep()
    assert await feed.ends(binding) == (0, 0)


async def test_streams_are_described(service: Any) -> None:
    document = msgspec.json.decode(msgspec.json.encode(service.openapi()))
    assert "text/event-stream" in document["paths"]["/book/events"]["get"]["responses"]["200"]["content"]
    assert "/author/events" not in document["paths"]


async def test_feeds_that_are_none_are_refused(local: Holdall) -> None:
    local.add_feed(Book)
    wrong: list[tuple[Any, Any]] = [(Book, 600), (7, 600), (Author, 0), (Author, True), (Author, 1e9)]
    for model, seconds in wrong:
        with pytest.raises(DeclarationError):
            local.add_feed(model, seconds=seconds)


class Draft(SoftDeleted, collection="drafts"):
    id: int = field(pk=True)
    owner: str = ""
    text: str = ""


async def test_deleted_records_are_shown_to_those_alone_who_ask_and_may_delete_them(local: Holdall) -> None:
    local.add(Draft, store="main", policy=Policy(read=Everyone, write=Owner("owner")))
    local.add_feed(Draft)
    service, asking = local.asgi(authenticate=who), "/drafts/events?deleted_at__isnull=false"
    async with local.session() as session:
        session.add(Draft(id=1, owner="eve"))
    async with (
        following_of(service, "/drafts/events", "ann") as plain,
        following_of(service, asking, "ann") as other,
        following_of(service, asking, "eve") as owner,
    ):
        async with local.session() as session:
            session.remove(await session.require(Draft, 1))
        async with local.session() as session:
            (await session.one(Draft.only_deleted())).text = "hidden"
        async with local.session() as session:
            draft = await session.one(Draft.only_deleted())
            session.restore(draft)
        await plain.has(2)
        await owner.has(1)
        assert (plain.kinds, other.kinds) == ([("deleted", 1), ("created", 1)], [])
        assert owner.kinds[0] == ("changed", 1)


async def test_places_are_kept_to_and_given_back(local: Holdall) -> None:
    local.add_feed(Book)
    service = local.asgi(authenticate=who, max_followers=1)
    scope = {"type": "http", "method": "GET", "path": "/book/events", "raw_path": b"/book/events", "query_string": b""}
    scope |= {"root_path": "", "headers": [(b"accept", b"text/event-stream"), (b"x-user", b"ann")]}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def gone(message: Any) -> None:
        raise OSError("the client is gone")

    for _ in range(3):
        with suppress(OSError):
            await service(dict(scope), receive, gone)
    statuses, all_came = list[int](), asyncio.Event()

    async def follow() -> None:
        async with following_of(service, "/book/events", "ann") as stream:
            statuses.append(stream.status)
            if len(statuses) == 3:
                all_came.set()
            await all_came.wait()

    await asyncio.gather(follow(), follow(), follow())
    assert sorted(statuses) == [200, 503, 503]
