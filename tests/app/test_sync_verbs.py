"""The verbs of the sync facade give what the verbs of the same names give when they are awaited."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdall import Guarantee, Holdall, Model, Ref, State, Strategy, field, state_of
from holdall.app import SyncSession
from holdall.dao import DAO, query
from holdall.errors import CommitError, NotFound


class Country(Model):
    code: str = field(pk=True)
    name: str


class City(Model):
    id: int = field(pk=True)
    name: str
    country: Ref[Country]


class Guest(Model):
    room: int = field(pk=True)
    name: str


class Guests(DAO[Guest]):
    async def get(self, *, room: int) -> Guest | None:
        return Guest(room=room, name=f"guest {room}")


@query
async def no_guests() -> list[Guest]:
    return []


@pytest.fixture
def app() -> Iterator[Holdall]:
    made = Holdall("atlas")
    made.add_store("main", "memory:")
    made.add(Country, City, store="main")
    with made.sync.session() as session:
        france = session.add(Country(code="FR", name="France"))
        session.add_all([City(id=1, name="Paris", country=france), City(id=2, name="Lyon", country=france)])
    yield made
    made.sync.close()


@pytest.fixture
def session(app: Holdall) -> Iterator[SyncSession]:
    with app.sync.session() as made:
        yield made


def test_queries_are_answered(session: SyncSession) -> None:
    lyon, french = City.where(City.name == "Lyon"), City.where(City.country.code == "FR").sort(City.id)
    assert [city.id for city in session.query(french)] == [1, 2]
    assert session.one(lyon) is session.get(City, 2)
    assert (session.first(french), session.first(french.limit(0))) == (session.get(City, 1), None)
    assert (session.exists(lyon), session.exists(City.where(City.id == 3))) == (True, False)
    assert session.count(french) == 2
    assert session.rows(lyon.only(City.id, City.country)) == [(2, "FR")]
    assert session.explain(lyon).store == "main"
    found = session.readable(french)
    assert ([city.id for city in found.records], found.broken) == ([1, 2], [])


def test_a_record_is_mended_loaded_and_refreshed(app: Holdall, session: SyncSession) -> None:
    city = session.mend(City, 1)
    with pytest.raises(NotFound):
        session.mend(City, 3)
    session.load(city, City.country)
    assert city.country.name == "France"
    assert session.names_of(city) == ()
    with app.sync.session() as other:
        other.require(City, 1).name = "Lutetia"
    city.name = "Paname"
    session.refresh(city)
    assert (city.name, state_of(city)) == ("Lutetia", State.CLEAN)


def test_records_are_taken_in_and_let_go(app: Holdall, session: SyncSession) -> None:
    with app.sync.session() as other:
        paris = other.require(City, 1)
    session.attach(paris).name = "Lutetia"
    lyon = session.register(City(id=2, name="Lyon", country="FR"))
    assert state_of(lyon) is State.CLEAN
    session.unregister(lyon)
    assert state_of(lyon) is State.UNBOUND
    session.commit()
    session.reset()
    assert session.require(City, 1) is not paris
    assert session.require(City, 1).name == "Lutetia"


def test_hand_written_code_is_registered(session: SyncSession) -> None:
    guests = Guests()
    session.register_dao(guests)
    assert session.get_dao(Guest) is guests
    assert session.require(Guest, 1).name == "guest 1"
    ada = Guest(room=2, name="Ada")
    assert session.register_model(ada)
    assert session.get(Guest, 2) is ada
    session.unregister_model(ada)
    assert session.require(Guest, 2).name == "guest 2"
    bo = Guest(room=3, name="Bo")
    assert session.register_query(no_guests(), [bo]) == [bo]
    assert session.query(no_guests()) == [bo]
    assert session.query(no_guests(), force=True) == []


def test_a_new_record_is_found_under_a_key_given_later(session: SyncSession) -> None:
    country = session.add(Country(code="XX", name="Utopia"))
    country.code = "UT"
    session.update_cache()
    assert session.get(Country, "UT") is country
    session.rollback()
    assert session.get(Country, "UT") is None


def test_a_commit_is_planned_and_told(session: SyncSession) -> None:
    session.add(Country(code="BE", name="Belgique"))
    assert [batch.verb.value for step in session.plan().steps for batch in step.batches] == ["add"]
    assert session.expand().guarantee is Guarantee.ATOMIC
    done = session.commit(require="atomic", strategy=Strategy.CONTINUE_ON_ERROR, timeout=5.0)
    session.raise_for_status(done)
    assert [task.state.value for task in done.tasks] == ["applied"]


def test_a_commit_that_failed_is_raised_later(app: Holdall, session: SyncSession) -> None:
    paris = session.require(City, 1)
    session.expect(paris, "name")
    with app.sync.session() as other:
        other.require(City, 1).name = "Lutetia"
    paris.name = "Paname"
    refused = session.commit(raise_for_status=False)
    with pytest.raises(CommitError, match="1"):
        session.raise_for_status(refused)
    session.rollback()
    with app.sync.session() as other:
        assert other.require(City, 1).name == "Lutetia"
