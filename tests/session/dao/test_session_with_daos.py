"""What a session has for hand-written code: DAOs of its own, records given by hand, records that add themselves."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref

import pytest

from holdall import Holdall, Model, State, field, state_of
from holdall.dao import DAO, SessionState
from holdall.errors import DeclarationError, StateError, Unsupported
from holdall.query import Compare, Op, Query
from holdall.session import Session
from tests.support.firm_of_daos import Company, CompanyDAO, Employee, EmployeeDAO, Remote, firm

pytestmark = pytest.mark.anyio


@pytest.fixture
def remote() -> Remote:
    remote = Remote()
    remote.companies = {1: {"name": "Initech"}}
    remote.employees = {1: {"name": "Ann", "age": 40, "company": 1}}
    return remote


async def test_daos_of_one_session_are_there_for_no_other(remote: Remote) -> None:
    app = Holdall("firm")
    async with app.session() as s, app.session() as other:
        s.register_dao(EmployeeDAO(remote))
        with pytest.raises(StateError, match="Company is not part"):
            await s.get(Employee, 1)  # what it refers to is not there yet
        dao = CompanyDAO(remote)
        s.register_dao(dao)
        ann = await s.require(Employee, 1)
        company = await ann.company
        assert company is not None
        assert company.name == "Initech"
        assert s.get_dao(Company) is dao
        with pytest.raises(StateError, match="not part of this Holdall"):
            await other.get(Employee, 1)
    assert list(app.collections()) == []


async def test_daos_of_a_session_beside_those_of_all(remote: Remote) -> None:
    app = Holdall("firm")
    app.add_dao(CompanyDAO(remote))
    async with app.session() as s:
        company = await s.require(Company, 1)
        s.register_dao(EmployeeDAO(remote))
        ann = await s.require(Employee, 1)
        assert await ann.company is company
        for taken in (EmployeeDAO(remote), CompanyDAO(remote)):
            with pytest.raises(DeclarationError, match="already bound"):
                s.register_dao(taken)
    assert [binding.collection for binding in app.collections()] == ["company"]


async def test_daos_of_one_session_are_asked_by_the_names_of_their_collections(remote: Remote) -> None:
    async with Holdall("firm").session() as s:
        s.register_dao(EmployeeDAO(remote), CompanyDAO(remote))
        (company,) = await s.query(Query[Company]("company", Compare(("id",), Op.EQ, 1)))
        assert company.name == "Initech"
        with pytest.raises(StateError, match="holding"):
            await s.query(Query[Company]("holding", Compare(("id",), Op.EQ, 1)))


async def test_two_daos_of_one_session_have_two_names(remote: Remote) -> None:
    class Rival(Model, collection="company"):
        id: int = field(pk=True)

    class RivalDAO(DAO[Rival]):
        async def get(self, *, id: int) -> Rival | None:  # noqa: A002 - named as the key is
            return Rival(id=id)

    async with Holdall("firm").session() as s:
        s.register_dao(CompanyDAO(remote))
        with pytest.raises(DeclarationError, match="already a collection 'company'"):
            s.register_dao(RivalDAO())


async def test_get_dao_of_a_model_kept_otherwise(remote: Remote) -> None:
    app = firm(remote)
    app.add_store("main", "memory:")

    class Note(Employee):
        pass

    app.add(Note, store="main")
    async with app.session() as s:
        assert isinstance(s.get_dao(Employee), EmployeeDAO)
        with pytest.raises(StateError, match="kept by store 'main'"):
            s.get_dao(Note)


async def test_missing_methods_are_named_when_they_are_needed(remote: Remote) -> None:
    class Mute(DAO[Company]):
        pass

    app = Holdall("firm")
    app.add_dao(Mute(), EmployeeDAO(remote))
    async with app.session() as s:
        with pytest.raises(Unsupported, match=r"Mute\.get"):
            await s.get(Company, 1)
        with pytest.raises(Unsupported, match=r"Mute\.add"):
            s.add(Company(name="Hooli"))
        company = s.register(Company(id=1, name="Initech"))
        with pytest.raises(Unsupported, match=r"Mute\.remove"):
            s.remove(company)
        assert state_of(company) is State.CLEAN
        company.name = "Hooli"
        with pytest.raises(Unsupported, match=r"Mute\.update"):
            s.plan()
        with pytest.raises(Unsupported, match=r"Mute\.update"):
            await s.commit()
        s.rollback()


async def test_records_given_by_hand(remote: Remote) -> None:
    async with firm(remote).session() as s:
        company = Company(id=1, name="Initech")
        ann = Employee(id=1, name="Ann", company=company)
        assert s.register_model(ann)
        assert (state_of(ann), state_of(company)) == (State.CLEAN, State.CLEAN)
        assert await s.get(Company, 1) is company
        assert not s.register_model(ann)
        other = Employee(id=1, name="Anna", company=Company(id=1, name="Other"))
        assert not s.register_model(other)
        assert state_of(other) is State.UNBOUND
        ann.age = 7
        assert s.register_model(other, force=True)
        assert await s.get(Employee, 1) is other
        assert other.company.record is company
        assert state_of(ann) is State.UNBOUND
        s.unregister_model(other)
        assert state_of(other) is State.UNBOUND
        with pytest.raises(StateError, match="has no key"):
            s.register_model(Employee(name="Bob"))
    assert remote.calls == []


async def test_records_that_refer_to_each_other_are_taken_together(remote: Remote) -> None:
    async with firm(remote).session() as s:
        ann, bob = Employee(id=1, name="Ann"), Employee(id=2, name="Bob")
        ann.boss, bob.boss = bob, ann
        assert s.register_model(ann)
        assert (state_of(ann), state_of(bob)) == (State.CLEAN, State.CLEAN)
        assert ann.boss.record is bob
        assert bob.boss.record is ann


async def test_update_cache_finds_keys_given_later(remote: Remote) -> None:
    async with firm(remote).session() as s:
        ann = s.add(Employee(name="Ann"))
        s.update_cache()
        object.__setattr__(ann, "id", 9)
        s.update_cache()
        assert await s.get(Employee, 9) is ann
        s.rollback()
    assert remote.calls == []


async def test_records_made_in_the_block_add_themselves(remote: Remote) -> None:
    app = firm(remote)
    async with app.session(auto_add=True) as s:
        ann = Employee(name="Ann")
        assert state_of(ann) is State.NEW
        got = await s.require(Employee, 1)
        assert state_of(got) is State.CLEAN
        async with app.session() as inner:
            assert state_of(Employee(name="Bob")) is State.UNBOUND
            async with app.session(auto_add=True) as innermost:
                bob = Employee(name="Bob")
                assert innermost.remove(bob) is False
            assert inner.plan().steps == ()
        assert state_of(await asyncio.create_task(make())) is State.NEW
        with pytest.raises(ValueError, match="name"):
            Employee(age=3)  # type: ignore[call-arg]
        assert len(s.plan().steps[0].batches[0].records) == 2
        s.rollback()
    assert state_of(Employee(name="Ann")) is State.UNBOUND


async def make() -> Employee:
    return Employee(name="Cid", age=3)


def test_records_add_themselves_without_async(remote: Remote) -> None:
    app = firm(remote)
    with app.sync.session(auto_add=True) as s:
        assert state_of(Employee(name="Ann")) is State.NEW
        s.rollback()
    app.sync.close()


async def test_the_state_is_seen_by_what_the_session_calls(remote: Remote) -> None:
    seen: list[SessionState] = []

    class Seeing(EmployeeDAO):
        async def get(self, *, id: int) -> Employee | None:  # noqa: A002
            seen.append(self.session.state)
            later.append(asyncio.create_task(outlive()))
            return await super().get(id=id)

    async def outlive() -> None:
        await gate.wait()
        seen.append(s.state)

    gate, later = asyncio.Event(), list[asyncio.Task[None]]()
    app = Holdall("firm")
    app.add_dao(Seeing(remote), CompanyDAO(remote))
    async with app.session() as s:
        await s.get(Employee, 1)
        gate.set()
        await later[0]
        seen.append(s.state)
    assert seen == [SessionState.GET, SessionState.STANDBY, SessionState.STANDBY]


async def test_what_is_opened_meanwhile_does_not_keep_the_session(remote: Remote) -> None:
    """A connection that a DAO opens lives on with the context of that moment."""

    class Opening(EmployeeDAO):
        async def get(self, *, id: int) -> Employee | None:  # noqa: A002
            contexts.append(contextvars.copy_context())
            sessions.append(weakref.ref(self.session))
            return await super().get(id=id)

    contexts: list[contextvars.Context] = []
    sessions: list[weakref.ref[Session]] = []
    app = Holdall("firm")
    app.add_dao(Opening(remote), CompanyDAO(remote))
    async with app.session(auto_add=True) as s:
        await s.get(Employee, 1)
    del s
    gc.collect()
    assert len(contexts) == 1
    assert sessions[0]() is None
    ann = await Employee.objects.get(id=1)
    assert ann is not None
    ann.name = "Anna"
    await ann.save()
    assert remote.employees[1]["name"] == "Anna"
