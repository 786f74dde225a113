"""Eight writers in two processes write both ends of references over two stores: nothing is lost or one-sided.

``ENDS=1`` tries every pair of stores, with more steps.
"""

from __future__ import annotations

import asyncio
import json
import os
from itertools import permutations
from pathlib import Path

import pytest

from tests.session.concurrent_ends.shelves import BOOKS, Book, Person, Site, Tag, Ticket, opened
from tests.support.preloaded import run_preloaded

pytestmark = pytest.mark.anyio

_STORES = ("sqlite", "postgres", "redis", "yaml", "mongo", "mariadb")
_IS_LONG = bool(os.environ.get("ENDS"))
_PAIRS = [*permutations(_STORES, 2)] if _IS_LONG else [("redis", "sqlite"), ("yaml", "postgres"), ("mongo", "mariadb")]
_PROCESSES, _WRITERS, _STEPS = 2, 4, 8 if _IS_LONG else 2
_ROOT = Path(__file__).parents[3]


@pytest.fixture(params=_PAIRS, ids="-".join)
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """Where the two stores of a pair are."""
    found = {"sqlite": f"sqlite:///{tmp_path}/records.db", "yaml": f"yaml:{tmp_path}/records"}
    for store in {*request.param} - found.keys():
        url = request.getfixturevalue(f"{store}_url")
        found[store] = url if store == "redis" else request.getfixturevalue("fresh_database")(url)
    return [found[store] for store in request.param]


async def _run(folder: Path, left: str, right: str, fault: str = "none") -> list[str]:
    """What did not hold once all writers had ended."""
    async with opened(folder, left, right) as app:
        await app.create()
        async with app.session() as session:
            session.add_all(Book(id=number) for number in range(BOOKS))
            session.add(Site(id=1))
            session.add_all(model(id=number) for model in (Tag, Ticket) for number in range(_PROCESSES * _WRITERS))
        arguments = [(str(folder), left, right, str(first * _WRITERS), str(_WRITERS)) for first in range(_PROCESSES)]
        ended = await asyncio.gather(*(_process(*given, str(_STEPS), fault) for given in arguments))
        links = {tuple(link) for found, _ in ended for link in found}
        children = {child for _, found in ended for child in found}
        wrong = []
        async with app.session() as session:
            books = [await session.require(Book, number) for number in range(BOOKS)]
            there = {(book.id, tag) for book in books for tag in book.tags.keys}
            if there != links:
                wrong.append(f"links lost {sorted(links - there)}, too many {sorted(there - links)}")
            people = {person.id for person in await session.query(Person.where())}
            on_list = set((await session.require(Site, 1)).users.keys)
            taken = [ticket.id for ticket in await session.query(Ticket.where()) if ticket.site.key is not None]
            if len(taken) != 1:
                wrong.append(f"the tickets {taken} are of one site")
            if not people == on_list == children:
                wrong.append(f"{len(children)} children, {len(people)} there, {len(on_list)} on the list")
        if not (await app.fsck()).is_whole:
            wrong.append("ends that do not agree")
        if await app.recovery.unfinished():
            wrong.append("commits that were not finished")
        return wrong


async def _process(*arguments: str) -> tuple[list[list[int]], list[int]]:
    name = "tests.session.concurrent_ends.writer"
    done = await asyncio.to_thread(run_preloaded, "-m", name, *arguments)
    assert done.returncode == 0, done.stderr[-4000:]
    links, children = json.loads(done.stdout)
    return links, children


async def test_nothing_is_lost_and_both_ends_agree(tmp_path: Path, urls: list[str]) -> None:
    left, right = urls
    assert await _run(tmp_path, left, right) == []


@pytest.mark.parametrize("urls", [("sqlite", "redis")], indirect=True, ids="-".join)
async def test_lists_written_without_what_others_wrote_are_found_out(tmp_path: Path, urls: list[str]) -> None:
    left, right = urls
    assert await _run(tmp_path, left, right, "whole") != []
