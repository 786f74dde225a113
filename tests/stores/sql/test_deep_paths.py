"""Long paths through several Manys answer as defined, and are not asked again for each row around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdall import Everyone, Holdall, Many, Model, Policy, Ref, back, field
from holdall.testing.client import Client

pytestmark = pytest.mark.anyio


class Person(Model, collection="persons"):
    id: int = field(pk=True)
    name: str
    boss: Ref[Person | None] = field(default=None)
    staff: Many[Person] = back("boss")


async def answers(url: str) -> list[list[int]]:
    app = Holdall("deep")
    app.add_store("m", url)
    app.add(Person, store="m", policy=Policy(read=Everyone))
    await app.create()
    async with app.session() as s:
        s.add(Person(id=1, name="root"))
    async with app.session() as s:
        s.add_all(Person(id=i, name=f"n{i % 7}", boss=(i - 2) // 5 + 1) for i in range(2, 200))
    found = []
    async with Client(app.asgi()) as c:
        for path in ("staff.staff.", "boss.staff.staff.", "boss.staff.boss.staff.boss.staff.boss.staff."):
            for end in ("name=n3", "name=zzz", "id__gt=150", "name__ne=n1"):
                answer = await c.get(f"/persons?{path}{end}&page_size=200&sort=id&fields=id")
                assert answer.status == 200
                found.append([row["id"] for row in answer.json()["data"]])
    return found


async def test_long_paths_answer_as_defined(tmp_path: Path) -> None:
    in_sql = await answers(f"sqlite:///{tmp_path / 'deep.db'}")
    assert in_sql == await answers("memory:")
    assert any(in_sql)
