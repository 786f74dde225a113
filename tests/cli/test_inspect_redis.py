"""Models written for hashes that other programs keep: JSON, repocket's envelopes, keys of any beginning."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.support.foreign import inspected, is_type_checked, runs
from tests.support.terminal import run

pytestmark = pytest.mark.early

_PROGRAM = """
import asyncio
from found import User, Visit, app

async def main() -> None:
    async with app.session() as s:
        visit = await s.require(Visit, id=17)
        print(visit.page_in_full, visit.tags, len(await s.query(Visit.where())))
        visit.page_in_full = "/b"
        s.add(Visit(id=19, page_in_full="/c", tags=[], seconds=1.0))
        (user,) = await s.query(User.where())
        print(user.name, user.id)
    await app.close()

asyncio.run(main())
"""


def _envelope(kind: str, value: str) -> str:
    return json.dumps({"module": "repocket.attributes", "type": kind, "value": value})


@pytest.fixture
def place(redis_url: str) -> Iterator[tuple[str, Any]]:
    url = redis_url.rpartition("/")[0] + "/7"
    with redis.Redis.from_url(url) as raw:
        raw.flushdb()
        yield url, raw
        raw.flushdb()


def _fill(raw: Any, start: str) -> None:
    for number in (17, 18):
        values = {"id": number, "page, in full": "/a", "tags": ["x"], "seconds": number / 2}
        raw.hset(f"{start}visit:{number}", mapping={name: json.dumps(value) for name, value in values.items()})
    key = "970773fa-4de1-4e2b-9d2c-2d3f0e0f3a11"
    user = {"id": _envelope("AutoUUID", key), "name": _envelope("Unicode", "Harry"), "odd": _envelope("Own", "x")}
    raw.hset(f"{start}hogwarts.models:User:{key}", mapping=user)
    raw.hset(f"{start}plain:1", mapping={"name": "Ada Lovelace"})
    raw.hset(f"{start}nameless:1", mapping={"name": '"x"'})
    raw.set(f"{start}cache:1", "x")
    raw.set("lonely", "x")


@pytest.mark.parametrize("start", ["app:", ""])
def test_models_for_hashes_of_others_fit_once_listed(place: tuple[str, Any], tmp_path: Path, start: str) -> None:
    url, raw = place
    _fill(raw, start)
    written = inspected(tmp_path, url)
    assert f'prefix="{start.rstrip(":")}"' in written
    assert '    page_in_full: str = field(column="page, in full")\n' in written
    assert "    tags: list[str]\n" in written
    assert "    seconds: float\n" in written
    assert 'RedisCollection(name="hogwarts.models:User", encoding="typed")' in written
    assert "# field odd is of the types Own, which no field is guessed for, and is left out" in written
    assert f"# cache is left out:\n#   keys {start}cache:… are of type string" in written
    assert "neither JSON nor in envelopes" in written
    assert "# nameless is left out:\n#   no field of its hashes holds the key" in written
    unlisted = run(tmp_path, "holdall", "check", "found:app")
    assert "not listed" in unlisted.output + unlisted.errors
    assert run(tmp_path, "holdall", "create", "found:app").code == 0
    assert runs(tmp_path, _PROGRAM) == "/a ['x'] 2\nHarry 970773fa-4de1-4e2b-9d2c-2d3f0e0f3a11\n"
    assert raw.hget(f"{start}visit:17", "page, in full") == b'"/b"'
    assert raw.hget(f"{start}visit:19", "id") == b"19"
    assert "not listed" not in inspected(tmp_path, url, "--collection", "visit", module="again")
    if start:
        is_type_checked(written, "redis", redis=url)


def test_an_empty_database(place: tuple[str, Any], tmp_path: Path) -> None:
    empty = run(tmp_path, "holdall", "inspect", place[0])
    assert (empty.code, empty.errors) == (1, "holdall: the store has no tables or collections\n")
