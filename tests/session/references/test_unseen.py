"""What the session of a user answers does not depend on records that he may not read, whatever he does in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdall import Everyone, Fill, Holdall, Many, Model, OnDelete, Policy, Ref, Role, Session, User, back, field
from holdall.errors import Forbidden, HoldallError, ValidationError
from tests.support.local_stores import LOCAL, local_url

pytestmark = pytest.mark.anyio

BOSS, ANN = User("boss", roles=frozenset({"boss"})), User("ann")
OPEN, HIDDEN = Policy(read=Everyone, write=Everyone), Policy(read=Role("boss"), write=Role("boss"))
BLIND = Policy(read=Role("boss"), write=Everyone)


class Volume(Model, collection="volumes"):
    id: int = field(pk=True)
    shelf: Ref[Shelf | None] = field(default=None)


class Gap(msgspec.Struct):
    """A place where volumes are missing."""

    after: Ref[Volume]
    lost: list[Ref[Volume]] = msgspec.field(default_factory=list)


class Shelf(Model, collection="shelves"):
    id: int = field(pk=True)
    text: str = field(default="")
    volumes: Many[Volume] = back("shelf", fill=Fill.STORED)
    label: Ref[Label | None] = back("shelf", fill=Fill.STORED, on_delete=OnDelete.UNLINK)
    notes: Many[Note] = back("shelf", on_delete=OnDelete.CASCADE)
    jottings: Many[Jotting] = back("page.shelf", on_delete=OnDelete.CASCADE)
    hidden: Ref[Volume | None] = field(default=None)
    several: Many[Volume] = field(default=())
    gap: Gap | None = None


class Page(msgspec.Struct):
    """A page about a shelf."""

    shelf: Ref[Shelf]


class Label(Model, collection="labels"):
    id: int = field(pk=True)
    shelf: Ref[Shelf | None] = field(default=None)


class Note(Model, collection="notes"):
    id: int = field(pk=True)
    shelf: Ref[Shelf | None] = field(default=None)


class Jotting(Model, collection="jottings"):
    id: int = field(pk=True)
    page: Page


async def world(url: str, *, is_filled: bool, is_apart: bool = False, policy: Policy = HIDDEN) -> Holdall:
    app = Holdall("unseen", journal="memory:")
    app.add_store("main", url)
    if is_apart:
        app.add_store("other", "memory:")
    app.add(Shelf, store="main", policy=OPEN)
    app.add(Volume, Label, Note, Jotting, store="other" if is_apart else "main", policy=policy)
    await app.create()
    async with app.session() as s:
        s.add_all([Shelf(id=1), Shelf(id=2)])
    if is_filled:
        async with app.session() as s:
            s.add_all(
                [Volume(id=7, shelf=1), Label(id=7, shelf=1), Note(id=7, shelf=1), Jotting(id=7, page=Page(_to(1)))]
            )
    return app


def _to(key: int) -> Any:
    """A key as checkers take it for a reference."""
    return key


async def give(s: Session, shelf: Any) -> None:
    shelf.hidden = 7


async def give_several(s: Session, shelf: Any) -> None:
    shelf.several = [7]


async def give_inside(s: Session, shelf: Any) -> None:
    shelf.gap = Gap(_to(7), [_to(7)])


async def give_in_bulk(s: Session, shelf: Any) -> None:
    await s.update(Shelf.where(Shelf.id == 1), hidden=7)


async def give_inside_in_bulk(s: Session, shelf: Any) -> None:
    await s.update(Shelf.where(Shelf.id == 1), gap=Gap(_to(7)))


async def add_another(s: Session, shelf: Any) -> None:
    s.add(Shelf(id=3, hidden=7))


async def remove(s: Session, shelf: Any) -> None:
    s.remove(shelf)


async def add_to_the_other_end(s: Session, shelf: Any) -> None:
    (await s.require(Shelf, 2)).volumes.add(7)


async def take_from_the_other_end(s: Session, shelf: Any) -> None:
    shelf.volumes.remove(7)


async def rewrite_the_other_end(s: Session, shelf: Any) -> None:
    shelf.volumes = []


async def rewrite_the_single_end(s: Session, shelf: Any) -> None:
    shelf.label = None


async def add_to_the_end_inside(s: Session, shelf: Any) -> None:
    shelf.jottings.add(7)


async def look(s: Session, shelf: Any) -> None:
    shelf.text = f"{shelf} {shelf.fields} {shelf.volumes} {shelf.label}"


async def count(s: Session, shelf: Any) -> None:
    shelf.text = str(len(shelf.volumes))


async def load(s: Session, shelf: Any) -> None:
    shelf.text = str(await shelf.volumes)


async def ask(s: Session, shelf: Any) -> None:
    of: Any = Shelf
    shelf.text = str(await s.query(Shelf.where(of.volumes.any(of.volumes.id == 7))))


async def ask_single(s: Session, shelf: Any) -> None:
    of: Any = Shelf
    shelf.text = str(await s.query(Shelf.where((of.label == 7) | of.jottings.any(Jotting.id == 7))))


async def project(s: Session, shelf: Any) -> None:
    shelf.text = str(await s.query(Shelf.where().only(("volumes",))))


async def sort(s: Session, shelf: Any) -> None:
    of: Any = Shelf
    shelf.text = str(await s.query(Shelf.where().sort(of.label)))


async def expand(s: Session, shelf: Any) -> None:
    s.remove(shelf)
    shelf.text = str((await s.expand()).steps)


Act = Callable[[Session, Any], Awaitable[None]]
ACTS: list[Act] = [
    give, give_several, give_in_bulk, give_inside, give_inside_in_bulk, add_another, remove,
    add_to_the_other_end, take_from_the_other_end, rewrite_the_other_end,
    rewrite_the_single_end, add_to_the_end_inside, look, count, load, ask, ask_single, project, sort, expand,
]  # fmt: skip


async def told(app: Holdall, act: Act, user: User) -> str:
    """What the user is told: how the block ends, and the text that the act left."""
    try:
        async with app.session(user) as s:
            await act(s, await s.require(Shelf, 1))
    except (HoldallError, TypeError) as error:
        return f"{type(error).__name__}: {error} {getattr(error, 'errors', '')}"
    finally:
        for store in app.stores.values():
            await store.close()
    async with app.session() as s:
        shelf = await s.get(Shelf, 1)
        return "removed" if shelf is None else f"done: {shelf.text}"


@pytest.mark.parametrize("is_apart", [False, True], ids=["one store", "two stores"])
@pytest.mark.parametrize("kind", LOCAL)
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
@pytest.mark.parametrize("policy", [HIDDEN, BLIND], ids=["no right", "write only"])
async def test_records_that_may_not_be_read_make_no_difference(
    tmp_path: Path, kind: str, act: Act, is_apart: bool, policy: Policy
) -> None:
    if kind == "memory":
        urls = ["memory:", "memory:"]
    else:
        for name in ("empty", "filled"):
            (tmp_path / name).mkdir()
        urls = [local_url(kind, tmp_path / name) for name in ("empty", "filled")]
    empty = await world(urls[0], is_filled=False, is_apart=is_apart, policy=policy)
    filled = await world(urls[1], is_filled=True, is_apart=is_apart, policy=policy)
    assert await told(empty, act, ANN) == await told(filled, act, ANN)


async def test_they_make_one_for_whoever_may_read_them() -> None:
    empty = [await told(await world("memory:", is_filled=False), act, BOSS) for act in ACTS]
    filled = [await told(await world("memory:", is_filled=True), act, BOSS) for act in ACTS]
    assert [one != other for one, other in zip(empty, filled, strict=True)].count(True) >= len(ACTS) - 4


async def test_every_reference_in_question_is_told() -> None:
    app = await world("memory:", is_filled=True)
    with pytest.raises(ValidationError) as refused:
        async with app.session(ANN) as s:
            s.add_all([Shelf(id=4, hidden=7), Shelf(id=5, several=[7])])
    assert [(error.path, error.code) for error in refused.value.errors] == [
        ("shelves[0].hidden", "reference"),
        ("shelves[1].several", "reference"),
    ]


async def test_what_is_there_can_stay_and_go() -> None:
    app = await world("memory:", is_filled=True)
    async with app.session() as s:
        s.add(Shelf(id=9, hidden=7, several=[7]))
    async with app.session(ANN) as s:
        shelf = await s.require(Shelf, 9)
        shelf.text, shelf.hidden, shelf.several = "x", 7, (7,)
    async with app.session(ANN) as s:
        shelf = await s.require(Shelf, 9)
        shelf.hidden, shelf.several = None, ()
    async with app.session() as s:
        assert (await s.require(Shelf, 9)).hidden.key is None


async def test_new_records_can_be_referred_to_by_whoever_may_create_them() -> None:
    app = await world("memory:", is_filled=False, policy=BLIND)
    async with app.session(ANN) as s:
        shelf = s.add(Shelf(id=3))
        volume = s.add(Volume(id=8, shelf=shelf))
        shelf.hidden = volume
        s.add(Shelf(id=4, hidden=8)).volumes.add(s.add(Volume(id=9)))
    async with app.session() as s:
        assert (await s.require(Shelf, 3)).volumes.keys == (8,)
        assert (await s.require(Shelf, 4)).volumes.keys == (9,)


async def test_a_stored_end_that_was_not_seen_stays_whole() -> None:
    app = await world("memory:", is_filled=True, policy=BLIND)
    async with app.session(ANN) as s:
        (await s.require(Shelf, 1)).text = "x"
        s.add(Volume(id=8, shelf=1))
    async with app.session() as s:
        assert (await s.require(Shelf, 1)).volumes.keys == (7, 8)


async def test_a_removal_names_the_right_that_it_needs() -> None:
    app = await world("memory:", is_filled=False)
    with pytest.raises(Forbidden, match="no right to read volumes"):
        async with app.session(ANN) as s:
            s.remove(await s.require(Shelf, 2))
