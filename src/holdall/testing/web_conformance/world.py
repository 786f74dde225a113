"""The collections that requests of the suite are about, and their records before each scenario."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from holdall import Everyone, Holdall, Many, Model, Policy, Ref, back, field
from holdall.query import Value
from holdall.store import Store

__all__ = ["Maker", "Work", "filled", "world"]


class Maker(Model, collection="makers"):
    """Somebody who makes works. Example: :class:`WebConformance`."""

    id: int = field(pk=True)
    name: str = field(unique=True, length=(1, 40))
    town: str | None = None
    works: Many[Work] = back("maker")


class Work(Model, collection="works", search=("title",)):
    """A work, of which everything but its title may be unknown. Example: :class:`WebConformance`."""

    id: int = field(pk=True)
    title: str = field(length=(1, 80))
    kind: str = "print"
    size: int = field(default=0, ge=0)
    price: Decimal | None = field(default=None, digits=12, places=2)
    weight: float | None = None
    made: date | None = None
    shown: bool = False
    notes: list[str] = field(default_factory=list)
    maker: Ref[Maker | None] = field(default=None)
    version: int = field(version=True)


_MAKERS: list[dict[str, Value]] = [
    {"id": 1, "name": "Ada", "town": "Oslo"},
    {"id": 2, "name": "Bo"},
    {"id": 3, "name": "Cy", "town": "Ålesund"},
]
_WORKS: list[dict[str, Value]] = [
    {
        "id": 1,
        "title": "Red moon",
        "size": 30,
        "price": Decimal("12.50"),
        "weight": 1.5,
        "made": date(2020, 1, 2),
        "shown": True,
        "notes": ["a"],
        "maker": 1,
    },
    {"id": 2, "title": "Blue moon", "kind": "oil", "size": 80, "price": Decimal("99.00"), "maker": 1},
    {"id": 3, "title": "Green field", "kind": "oil", "size": 10, "made": date(2021, 5, 6), "maker": 2},
    {"id": 4, "title": "100% wool_", "kind": "felt", "size": 30, "price": Decimal("0.10"), "shown": True},
    {"id": 5, "title": "ÉTÉ", "size": 55, "weight": -2.25, "made": date(1999, 12, 31), "notes": ["x", "y"], "maker": 3},
    {"id": 6, "title": "red sea", "size": 30, "price": Decimal("12.50"), "maker": 3},
]


def world(store: Store | str) -> Holdall:
    """An application with its collections in a store, open to everybody. Example: :class:`WebConformance`."""
    app = Holdall("web conformance")
    app.add_store("main", store)
    app.add(Maker, Work, store="main", policy=Policy(read=Everyone, write=Everyone))
    return app


async def filled(app: Holdall) -> None:
    """Put the records of the application back to what each scenario begins with. Example: :class:`WebConformance`."""
    for model in (Work, Maker):
        async with app.session() as session:
            for record in await session.query(model.where()):
                session.remove(record)
    async with app.session() as session:
        session.add_all([Maker(**values) for values in _MAKERS])
    async with app.session() as session:
        session.add_all([Work(**values) for values in _WORKS])
