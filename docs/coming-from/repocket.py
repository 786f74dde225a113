"""The tutorial of repocket: wizards in Redis, saved, found, sorted, appended to and deleted, in the keys repocket uses.

Run it with ``REDIS_URL=redis://127.0.0.1:6379/0 python docs/coming-from/repocket.py``; it takes away what it wrote.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from datetime import datetime
from typing import Any
from uuid import UUID

from redis.asyncio import Redis

from holdall import JSON, Holdall, Model, Ref, Stream, expr, field, stream
from holdall.errors import ValidationError
from holdall.store import Provisioned
from holdall.stores.redis import RedisCollection

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
PREFIX = "repocket-tutorial"  # repocket itself has "repocket"

HARRY = UUID("970773fa-4de1-11e5-86f4-6c4008a70392")
RON = UUID("40997aa4-71fc-4ad3-b0d7-04c0fac6d6d8")


# --- declaring models ----------------------------------------------------------------------------------------------


class User(Model):
    id: UUID = field(pk=True, generated=True, default=None)
    name: str
    house_name: str = field(index=True)  # what is asked for often has an index
    email: str
    password: bytes
    metadata: JSON = None


class Project(Model):
    id: UUID = field(pk=True, generated=True)
    name: str
    git_uri: str
    owner: Ref[User]  # a Pointer


class Build(Model):
    id: UUID = field(pk=True, generated=True)
    project: Ref[Project]
    started_at: datetime = field(auto_now="create")
    stdout: Stream = stream()  # a ByteStream
    stderr: Stream = stream()


def hogwarts(url: str = URL) -> Holdall:
    """The application, with records where repocket has those of the module ``hogwarts.models``, in its envelopes."""
    app = Holdall("hogwarts")
    models = (User, Project, Build)
    named = {
        model.__name__.lower(): RedisCollection(name=f"hogwarts.models:{model.__name__}", encoding="typed")
        for model in models
    }
    app.add_store("main", url, prefix=PREFIX, collections=named, scan_limit=1_000)
    app.add(*models, store="main")
    return app


# --- at work -------------------------------------------------------------------------------------------------------


async def persist() -> None:
    tricks = ["Protego", "Expelliarmus", "Wingardium Leviosa", "Expecto Patronum"]
    harry = await User.objects.create(
        id=HARRY,
        name="Harry Potter",
        email="harry@hogwards.uk",
        house_name="Gryffindor",
        password=hashlib.scrypt(b"hermione42", salt=b"salt", n=2, r=1, p=1).hex().encode(),
        metadata={"known_tricks": tricks},
    )
    ron = User(
        id=RON,
        name="Ron Weasley",
        email="ron@hogwards.uk",
        house_name="Gryffindor",
        password=b"scabbers",
        metadata={"known_tricks": tricks[:2]},
    )
    await ron.save()
    assert await User.objects.names_of(harry) == (f"{PREFIX}:hogwarts.models:User:{HARRY}",)
    assert ron.matches(name="Ron Weasley", house_name="Gryffindor")
    assert not ron.matches(name="Ron Weasley", house_name="Slytherin")


async def retrieve() -> None:
    harry = await User.objects.get(id=HARRY)
    assert harry is not None
    assert harry.metadata == {
        "known_tricks": ["Protego", "Expelliarmus", "Wingardium Leviosa", "Expecto Patronum"]
    }  # what was stored, not its text
    assert harry.id == harry["id"] == HARRY
    assert await User.objects.get(id=UUID(int=0)) is None

    results = await User.objects.filter(house_name="Gryffindor").order_by("-name")
    assert [user.name for user in results] == ["Ron Weasley", "Harry Potter"]
    assert await User.objects.filter(house_name="Gryffindor").count() == 2
    assert await User.objects.filter(house_name="Slytherin") == []

    harry.email = "harry@ministry.uk"
    await harry.save()  # writes what changed
    again = await User.objects.get(id=HARRY)
    assert again is not None
    assert again.email == "harry@ministry.uk"


async def follow_and_append(app: Holdall) -> None:
    async with app.session() as s:
        project = s.add(Project(name="Marauder's Map", git_uri="git@hogwards.uk:map", owner=HARRY))
        build = s.add(Build(project=project))
    assert build.started_at is not None

    assert await build.stdout.append(b"I solemnly swear ") == 17
    await build.stdout.append(b"that I am up to no good\n")
    await build.stderr.append(b"owl not found\n")
    assert await build.stdout.read() == b"I solemnly swear that I am up to no good\n"
    assert await build.stdout.read(2, 10) == b"solemnly"
    assert await build.stderr.length() == 14

    async with app.session() as s:
        same = await s.require(Build, build.id)
        owner = await (await same.project).owner
        assert owner.name == "Harry Potter"
        harrys = await s.query(Build.where(expr(Build.project.owner) == HARRY))
        assert harrys == [same]
    assert await build.delete() == 3  # its hash and two streams


async def look_inside() -> None:
    redis: Any = Redis.from_url(URL, decode_responses=True)  # pyright: ignore[reportUnknownMemberType]
    try:
        values = await redis.hgetall(f"{PREFIX}:hogwarts.models:User:{RON}")
    finally:
        await redis.aclose()
    print(values["name"])
    assert values["name"] == '{"module":"repocket.attributes","type":"Unicode","value":"Ron Weasley"}'


async def be_refused() -> None:
    try:
        User(name=None, email="x", house_name="Gryffindor", password="secret")  # type: ignore[arg-type]
    except ValidationError as error:
        print(error)
    assert await User.objects.filter(name="Ron Weasley").first() is not None


def script() -> None:
    """For programs that are not async, as repocket's are."""
    app = hogwarts()
    app.sync.create()
    try:
        with app.sync.session() as s:
            s.add(User(name="Luna Lovegood", email="luna@hogwards.uk", house_name="Ravenclaw", password=b"nargles"))
        with app.sync.session() as s:
            (luna,) = s.query(User.where(User.house_name == "Ravenclaw"))
            s.remove(luna)
    finally:
        app.sync.close()


async def main() -> None:
    """The tutorial from its beginning to its end."""
    app = hogwarts()
    store = app.stores["main"]
    await app.create()
    try:
        await persist()
        await retrieve()
        await follow_and_append(app)
        await look_inside()
        await be_refused()
        ron = await User.objects.get(id=RON)
        assert ron is not None
        assert await ron.delete() == 1
    finally:
        assert isinstance(store, Provisioned)
        await store.drop()
        await app.close()


if __name__ == "__main__":
    script()
    asyncio.run(main())
