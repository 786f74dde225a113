"""Calls that close a circle of new records, beside a database: what is left of them is known, and can be undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdall import Holdall, Model, Operation, Ref, State, field, state_of
from holdall.dao import DAO
from holdall.errors import CommitAborted, CommitPartial, Conflict
from holdall.session import Compensate
from holdall.store import Change, Verb
from tests.support.remote_store import Remote

pytestmark = pytest.mark.anyio


class Node(Model):
    id: int = field(pk=True, generated=True, default=None)
    next: Ref[Node | None] = field(default=None)


class Note(Model):
    code: str = field(pk=True)
    node: Ref[Node | None] = field(default=None)


class Nodes(DAO[Node]):
    """The other side: what each node refers to, by its key. One change ends with the error, after its effect or not."""

    def __init__(self) -> None:
        self.rows: dict[int, int | None] = {}
        self.error: Exception | None = None

    async def add(self, node: Node) -> None:
        if not node.id:
            node.id = len(self.rows) + 1
        self.rows[node.id] = node.next.key

    async def update(self, node: Node) -> None:
        error, self.error = self.error, None
        if not isinstance(error, Conflict):
            self.rows[node.id] = node.next.key
        if error is not None:
            raise error


def _opened(folder: Path) -> Holdall:
    app = Holdall("circles", journal=f"sqlite:///{folder}/journal.db")
    app.add_store("main", f"sqlite:///{folder}/main.db")
    app.add(Note, store="main")
    return app


def _circle(*keys: int) -> tuple[Node, Node]:
    a, b = (Node(id=key) for key in keys) if keys else (Node(), Node())
    a.next, b.next = b, a
    return a, b


async def test_records_that_stand_keep_their_keys_where_the_call_that_closes_their_circle_is_refused(
    tmp_path: Path,
) -> None:
    app, dao = _opened(tmp_path), Nodes()
    app.add_dao(dao)
    await app.create()
    dao.error = Conflict("api", "not now")
    async with app.session() as session:
        a, b = session.add_all(_circle())
        session.add(Note(code="x", node=a))
        with pytest.raises(CommitPartial, match="2 calls are left over"):
            await session.commit()
        assert (a.id, b.id, state_of(a), state_of(b)) == (1, 2, State.DIRTY, State.CLEAN)
    assert dao.rows == {1: 2, 2: 1}
    async with app.session() as session:
        assert (await session.require(Note, "x")).node.key == 1
    await app.close()


@pytest.mark.parametrize("keys", [(1, 2), ()])
@pytest.mark.parametrize("ending", ["refused", "lost", "applied"])
async def test_what_undoes_them_is_told_their_keys_and_what_was_sent(
    tmp_path: Path, ending: str, keys: tuple[int, ...]
) -> None:
    """Also where the database refuses its part after all calls went well, which waits for keys that these make."""
    app, dao, told = _opened(tmp_path), Nodes(), list[tuple[Any, ...]]()

    async def undo(operation: Operation) -> None:
        sent = dict(zip(operation.fields, operation.values, strict=True))
        told.append((operation.verb, operation.key, sent, operation.old))
        if operation.verb is Verb.ADD:
            dao.rows.pop(operation.key)

    app.add_dao(dao, compensation=undo)
    await app.create()
    async with app.session() as session:
        session.add(Note(code="x"))
    dao.error = {"refused": Conflict("api", "not now"), "lost": ValueError("no such answer")}.get(ending)
    async with app.session() as session:
        nodes = session.add_all(_circle(*keys))
        note = session.add(Note(code="x" if ending == "applied" else "y", node=nodes[0]))
        with pytest.raises(CommitAborted):
            await session.commit()
        assert dao.rows == {}
        assert [node.id for node in nodes] == list(keys or (None, None))
        additions = [(Verb.ADD, 2, {"id": 2, "next": 1}, None), (Verb.ADD, 1, {"id": 1}, None)]
        closing = (Verb.UPDATE, 1, {"next": 2}, (None,))
        if ending != "applied" or not keys:  # else the database refuses its part before any call is made
            assert told == (additions if ending == "refused" else [closing, *additions])
        note.code = "z"
        await session.commit()
        assert dao.rows == {1: 2, 2: 1}
    await app.close()


async def test_their_inverse_opens_the_circle_first(tmp_path: Path) -> None:
    app, remote, sent = _opened(tmp_path), Remote("api"), list[tuple[Any, ...]]()

    def note(change: Change) -> None:
        sent.append((change.verb, change.key, *(change.values if change.verb is Verb.UPDATE else ())))

    remote.before = note
    app.add_store("api", remote)
    app.add(Node, store="api", compensation=Compensate.INVERSE)
    await app.create()
    async with app.session() as session:
        session.add(Note(code="x"))
    async with app.session() as session:
        nodes = session.add_all(_circle())
        session.add(Note(code="x", node=nodes[0]))
        with pytest.raises(CommitAborted, match="calls were undone"):
            await session.commit()
        session.rollback()
    assert sent[2:] == [(Verb.UPDATE, 1, 2), (Verb.UPDATE, 1, None), (Verb.REMOVE, 2), (Verb.REMOVE, 1)]
    async with app.session() as session:
        assert await session.query(Node.where()) == []
    await app.close()
