"""Binding, opening, closing, and opening again."""

from __future__ import annotations

import asyncio

from holdall.query import FieldSchema, Kind, Query, Schema
from holdall.store import Capabilities, Feature, Identified, Provisioned, Store
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires, see_refusal

__all__ = ["Lifecycle"]


class Lifecycle:
    """The store as a whole."""

    def test_is_a_store(self, case: Case) -> None:
        """The object has every part of the contract and gives its capabilities without a connection."""
        assert isinstance(case.store, Store)
        assert isinstance(case.store.name, str)
        assert isinstance(case.store.capabilities, Capabilities)
        assert case.store.capabilities is case.store.capabilities or (
            case.store.capabilities == case.store.capabilities
        )

    def test_close_and_open_again(self, case: Case) -> None:
        """After ``close`` the store opens anew on first use and holds what it held; closing twice is harmless."""
        case.load()
        for _ in range(2):
            case.run(case.store.close())
            case.run(case.store.close())
            case.expect(Query("country"))
        case.clear()
        case.run(case.store.close())
        case.apply(case.add("country", code="A", name="a"))
        case.run(case.store.close())
        case.holds({"country": {"A": ("A", "a", None)}})

    def test_bind_again(self, case: Case) -> None:
        """Binding the same collections again changes nothing."""
        case.load()
        case.store.bind(list(case.schemas.values()))
        case.expect(Query("country"))

    @requires(Provisioned)
    def test_create_and_inspect(self, case: Case) -> None:
        """Creating twice keeps what is there; what was created fits; what is missing is told."""
        case.load()
        store = case.store
        assert isinstance(store, Provisioned)
        case.run(store.create())
        case.expect(Query("country"))
        assert case.run(store.inspect()) == []

    @requires(Provisioned)
    def test_drop(self, case: Case) -> None:
        """Dropping forgets the records; creating makes room anew."""
        case.load()
        store = case.store
        assert isinstance(store, Provisioned)
        case.run(store.drop())
        case.run(store.drop())
        case.run(store.create())
        case.forget()
        case.holds({})

    @requires(Identified)
    def test_identity(self, case: Case) -> None:
        """The identity is made once for everybody, and goes with the records that are dropped."""
        store = case.store
        assert isinstance(store, Identified)
        first = case.run(store.identity(makes=True))
        assert first
        assert case.run(store.identity(makes=True)) == first
        case.run(case.store.close())
        assert case.run(store.identity(makes=False)) == first
        if isinstance(store, Provisioned):
            case.run(store.drop())
            assert case.run(store.identity(makes=False)) == ""
            case.run(store.create())
            assert case.run(store.identity(makes=True)) not in ("", first)
        case.forget()

    def test_what_is_not_declared(self, case: Case) -> None:
        """Each ability that the store does not declare is refused where there is a way to ask for it."""
        case.load()
        for need in (*Feature, *Kind):
            if not case.declares(need) and see_refusal(case, need):
                case.report.refuses(need)
        case.expect(Query("country"))

    @requires(Provisioned)
    def test_bind_more(self, case: Case) -> None:
        """A collection bound later finds its place beside the others."""
        case.load()
        store = case.store
        assert isinstance(store, Provisioned)
        late = Schema("late", (FieldSchema("id", Kind.INT), FieldSchema("name", Kind.STR)), ("id",))
        case.store.bind([late])
        case.run(store.create())
        case.run(case.store.fetch(Query("late")))
        case.expect(Query("country"))

    def test_used_at_once_when_first_opened(self, case: Case) -> None:
        """Ten first uses at once open it once, or ten times, but all work."""
        case.load()
        case.run(case.store.close())

        async def work() -> None:
            found = await asyncio.gather(*(case.store.fetch(Query("country")) for _ in range(10)))
            assert all(len(rows) == len(case.tables["country"].rows) for rows in found)

        case.run(work())
