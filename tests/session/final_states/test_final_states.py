"""A commit goes well if the state it leads to is legal, and the store then holds exactly that; whatever the order.

``FINAL_STATES=<commits> pytest tests/session/final_states`` lets every store make so many commits.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random
from typing import Any, TypeAlias

import pytest

from holdall import Holdall
from holdall.errors import HoldallError
from holdall.store import CommitClass, Provisioned
from tests.session.final_states.office import MODELS, Office, Person, drawn, edit, is_legal, row_of

pytestmark = pytest.mark.anyio

COMMITS = int(os.environ.get("FINAL_STATES", "60"))

Url: TypeAlias = Callable[[str], str]


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Any) -> Url:
    """The URL of a kind of store, with an empty place of its own."""

    def of(kind: str) -> str:
        match kind:
            case "memory":
                return "memory:"
            case "sqlite":
                return "sqlite://"
            case "yaml":
                return f"yaml:{tmp_path / 'files'}"
        return str(request.getfixturevalue(f"{kind}_url"))

    return of


async def live(urls: list[str], commits: int, seed: int) -> dict[str, int]:
    """So many commits from one state to another; how many of each sort there were."""
    app, told = Holdall("office"), {"legal": 0, "refused": 0}
    for number, (model, place) in enumerate(zip(MODELS, (urls * 3)[:3], strict=True)):
        name = f"store_{number % len(urls)}"
        if number < len(urls):
            app.add_store(name, place)
        app.add(model, store=name, collection=f"final_{model.__name__.lower()}")
    rng, office = Random(seed), Office({model: {} for model in MODELS})
    is_whole = all(app.stores[name].capabilities.commit is not CommitClass.IDEMP for name in app.stores)
    await app.create()
    try:
        for number in range(commits):
            after = drawn(office, rng)
            is_fine = is_legal(after)
            if not is_fine and not is_whole:
                continue
            refusal = await _refusal(app, office, after, rng)
            assert (refusal is None) is is_fine, f"commit {number} of seed {seed}: {refusal}\n{office}\n{after}"
            told["refused" if refusal else "legal"] += 1
            office = after if is_fine else office
            held = await _held(app)
            assert held == office, f"commit {number} of seed {seed}: not what was written:\n{office}\n{held}"
    finally:
        for store in app.stores.values():
            assert isinstance(store, Provisioned)
            await store.drop()
        await app.close()
    return told


async def _refusal(app: Holdall, before: Office, after: Office, rng: Random) -> HoldallError | None:
    try:
        async with app.session() as session:
            await edit(session, before, after, rng)
    except HoldallError as error:
        return error
    return None


async def _held(app: Holdall) -> Office:
    async with app.session() as session:
        return {model: {row.__key__(): row_of(row) for row in await session.query(model.where())} for model in MODELS}


STORES = ["memory", "sqlite", "postgres", "mariadb", "mongo", "standalone_mongo", "redis", "yaml"]
PAIRS = ["memory sqlite", "sqlite yaml", "redis sqlite", "mariadb memory"]


@pytest.mark.parametrize("kinds", [*STORES, *PAIRS])
async def test_a_commit_goes_well_if_its_final_state_is_legal(kinds: str, url: Url) -> None:
    """In every store, and in two at once."""
    told = await live([url(kind) for kind in kinds.split()], COMMITS, seed=COMMITS)
    assert told["legal"] > COMMITS // 5
    assert told["refused"] > COMMITS // 10 or "standalone" in kinds


@pytest.mark.parametrize("kind", STORES)
async def test_values_pass_on_against_the_references_of_their_records(kind: str, url: Url) -> None:
    """Ann takes what Bob lets go of, Cid what Ann has; Bob refers to Cid, which stays so and keeps nobody waiting."""

    def person(email: str, nick: str | None, seat: int, boss: int | None = None) -> dict[str, Any]:
        return {"email": email, "nick": nick, "room": "a", "seat": seat, "desk": None, "boss": boss}

    desk, passport = MODELS[0], MODELS[2]
    before = {5: person("a", "l", 0, 5), 1: person("b", "j", 1, 2), 2: person("c", None, 2)}
    after = {5: person("a", "j", 0, 5), 1: person("b", None, 1, 2), 2: person("c", "l", 2)}
    empty: Office = {model: {} for model in MODELS}
    states: list[Office] = [{desk: {}, Person: people, passport: {}} for people in (before, after)]
    place = url(kind)

    app = Holdall("office")
    app.add_store("main", place)
    for model in MODELS:
        app.add(model, store="main", collection=f"passing_{model.__name__.lower()}")
    await app.create()
    store: Any = app.stores["main"]
    try:
        for seed in range(6):
            for old, new in ((empty, states[0]), (states[0], states[1]), (states[1], empty)):
                assert await _refusal(app, old, new, Random(seed)) is None, f"of seed {seed}"
                assert await _held(app) == new
    finally:
        await store.drop()
        await app.close()


@pytest.mark.parametrize(
    "kind, plant",
    [
        ("memory", "holdall.stores.memory.data.Data._demand_unique"),
        ("sqlite", "holdall.stores.sql.preliminaries.Preliminaries._release"),
    ],
)
async def test_a_planted_fault_is_caught(kind: str, plant: str, url: Url, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that does not look at unique values in the end, and one that does not let go of them in time."""
    monkeypatch.setattr(plant, lambda *_: ())
    with pytest.raises(AssertionError, match="of seed 1"):
        await live([url(kind)], 500, seed=1)
