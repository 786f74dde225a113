"""Unique values that pass from record to record, in commits over several stores: the state they lead to counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from holdall import Holdall, Model, OnDelete, Ref, field

pytestmark = pytest.mark.anyio


class Node(Model):
    id: int = field(pk=True)
    name: str = field(unique=True)
    up: Ref[Node | None] = field(default=None, on_delete=OnDelete.UNLINK)


class Box(Model):
    id: int = field(pk=True)


_URLS: dict[str, Callable[[Path, str], str]] = {
    "memory": lambda path, name: "memory:",
    "sqlite": lambda path, name: f"sqlite:///{path}/{name}.db",
    "yaml": lambda path, name: f"yaml:{path}/{name}",
}


@pytest.mark.parametrize(
    "first, second", [("sqlite", "yaml"), ("yaml", "sqlite"), ("sqlite", "sqlite"), ("memory", "sqlite")]
)
async def test_names_are_swapped_where_one_of_the_records_is_guarded_as_well(
    tmp_path: Path, first: str, second: str
) -> None:
    """The one that refers to what is removed is compared before it is written; the other one is not."""
    app = Holdall("nodes", journal=f"sqlite:///{tmp_path}/journal.db")
    app.add_store("first", _URLS[first](tmp_path, "first"))
    app.add_store("second", _URLS[second](tmp_path, "second"))
    app.add(Node, store="first")
    app.add(Box, store="second")
    await app.create()
    async with app.session() as session:
        session.add_all([Node(id=1, name="top"), Node(id=2, name="a", up=1), Node(id=3, name="b"), Box(id=1)])
    async with app.session() as session:
        one, other = await session.require(Node, 2), await session.require(Node, 3)
        one.name, other.name = other.name, one.name
        session.remove(await session.require(Node, 1))
        session.remove(await session.require(Box, 1))
    async with app.session() as session:
        found = await session.query(Node.where().sort(Node.id))
        assert [(node.id, node.name, bool(node.up)) for node in found] == [(2, "b", False), (3, "a", False)]
    await app.close()
