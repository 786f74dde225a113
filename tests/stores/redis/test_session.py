"""Models in Redis, from above: sessions, the active-record look, and code that is not async."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import pytest
from redis.asyncio import Redis

from holdall import Holdall, Many, Model, Ref, Stream, back, desc, field, stream
from holdall.errors import CommitAborted, StaleVersion, UniqueViolation, Unsupported
from holdall.stores.redis import RedisCollection
from tests.support.dropping import drop

pytestmark = pytest.mark.anyio


class House(Model):
    id: int = field(pk=True, generated=True)
    name: str = field(unique=True)
    students: Many[Student] = back("house")


class Student(Model):
    id: UUID = field(pk=True, generated=True)
    name: str = field(index=True)
    house: Ref[House | None] = field(default=None, index=True)
    points: int = 0
    changed: datetime = field(auto_now="write")
    diary: Stream = stream()
    version: int = field(version=True)


def hogwarts(url: str, prefix: str) -> Holdall:
    app = Holdall("hogwarts")
    app.add_store("main", url, prefix=prefix, collections={"student": RedisCollection(ttl=3600)})
    app.add(House, Student, store="main")
    return app


async def test_a_session(redis_url: str) -> None:
    app = hogwarts(redis_url, "session")
    async with app.session() as session:
        lions = session.add(House(name="Gryffindor"))
        session.add_all([Student(name=name, house=lions, points=n) for n, name in enumerate(("Ron", "Harry"))])
        await session.commit()
        harry = await session.one(Student.where(Student.name == "Harry"))
        assert (harry.points, harry.changed.tzinfo is not None) == (1, True)
        assert await harry.diary.append(b"Dear diary") == 10
        assert {each.name for each in await lions.students} == {"Harry", "Ron"}
    async with app.session() as session, app.session() as other:
        harry = await session.one(Student.where(Student.name.startswith("Ha"), Student.points > 0))
        again = await other.require(Student, harry.id)
        assert (await harry.house).name == "Gryffindor"  # type: ignore[union-attr]
        best = await session.query(Student.where(Student.house == harry.house).sort(desc(Student.points)).limit(1))
        assert best == [harry]
        with pytest.raises(Unsupported, match=r"points.*field\(index=True\)"):
            await session.query(Student.where(Student.points > 0))
        harry.points = 5
        await session.commit()
        again.points = 6
        with pytest.raises(CommitAborted) as stale:
            await other.commit()
        assert isinstance(stale.value.__cause__, StaleVersion)
        other.rollback()
        other.add(House(name="Gryffindor"))
        with pytest.raises(CommitAborted) as taken:
            await other.commit()
        assert isinstance(taken.value.__cause__, UniqueViolation)
        other.rollback()
        assert {each.name async for each in session.stream(Student.where(), batch=1)} == {"Ron", "Harry"}
        assert await session.count(Student.where()) == 2
        session.remove(harry)
    async with Redis.from_url(redis_url) as raw:
        assert await raw.keys(f"session:student:{harry.id}*") == []
    for store in app.stores.values():
        await drop(store)
    await app.close()


async def test_the_active_record_look(redis_url: str) -> None:
    app = hogwarts(redis_url, "active")
    ron = await Student.objects.create(name="Ron")
    place = f"active:student:{ron.id}"
    assert await Student.objects.names_of(ron) == (place, f"{place}:field:diary")
    await ron.diary.append(b"x")
    ron.points = 3
    await ron.save()
    assert [each.points for each in await Student.objects.filter(name="Ron").order_by("-points")] == [3]
    assert await ron.delete() == 2, "the hash and the stream"
    assert await (await Student(name="Percy").save()).delete() == 1
    async with Redis.from_url(redis_url) as raw:
        assert await raw.keys("active:*[0-9]*") == []
    for store in app.stores.values():
        await drop(store)
    await app.close()


def test_without_async(redis_url: str) -> None:
    app = hogwarts(redis_url, "sync")
    with app.sync.session() as session:
        session.add(House(name="Ravenclaw"))
    with app.sync.session() as session:
        (house,) = session.query(House.where(House.name == "Ravenclaw"))
        session.remove(house)
    with app.sync.session() as session:
        assert session.query(House.where(House.name == "Ravenclaw")) == []
    app.sync.close()
