from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest

from holdall import JSON, Holdall, Model, Policy, Ref, Role, Stream, User, field, stream
from holdall.errors import DeclarationError, Forbidden, QueryError, StaleVersion, StateError, Unsupported
from holdall.policy import Authenticated

pytestmark = pytest.mark.anyio

T = TypeVar("T")


class Job(Model):
    id: UUID = field(pk=True, generated=True)
    name: str
    log: Stream = stream()
    picture: Stream = stream()


class Stamped(Model, abstract=True):
    made: datetime = field(auto_now="create")
    touched: datetime = field(auto_now="write")
    day: date = field(auto_now="create")
    notes: Stream = stream()


class Task(Stamped):
    id: int = field(pk=True)
    name: str = ""
    data: JSON = None
    job: Ref[Job | None] = field(default=None)


def workshop(url: str = "memory:", **policy: Any) -> Holdall:
    app = Holdall("workshop")
    app.add_store("main", url)
    app.add(Job, Task, store="main", policy=Policy(**policy) if policy else None)
    return app


async def test_append_and_read_beside_the_commit() -> None:
    app = workshop()
    async with app.session() as session:
        job = session.add(Job(name="press"))
        with pytest.raises(StateError, match="commit it before"):
            await job.log.append(b"too early")
        await session.commit()
        assert await job.log.append(b"first ") == 6
        job.name = "changed, and rolled back"
        assert await job.log.append(b"second") == 12
        session.rollback()
        assert (await job.log.read(), await job.log.read(6), await job.log.read(2, 5)) == (
            b"first second",
            b"second",
            b"rst",
        )
        assert (await job.log.length(), await job.picture.length()) == (12, 0)
        assert job.name == "press"
        assert repr(job.log) == "Stream(Job.log)"
    async with app.session() as session:
        again = await session.require(Job, job.id)
        session.remove(again)
        await session.commit()
        with pytest.raises(StateError):
            await again.log.read()
    await app.close()


async def test_in_the_active_record_look() -> None:
    app = workshop()
    job = await Job(name="press").save()
    assert await job.log.append(b"x") == 1
    assert await Job.objects.names_of(job) == ()
    unsaved = Job(name="new")
    with pytest.raises(StateError):
        await unsaved.log.append(b"x")
    assert await job.delete() == 1
    gone = await Job(name="other").save()
    async with app.session() as session:
        session.remove(await session.require(Job, gone.id))
    with pytest.raises(StaleVersion):
        await gone.log.append(b"x")
    await app.close()


async def test_rights() -> None:
    app = workshop(read=Authenticated, create=Authenticated, update=Role("writer"))
    async with app.session(user=User("u")) as session:
        job = session.add(Job(name="press"))
        await session.commit()
        with pytest.raises(Forbidden):
            await job.log.append(b"x")
        assert await job.log.read() == b""
    await app.close()


def test_it_is_no_field() -> None:
    job = Job(name="x")
    assert [each.name for each in Job.__holdall__.fields] == ["id", "name"]
    with pytest.raises(AttributeError, match="append to it"):
        job.log = b"x"  # type: ignore[assignment]
    assert isinstance(job["log"], Stream)
    assert Task.__holdall__.streams == ("notes",)


async def test_other_stores_refuse_them_when_they_are_declared() -> None:
    app = workshop("sqlite://")
    with pytest.raises(Unsupported, match="streams"):
        await app.create()
    await app.close()


async def test_stamps() -> None:
    app = workshop()
    before = datetime.now(UTC)
    async with app.session() as session:
        task = session.add(Task(id=1))
        assert [task["made"], task["touched"]] == [None, None]
        kept = session.add(Task(id=2, made=before - timedelta(9)))  # type: ignore[call-arg]
        await session.commit()
        assert before <= task.made == task.touched <= datetime.now(UTC)
        assert task.day == task.made.date()
        assert (kept.made, kept.touched) == (before - timedelta(9), task.touched)
        made, touched = task.made, task.touched
        await session.commit()
        assert task.touched == touched, "nothing was written"
        task.name = "x"
        await session.commit()
        assert task.made == made
        assert task.touched > touched
    async with app.session() as session:
        assert (await session.require(Task, 1)).touched == task.touched
    await app.close()


def test_stamps_are_of_moments() -> None:
    with pytest.raises(DeclarationError, match="datetime or a date"):

        class Wrong(Model):
            id: int = field(pk=True)
            at: str = field(auto_now="write")


def test_matches_and_item_access() -> None:
    job = Job(name="x", id=UUID(int=1))  # type: ignore[call-arg]
    task = Task(id=1, name="a", data={"n": 1, "is": True}, job=job)
    assert task.matches()
    assert task.matches(id=1, name="a", data={"is": True, "n": 1}, job=job)
    assert task.matches(job=UUID(int=1))
    assert not task.matches(id=2, name="a")
    assert not task.matches(id=1, name="b"), "all of them must hold"
    assert not task.matches(data={"is": 1, "n": 1})
    assert task.matches(made=None)
    assert not task.matches(name=None)
    assert not Task(id=1).matches(job=job)
    for wrong in ({"nothing": 1}, {"id": "1"}):
        with pytest.raises(QueryError):
            task.matches(**wrong)
    assert (task["name"], task["id"]) == ("a", 1)
    with pytest.raises(KeyError):
        task["nothing"]
