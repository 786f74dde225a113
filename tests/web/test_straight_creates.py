"""Creates that go without a session store and answer the same as those with one, and are left to it where more is to be
done.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from holdall import Authenticated, Everyone, FieldRights, Holdall, Model, Nobody, Policy, Ref, Role, User, check, field
from holdall.errors import CommitAborted, CommitUnknown, LockConflict, StoreUnavailable, ValidationError
from holdall.session import ReadyCreates
from holdall.testing.wrapping import wrap_store
from tests.support.served import Served

OPEN = Policy(read=Everyone, write=Everyone)
_TOLD = ("location", "etag", "content-type", "cache-control", "preference-applied", "content-length")


class Numbered(Model, collection="numbered"):
    id: int = field(pk=True, generated=True)
    title: str = field(unique=True)
    tags: list[str] = field(default_factory=list)


class Keyed(Model, collection="keyed"):
    code: str = field(pk=True, length=(0, 5))
    pages: int = field(default=1, ge=0)
    version: int = field(version=True)


class Drawn(Model, collection="drawn"):
    id: uuid.UUID = field(pk=True, generated=True)
    low: int = 0
    high: int = 9

    @check
    def _is_in_order(self) -> str | None:
        return None if self.low <= self.high else "low is above high"


class Stand(Model, collection="stands"):
    id: int = field(pk=True)
    keyed: Ref[Keyed]


@contextmanager
def serve(url: str, *models: type[Model], policy: Policy = OPEN, **options: Any) -> Iterator[Served]:
    app = Holdall("creates")
    app.add_store("main", url, **({"scan_limit": 1_000} if url.startswith("redis") else {}))
    for model in models:
        app.add(model, store="main", policy=policy)
    with Served(app, **options) as served:
        try:
            yield served
        finally:
            for model in reversed(models):
                served.run(app.drop(model, referring=True))


def is_straight(served: Served, collection: str, user: User | None = None) -> bool:
    return ReadyCreates(served.app.bindings, collection).may_create(user or User("ann"))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, list[tuple[Any, ...]], bool], list[Any]]:
    """What requests are answered and what is stored then, with a session for each or without."""

    def tell(url: str, requests: list[tuple[Any, ...]], is_straight: bool) -> list[Any]:
        with serve(url, Numbered, Keyed, Drawn) as served, pytest.MonkeyPatch.context() as patch:
            done: list[str] = []
            create = ReadyCreates.create

            async def noted(self: ReadyCreates, record: Any) -> bool:
                done.append(type(record).__name__)
                return await create(self, record)

            patch.setattr(ReadyCreates, "create", noted)
            if not is_straight:
                patch.setattr(ReadyCreates, "may_create", lambda self, user: False)
            answers = [
                served.request("POST", path, body=body, headers={"content-type": "application/json"} | headers)
                for path, body, headers in requests
            ]
            stored = [served.get(f"/{name}?sort=-{key}").json()["data"] for name, key in _ORDERS]
            assert bool(done) is is_straight, "the planted difference: both ways are really taken"
            return [_shown(answer) for answer in answers] + _without_drawn(stored)

    return tell


_ORDERS = (("numbered", "title"), ("keyed", "code"), ("drawn", "low"))


def _shown(answer: Any) -> Any:
    """The answer, without keys that are drawn."""
    headers = {name: answer.headers.get(name) for name in _TOLD}
    body = answer.body
    if (headers["location"] or "").startswith("/drawn/"):
        key = headers["location"].rpartition("/")[2]
        assert uuid.UUID(key).version == 7
        headers |= {"location": None, "etag": None}
        body = body.replace(key.encode(), b"")
    return answer.status, headers, body


def _without_drawn(stored: list[Any]) -> list[Any]:
    return [*stored[:2], [(each["low"], each["high"]) for each in stored[2]]]


_REQUESTS: list[tuple[Any, ...]] = [
    ("/numbered", b'{"title": "Emma"}', {}),
    ("/numbered", b'{"title": "Emma"}', {}),
    ("/numbered", b'{"id": 7, "title": "Persuasion", "tags": ["a", "b"]}', {}),
    ("/numbered", b'{"id": 7, "title": "Sanditon"}', {}),
    ("/numbered", b'{"title": "Late"}', {"prefer": "return=minimal"}),
    ("/numbered", b'{"title": "Later"}', {"prefer": "tx=rollback"}),
    ("/numbered", b'{"title": 7}', {}),
    ("/numbered", b'{"titel": "x"}', {}),
    ("/numbered", b'{"title": "x", "tags": [7]}', {}),
    ("/numbered", b"{", {}),
    ("/numbered", b"", {}),
    ("/numbered", b"[]", {}),
    ("/numbered", b'[{"title": "one"}, {"title": "two"}]', {}),
    ("/numbered", b'{"title": "x", "title": "y"}', {}),
    ("/numbered", b'{"title": {"create": {"a": 1}}}', {}),
    ("/numbered?x=1", b'{"title": "x"}', {}),
    ("/numbered", b'{"title": "y"}', {"if-none-match": "*"}),
    ("/numbered", b'{"title": "y"}', {"content-type": "text/plain"}),
    ("/numbered", b'[{"title": "three"}]', {"prefer": "handling=strict, max-affected=1"}),
    ("/numbered", b'{"title": "strict"}', {"prefer": "handling=strict, max-affected=1"}),
    ("/numbered", b'{"title": "typed"}', {"content-type": "application/json; charset=utf-8"}),
    ("/numbered", b'{"title": "foreign"}', {"content-type": "application/json; charset=latin-1"}),
    ("/numbered", b'{"title": "packed"}', {"content-encoding": "gzip"}),
    ("/numbered", b'{"title": "again"}', {"idempotency-key": '"k1"'}),
    ("/numbered", b'{"title": "again"}', {"idempotency-key": '"k1"'}),
    ("/keyed", b'{"code": "a"}', {}),
    ("/keyed", b'{"code": "a", "pages": 2}', {}),
    ("/keyed", b'{"code": "a/b"}', {}),
    ("/keyed", b'{"code": ".."}', {}),
    ("/keyed", b'{"code": ""}', {}),
    ("/keyed", b'{"code": "toolong"}', {}),
    ("/keyed", b'{"code": "v", "version": 9}', {}),
    ("/keyed", b'{"code": "n", "pages": -1}', {}),
    ("/drawn", b"{}", {}),
    ("/drawn", b'{"low": 3, "high": 2}', {}),
    ("/drawn", b'{"low": 3, "high": 4}', {"prefer": "return=representation"}),
]


@pytest.mark.parametrize("where", ["sqlite", "memory", "postgres", "mariadb", "redis", "yaml", "mongo"])
def test_both_ways_store_and_answer_the_same(
    where: str, told: Callable[..., list[Any]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    urls = {"sqlite": f"sqlite:///{tmp_path / 'a.db'}", "memory": "memory:", "yaml": f"yaml:{tmp_path / 'files'}"}
    fixtures = {"postgres": "postgres_url", "mariadb": "mariadb_url", "redis": "redis_url", "mongo": "mongo_url"}
    url = urls.get(where) or request.getfixturevalue(fixtures[where])
    straight, other = told(url, _REQUESTS, True), told(url, _REQUESTS, False)
    for found, wanted in zip(straight, other, strict=True):
        assert found == wanted


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serve(f"sqlite:///{tmp_path / 'a.db'}", Numbered, Keyed, Drawn, Stand) as served:
        yield served


def test_what_refers_to_others_is_left_to_a_session(served: Served) -> None:
    assert is_straight(served, "keyed")
    assert not is_straight(served, "stands")
    assert served.post("/stands", {"id": 1, "keyed": "nobody"}).status in (409, 422)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(read=Everyone, write=Keyed.pages == 1),
        Policy(read=Everyone, write=Everyone, fields={"pages": FieldRights(write=Nobody)}),
        Policy(read=Everyone, write=Everyone, fields={"pages": FieldRights(preset=3)}),
        Policy(read=Everyone, write=Everyone, valid=Keyed.pages == 1),
        Policy(read=Everyone, write=lambda user, record: True),
    ],
)
def test_rules_about_records_and_fields_are_left_to_a_session(policy: Policy, tmp_path: Path) -> None:
    with serve(f"sqlite:///{tmp_path / 'a.db'}", Keyed, policy=policy) as served:
        assert not is_straight(served, "keyed")


def test_only_who_may_create_does(tmp_path: Path) -> None:
    policy = Policy(read=Everyone, write=Authenticated, create=Role("editor"))
    with serve(f"sqlite:///{tmp_path / 'a.db'}", Keyed, policy=policy) as served:
        assert not is_straight(served, "keyed")
        assert is_straight(served, "keyed", User("eve", roles=frozenset({"editor"})))
        assert served.post("/keyed", {"code": "a"}).status in (401, 403)


def test_who_may_create_and_not_read_is_shown_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serve(f"sqlite:///{tmp_path / 'a.db'}", Keyed, policy=Policy(read=Nobody, write=Everyone)) as served:
        straight = served.post("/keyed", {"code": "a"})
        monkeypatch.setattr(ReadyCreates, "may_create", lambda self, user: False)
        other = served.post("/keyed", {"code": "b"})
        assert (straight.status, straight.body) == (other.status, other.body.replace(b'"b"', b'"a"'))


def test_who_listens_hears_of_it(served: Served) -> None:
    heard: list[Any] = []
    served.post("/keyed", {"code": "a"})

    @served.app.on(Keyed.created)
    async def note(event: Any) -> None:
        heard.append(event.record.code)

    assert not is_straight(served, "keyed")
    served.post("/keyed", {"code": "b"})
    assert heard == ["b"]


def test_a_collection_that_is_kept_elsewhere_is_written_there(served: Served) -> None:
    served.post("/keyed", {"code": "a"})
    stores: list[str] = []

    class Noting:
        def __init__(self, store: Any) -> None:
            self.store = store

        def __getattr__(self, name: str) -> Any:
            return getattr(self.store, name)

        async def apply(self, changes: Any) -> Any:
            stores.append(self.store.name)
            return await self.store.apply(changes)

    wrap_store(served.app, "main", Noting)
    assert served.post("/keyed", {"code": "b"}).status == 201
    assert stores == ["main"]


class Failing:
    """A store whose writes fail, before or after they are made."""

    def __init__(self, store: Any, error: Exception, *, is_written: bool) -> None:
        self.store, self.error, self.is_written = store, error, is_written

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def apply(self, changes: Any) -> Any:
        if self.is_written:
            await self.store.apply(changes)
        raise self.error


@pytest.mark.parametrize("is_written", [False, True])
def test_a_write_that_fails_says_whether_anything_was_written(
    served: Served, is_written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = StoreUnavailable("main", "gone", is_outcome_unknown=is_written)
    wrap_store(served.app, "main", lambda store: Failing(store, error, is_written=is_written))
    creates = ReadyCreates(served.app.bindings, "keyed")
    assert creates.may_create(User("ann"))
    with pytest.raises(CommitUnknown if is_written else CommitAborted) as caught:
        served.run(creates.create(Keyed(code="a")))
    assert caught.value.__cause__ is error
    assert [str(task.state) for task in caught.value.result.tasks] == ["unknown" if is_written else "failed"]
    if is_written:
        lost: Any = caught.value.result.unresolved
        served.run(lost.resolve())
        assert lost.was_applied is True
    straight = served.post("/keyed", {"code": "b"})
    monkeypatch.setattr(ReadyCreates, "may_create", lambda self, user: False)
    other = served.post("/keyed", {"code": "c"})
    assert (straight.status, straight.json()["type"]) == (other.status, other.json()["type"])


def test_being_cancelled_stops_no_write(served: Served) -> None:
    written: list[bool] = []

    class Slow(Failing):
        async def apply(self, changes: Any) -> Any:
            await asyncio.sleep(0.05)
            found = await self.store.apply(changes)
            written.append(True)
            return found

    wrap_store(served.app, "main", lambda store: Slow(store, RuntimeError(), is_written=True))
    creates = ReadyCreates(served.app.bindings, "keyed")
    assert creates.may_create(User("ann"))

    async def cancelled() -> bool:
        task = asyncio.ensure_future(creates.create(Keyed(code="a")))
        for _ in range(3):
            await asyncio.sleep(0.01)
            task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return task.cancelled()

    assert served.run(cancelled())
    assert written == [True]
    assert served.get("/keyed/a").status == 200


def test_what_is_reserved_is_waited_for_by_a_session(served: Served) -> None:
    error = LockConflict("main", "held")

    class Once(Failing):
        async def apply(self, changes: Any) -> Any:
            if not self.is_written:
                self.is_written = True
                raise self.error
            return await self.store.apply(changes)

    wrap_store(served.app, "main", lambda store: Once(store, error, is_written=False))
    assert served.post("/keyed", {"code": "a"}).status == 201


def test_rules_over_several_fields_are_looked_at_once_more(served: Served) -> None:
    creates = ReadyCreates(served.app.bindings, "numbered")
    assert creates.may_create(User("ann"))
    record = Numbered(title="x")
    tags: list[Any] = record.tags
    tags.append(7)
    with pytest.raises(ValidationError):
        served.run(creates.create(record))
