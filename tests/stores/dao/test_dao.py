"""How DAOs are declared, and what their errors mean."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from holdall import Holdall, Model, field
from holdall.dao import DAO, CommitClass, Feature
from holdall.errors import (
    Conflict,
    DeclarationError,
    HoldallError,
    StateError,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
    Unsupported,
)
from holdall.query import Query
from holdall.store import Change, RecordAccess, Store, Verb, open_store
from holdall.stores.dao import DaoStore
from tests.support.firm_of_daos import Company, CompanyDAO, Employee, EmployeeDAO, Remote

pytestmark = pytest.mark.anyio
M = TypeVar("M", bound=Model)


class ApiDAO(DAO[M]):
    """One for any model."""

    async def remove(self, record: M) -> None:
        raise ConnectionError


class NoteDAO(DAO["Note"]):
    pass


class Note(Model):
    id: int = field(pk=True)
    text: str = field(unique=True)
    version: int = field(version=True)


def test_the_model_follows_from_the_class() -> None:
    class DerivedDAO(ApiDAO[Company]):
        pass

    class ToldDAO(NoteDAO):
        model = Note
        features = frozenset({Feature.UNIQUE, Feature.VERSIONS})

    app = Holdall("firm")
    app.add_dao(DerivedDAO(), ApiDAO[Employee](), ToldDAO())
    assert [binding.model for binding in app.collections()] == [Company, Employee, Note]
    app.bindings.configure()


@pytest.mark.parametrize("dao", [NoteDAO(), DAO(), object(), EmployeeDAO])
def test_what_is_no_dao_of_a_model_is_refused(dao: Any) -> None:
    with pytest.raises(DeclarationError):
        Holdall("firm").add_dao(dao)


def test_methods_are_coroutine_functions() -> None:
    with pytest.raises(DeclarationError, match=r"Plain\.add must be declared with async def"):

        class Plain(DAO[Company]):
            def add(self, record: Company) -> None:  # type: ignore[override]
                pass


def test_a_store_of_its_own_by_url() -> None:
    app = Holdall("firm")
    app.add_store("hr", "dao:", collections={"employee": EmployeeDAO(Remote()), "company": CompanyDAO(Remote())})
    app.add(Employee, store="hr")
    with pytest.raises(StateError, match="Company is not part"):
        app.bindings.configure()
    app.add(Company, store="hr")
    app.bindings.configure()
    app.add_store("main", "memory:")
    for store in ("hr", "main"):
        with pytest.raises(DeclarationError):
            app.add_dao(CompanyDAO(Remote()), store=store)


def test_what_fits_no_dao_is_refused_at_start() -> None:
    for url, options in (("dao:x", {}), ("dao:", {"pool": 3})):
        with pytest.raises(DeclarationError):
            open_store("hr", url, **options)
    app = Holdall("firm")
    app.add_store("hr", "dao:")
    app.add(Company, store="hr")
    with pytest.raises(Unsupported, match=r"collection company; give it a DAO"):
        app.bindings.configure()
    app = Holdall("firm")
    app.add_store("hr", "dao:", collections={"companies": CompanyDAO(Remote())})
    app.add_dao(EmployeeDAO(Remote()), CompanyDAO(Remote()), store="hr")
    with pytest.raises(DeclarationError, match="'companies', which is no collection"):
        app.bindings.configure()
    app = Holdall("notes")

    class Promises(DAO[Note]):
        features = frozenset({Feature.UNIQUE})

    app.add_dao(Promises())
    with pytest.raises(Unsupported, match="versions"):
        app.bindings.configure()


def test_capabilities_are_what_all_daos_have_in_common() -> None:
    class Repeatable(DAO[Company]):
        commit = CommitClass.IDEMP
        concurrent_changes = 3
        features = frozenset({Feature.UNIQUE})

    store = DaoStore("hr")
    assert isinstance(store, Store)
    assert isinstance(store, RecordAccess)
    store.admit("company", Repeatable())
    shown = store.capabilities
    assert (shown.commit, shown.limits.concurrent_changes) == (CommitClass.IDEMP, 3)
    assert Feature.UNIQUE in shown.features
    assert not shown.operators
    assert Feature.FILTER not in shown.features
    store.admit("employee", EmployeeDAO(Remote()))
    shown = store.capabilities
    assert (shown.commit, shown.limits.concurrent_changes) == (CommitClass.ONCE, 3)
    assert Feature.UNIQUE not in shown.features


async def test_rows_and_changes_are_refused() -> None:
    store = DaoStore("hr")
    store.admit("employee", EmployeeDAO(Remote()))
    with pytest.raises(Unsupported, match="@query"):
        await store.fetch(Query("employee"))
    with pytest.raises(Unsupported, match="only a session"):
        await store.apply([Change(Verb.REMOVE, "employee", 1)])
    await store.close()


class Refused(Exception):
    pass


@pytest.mark.parametrize(
    "raised,kind,is_unknown",
    [
        (Conflict("api", "taken"), Conflict, False),
        (Refused("no"), StoreError, False),
        (TimeoutError("slow"), StoreTimeout, True),
        (ConnectionResetError("gone"), StoreUnavailable, True),
        (KeyError("id"), StoreUnavailable, True),
        (StoreTimeout("api", "slow"), StoreTimeout, False),
    ],
)
async def test_what_an_error_means_for_a_change(raised: Exception, kind: type[Exception], is_unknown: bool) -> None:
    class Failing(CompanyDAO):
        refusals = (Refused,)

    remote = Remote()
    remote.fails["add Initech"] = raised
    store = DaoStore("hr")
    store.admit("company", Failing(remote))
    with pytest.raises(HoldallError) as caught:
        await store.apply_record(Verb.ADD, "company", Company(name="Initech"), remote)
    assert type(caught.value) is kind
    assert getattr(caught.value, "is_outcome_unknown", False) is is_unknown
    assert caught.value is raised or caught.value.__cause__ is raised
    assert caught.value is raised or "Failing.add raised" in str(caught.value)
