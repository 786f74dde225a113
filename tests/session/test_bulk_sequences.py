"""Any sequence of bulk changes in one commit does what the same does record by record, commit by commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall import Holdall, Model, Session, field
from tests.support.draws import draws


class Item(Model):
    id: int = field(pk=True)
    a: int = 0
    b: int = 0
    version: int = field(version=True)


COMPARED = st.sampled_from([Item.a, Item.b, Item.id])
CONDITIONS = st.builds(
    lambda one, bound, is_less: one < bound if is_less else one >= bound, COMPARED, st.integers(0, 6), st.booleans()
)
ACTS = st.lists(
    st.tuples(CONDITIONS, st.none() | st.dictionaries(st.sampled_from("ab"), st.integers(0, 6), min_size=1)),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("is_plain", [True, False])
@given(acts=ACTS, rows=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=6))
@settings(max_examples=draws(25, 60))
def test_any_sequence_does_what_it_does_one_by_one(
    is_plain: bool, acts: list[tuple[object, dict[str, int] | None]], rows: list[tuple[int, int]]
) -> None:
    """In one commit, made by the store itself or record by record."""

    async def in_bulk(session: Session) -> None:
        for condition, values in acts:
            query = Item.where(condition)  # type: ignore[arg-type]
            await (session.delete(query) if values is None else session.update(query, values))
        for each in session.context.records.bulk:
            each.is_plain = each.is_plain and is_plain

    async def alone(session: Session) -> None:
        for condition, values in acts:
            for each in await session.query(Item.where(condition)):  # type: ignore[arg-type]
                if values is None:
                    session.remove(each)
                for name, value in (values or {}).items():
                    setattr(each, name, value)
            await session.commit()

    assert asyncio.run(_after(in_bulk, rows)) == asyncio.run(_after(alone, rows))


async def _after(work: Callable[[Session], Awaitable[None]], rows: list[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    app = Holdall("items")
    app.add_store("main", "memory:")
    app.add(Item, store="main")
    async with app.session() as session:
        session.add_all([Item(id=number, a=a, b=b) for number, (a, b) in enumerate(rows)])
    async with app.session() as session:
        await work(session)
    async with app.session() as session:
        return {each.id: (each.a, each.b) for each in await session.query(Item.where())}
