"""Full-text search in sessions, over every store, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import msgspec
import pytest

from holdall import ANONYMOUS, Everyone, Holdall, Model, Policy, Ref, expr, field
from holdall.errors import DeclarationError, Forbidden, LimitExceeded, QueryError
from holdall.model import Codec
from holdall.store import Capabilities, Feature
from holdall.stores.memory import MemoryStore
from tests.servers.scratch import scratch_database

pytestmark = pytest.mark.anyio


class Writer(Model, search=("name",)):
    id: int = field(pk=True)
    name: str


class Essay(Model, search=("title", "body")):
    id: int = field(pk=True)
    title: str
    body: str | None = None
    writer: Ref[Writer | None] = field(default=None)


class Plain(MemoryStore):
    @property
    def capabilities(self) -> Capabilities:
        able = super().capabilities
        return msgspec.structs.replace(able, features=able.features - {Feature.EXPRESSIONS})


@pytest.fixture(
    params=["memory", "sqlite", "yaml", "postgres_url", "mariadb_url", "redis_url", "mongo_url", "plain", "several"]
)
async def app(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Holdall]:
    app, name = Holdall("essays"), request.param
    if name.endswith("_url"):
        url = request.getfixturevalue(name)
        with nullcontext(url) if name == "redis_url" else scratch_database(url) as place:
            async for each in _filled(app, place, None):
                yield each
        return
    urls = {
        "memory": "memory:",
        "sqlite": f"sqlite:///{tmp_path}/a.db",
        "yaml": f"yaml:{tmp_path}/y",
        "plain": Plain("main"),
    }
    main, other = (urls["sqlite"], urls["yaml"]) if name == "several" else (urls[name], None)
    async for each in _filled(app, main, other):
        yield each


async def _filled(app: Holdall, main: Any, other: Any) -> AsyncIterator[Holdall]:
    is_redis = isinstance(main, str) and main.startswith("redis")
    app.add_store("main", main, **({"prefix": uuid4().hex, "scan_limit": 1000} if is_redis else {}))
    if other is not None:
        app.add_store("other", other)
    app.add(Writer, store="main" if other is None else "other")
    app.add(Essay, store="main")
    await app.create()
    async with app.session() as session:
        ursula = Writer(id=1, name="Ursula K. Le Guin")
        session.add(ursula)
        session.add(Essay(id=1, title="The Left Hand of Darkness", writer=ursula))
        session.add(Essay(id=2, title="Straße", body="One dark hand, on the left"))
        session.add(Essay(id=3, title="Nothing", body=None, writer=ursula))
    yield app
    await app.close()


async def found(app: Holdall, *conditions: Any) -> list[int]:
    async with app.session() as session:
        return [essay.id for essay in await session.query(Essay.where(*conditions).sort(Essay.id))]


async def test_words_are_found_and_composed_with_other_conditions(app: Holdall) -> None:
    assert await found(app, Essay.search("HAND left")) == [1, 2]
    assert await found(app, Essay.search('"left hand"')) == [1]
    assert await found(app, Essay.search("dark*"), Essay.id > 1) == [2]
    assert await found(app, Essay.search("strasse") | Essay.search("nothing")) == [2, 3]
    assert await found(app, ~Essay.search("left")) == [3]
    assert await found(app, Essay.search("-left")) == [3]
    assert await found(app, expr(Essay.writer).in_(Writer.where(Writer.search('"le guin"')).only(Writer.id))) == [1, 3]
    async with app.session() as session:
        assert await session.count(Essay.where(Essay.search("left"))) == 2


async def test_what_is_written_is_found_and_what_is_removed_is_not(app: Holdall) -> None:
    async with app.session() as session:
        (await session.require(Essay, 3)).body = "a LEFT turn"
        session.add(Essay(id=4, title="left"))
        session.remove(await session.require(Essay, 1))
    assert await found(app, Essay.search("left")) == [2, 3, 4]
    async with app.session() as session:
        await session.update(Essay.where(Essay.search("turn")), title="right")
    assert await found(app, Essay.search("right -hand")) == [3]


async def test_only_who_may_read_the_collection_searches_it() -> None:
    app = Holdall("essays")
    app.add_store("main", "memory:")
    app.add(Writer, store="main", policy=Policy(read=Everyone))
    app.add(Essay, store="main")
    async with app.session(user=ANONYMOUS) as session:
        assert await session.query(Writer.where(Writer.search("le"))) == []
        with pytest.raises(Forbidden):
            await session.query(Essay.where(Essay.search("left")))
        with pytest.raises(Forbidden):
            await session.query(Writer.where(expr(Writer.id).in_(Essay.where(Essay.search("x")).only(Essay.id))))


def test_what_cannot_be_searched_is_refused() -> None:
    class Silent(Model):
        id: int = field(pk=True)

    with pytest.raises(QueryError, match="declares nothing to search"):
        Silent.search("a")
    with pytest.raises(QueryError, match="at least one word"):
        Essay.search("…")
    with pytest.raises(QueryError, match="takes text"):
        Essay.search(7)  # type: ignore[arg-type]
    with pytest.raises(LimitExceeded):
        Essay.search("a " * 300)
    with pytest.raises(QueryError, match="Essay"):
        Writer.where(Essay.search("a"))


class Sign:
    def __init__(self, text: str) -> None:
        self.text = text


_SIGN = Codec(Sign, str, encode=lambda sign: sign.text, decode=Sign, secret=True, example=Sign("a"))


@pytest.mark.parametrize("names", [("nothing",), ("id",), ("body", "secret"), ("writer",), ("kind",)])
def test_only_text_that_may_be_asked_for_is_declared(names: tuple[str, ...]) -> None:
    with pytest.raises(DeclarationError, match="search="):

        class Made(Model, search=names):
            id: int = field(pk=True)
            body: str
            kind: Literal["a", "b"]
            secret: Sign = field(codec=_SIGN)
            writer: Ref[Writer]


def test_a_search_is_inherited_and_may_be_taken_back() -> None:
    class Letter(Essay):
        place: str = ""

    class Note(Essay, search=()):
        pass

    class Call(Essay, search="title"):
        pass

    assert [model.__holdall__.search for model in (Letter, Note, Call)] == [("title", "body"), (), ("title",)]
