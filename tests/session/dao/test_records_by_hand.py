"""Records that hand-written code gives, taken into a session: renewed, many at once, far apart, and mistaken ones."""

from __future__ import annotations

import pytest

from holdall import Holdall, Model, Ref, State, field, state_of
from holdall.dao import DAO, query
from holdall.errors import CommitPartial, NotFound, QueryError, StateError, StoreTimeout, StoreUnavailable
from holdall.session import Session, TaskState

pytestmark = pytest.mark.anyio
_DEEP = 5_000


class Part(Model):
    key: int = field(pk=True, generated=True, default=None)
    tags: list[str] = field(default_factory=list)
    above: Ref[Part | None] = field(default=None)


class Parts(DAO[Part]):
    error: Exception | None = None

    async def get(self, *, key: int) -> Part | None:
        if self.error is not None:
            raise self.error
        return _chain(key, _DEEP)

    async def add(self, part: Part) -> None:
        part.key = 7

    async def update(self, part: Part) -> None:
        pass


def _chain(key: int, length: int) -> Part:
    part = None
    for number in range(length, 0, -1):
        part = Part(key=number + key, above=part)
    return Part(key=key, above=part)


@query
async def everything(session: Session) -> list[Part]:
    return [Part(key=1, tags=["stored"]), Part(key=2, tags=["stored"])]


@query
async def one_part(session: Session) -> list[Part]:
    return Part(key=1)  # type: ignore[return-value]


@query
async def no_list(session: Session) -> list[Part]:
    return None  # type: ignore[return-value]


def application(dao: Parts | None = None) -> Holdall:
    app = Holdall("parts")
    app.add_dao(dao or Parts())
    return app


async def test_asking_again_keeps_what_was_changed_in_place() -> None:
    async with application().session() as session:
        one, two = await session.query(everything())
        one.tags.append("mine")
        assert await session.query(everything(), force=True) == [one, two]
        assert one.tags == ["stored", "mine"]
        assert [record for batch in session.plan().steps[0].batches for record in batch.records] == [one]
        two.tags.append("mine")
        await session.register_query(everything(), [Part(key=2, tags=["given"])], force=True)
        assert two.tags == ["stored", "mine"]
        session.rollback()
        await session.query(everything(), force=True)
        assert one.tags == ["stored"]


async def test_records_far_down_a_chain_of_references_are_taken() -> None:
    async with application().session() as session:
        first = await session.require(Part, 1)
        last = await session.require(Part, 1 + _DEEP)
        assert [state_of(first), state_of(last)] == [State.CLEAN, State.CLEAN]
        assert session.register_model(_chain(100_000, _DEEP))
        assert await session.get(Part, 100_000 + _DEEP) is not None


async def test_of_what_cannot_be_taken_nothing_is_left_behind() -> None:
    async with application().session() as session:
        with pytest.raises(StateError, match="has no key"):
            session.register_model(Part(key=1, above=Part(key=2, above=Part())))
        assert session.register_model(Part(key=1, above=Part(key=2)))


async def test_a_circle_of_records_is_taken_once() -> None:
    a, b = Part(key=1), Part(key=2)
    a.above, b.above = b, a
    async with application().session() as session:
        known = Part(key=2)
        session.register_model(known)
        session.register_model(a)
        assert [state_of(a), state_of(b)] == [State.CLEAN, State.UNBOUND]
        assert await session.get(Part, 2) is known
        assert await a.above is known


async def test_two_new_records_with_one_key_are_not_both_stored() -> None:
    async with application().session() as session:
        session.add_all([Part(), Part()])
        with pytest.raises(CommitPartial, match="the key of another record") as caught:
            await session.commit()
        assert sorted(task.state for task in caught.value.tasks) == [TaskState.APPLIED, TaskState.UNKNOWN]
        session.rollback()


async def test_a_query_function_that_gives_no_list_is_told_so() -> None:
    async with application().session() as session:
        with pytest.raises(StateError, match="one_part gave a Part where a list of records"):
            await session.query(one_part())
        with pytest.raises(StateError, match="no_list gave a NoneType where a list of records"):
            await session.query(no_list())
        with pytest.raises(QueryError, match=r"everything is a query function: call it"):
            await session.query(everything)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "error, kind",
    [
        (ConnectionResetError("gone"), StoreUnavailable),
        (TimeoutError("slow"), StoreTimeout),
        (NotFound("part", 1), NotFound),
        (KeyError("a bug"), KeyError),
    ],
)
async def test_what_an_error_of_get_becomes(error: Exception, kind: type[Exception]) -> None:
    dao = Parts()
    dao.error = error
    async with application(dao).session() as session:
        with pytest.raises(kind) as caught:
            await session.get(Part, 1)
        assert caught.value is error or (caught.value.__cause__ is error and "Parts.get raised" in str(caught.value))
