"""One shop in SQLite, its twin in pieces everywhere: same answers, same refusals, same content.

``TWIN=5000`` does so many acts; ``TWIN_SEED`` draws others; ``NEIGHBOURS`` is how many others write the same stores.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from holdall.query import Query
from holdall.store import Rows
from holdall.stores.memory import MemoryStore
from holdall.stores.rest import BodyVersion, Call, RestCollection
from tests.contention.models import Arena
from tests.servers.api import Api
from tests.twin.neighbours import living
from tests.twin.twins import Twins, run, shop

pytestmark = pytest.mark.early

_ACTS = int(os.environ.get("TWIN", "600"))
_SEED = int(os.environ.get("TWIN_SEED", "1"))
_NEIGHBOURS = int(os.environ.get("NEIGHBOURS", "1"))
#          region   supplier tag     product     customer    order    line     review   visit
PLACES = ("files", "api", "redis", "postgres", "postgres", "mongo", "redis", "mongo", "redis")


def suppliers() -> RestCollection:
    """A plain API: it lists everything, and what is asked of it beyond that is answered here."""
    keyed = Call(idempotency_key="Idempotency-Key")
    return RestCollection(
        path="/idemp/twin/supplier/{id}",
        version=BodyVersion(is_sent=True),
        scan_limit=10_000,
        add=keyed,
        update=keyed,
        remove=keyed,
    )


@pytest.fixture
def urls(
    tmp_path: Path, postgres_url: str, fresh_database: Callable[[str], str], redis_url: str, mongo_url: str
) -> dict[str, str]:
    """Where the scattered twin keeps its pieces."""
    mongo = f"/twin{uuid4().hex[:8]}"
    return {
        "postgres": fresh_database(postgres_url),
        "redis": redis_url,
        "mongo": mongo_url.replace("/test", mongo),
        "files": f"yaml:{tmp_path}/files",
    }


@pytest.fixture
def arena(tmp_path: Path, urls: dict[str, str]) -> Arena:
    """What neighbours write in the same places."""
    places = (urls["postgres"], urls["redis"], urls["files"])
    kinds = ("postgresql", "redis", "yaml")
    return Arena(f"twin{uuid4().hex[:8]}", kinds, places, str(tmp_path), "linked", layout="collection")


def _lived(tmp_path: Path, urls: dict[str, str], prefix: str, acts: int) -> Twins:
    """The twins after so many acts."""
    together = shop(tmp_path / "journal.db", {"one": (f"sqlite:///{tmp_path}/shop.db", {})}, ["one"] * len(PLACES))
    with Api() as api:
        stores: dict[str, tuple[str, dict[str, Any]]] = {
            "postgres": (urls["postgres"], {}),
            "redis": (urls["redis"], {"prefix": prefix, "scan_limit": 100_000}),
            "mongo": (urls["mongo"], {}),
            "files": (urls["files"], {"layout": "collection"}),
            "api": (api.url, {"commit": "idemp", "collections": {"supplier": suppliers()}}),
        }
        twins = Twins(together, shop(tmp_path / "journal.db", stores, PLACES))
        run(twins, _SEED, acts)
    return twins


def test_twins_answer_alike(tmp_path: Path, urls: dict[str, str]) -> None:
    twins = _lived(tmp_path, urls, f"twin{uuid4().hex[:8]}", _ACTS)
    assert twins.differences == []
    assert sum(twins.refused.values()) < sum(twins.done.values()) / 10
    assert sum(count for answer, count in twins.done.items() if "because of" in answer) > _ACTS / 50


def test_neighbours_are_not_noticed(tmp_path: Path, urls: dict[str, str], arena: Arena) -> None:
    """They write other collections of the same stores, in commits over several: answers and refusals are the same."""
    with living(arena, _NEIGHBOURS) as seen:
        twins = _lived(tmp_path, urls, arena.prefix(arena.kinds.index("redis")), _ACTS // 3)
    assert twins.differences == []
    assert seen[0].sizes[0]["entry0"] > 0, "nobody was there"
    assert seen[0].findings.sentences == []


def test_a_store_that_forgets_a_row_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault."""
    fetch = MemoryStore.fetch

    async def forgetful(store: MemoryStore, query: Query[Any]) -> Rows:
        return (await fetch(store, query))[:5]

    monkeypatch.setattr(MemoryStore, "fetch", forgetful)
    together = shop(tmp_path / "journal.db", {"one": (f"sqlite:///{tmp_path}/shop.db", {})}, ["one"] * len(PLACES))
    scattered = shop(tmp_path / "journal.db", {"one": ("memory:", {})}, ["one"] * len(PLACES))
    twins = Twins(together, scattered)
    run(twins, 1, 200)
    assert any("asking" in difference for difference in twins.differences)
