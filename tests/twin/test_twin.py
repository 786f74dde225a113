"""One shop in SQLite, its twin in pieces everywhere: same answers, same refusals, same content.

``TWIN=5000`` does so many acts; ``TWIN_SEED`` draws others.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdall.query import Query
from holdall.store import Rows
from holdall.stores.memory import MemoryStore
from holdall.stores.rest import BodyVersion, Call, RestCollection
from tests.servers.api import Api
from tests.twin.twins import Twins, run, shop

_ACTS = int(os.environ.get("TWIN", "600"))
_SEED = int(os.environ.get("TWIN_SEED", "1"))
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


def test_twins_answer_alike(
    tmp_path: Path, postgres_url: str, fresh_database: Callable[[str], str], redis_url: str, mongo_url: str
) -> None:
    together = shop(tmp_path / "journal.db", {"one": (f"sqlite:///{tmp_path}/shop.db", {})}, ["one"] * len(PLACES))
    with Api() as api:
        scattered = shop(
            tmp_path / "journal.db",
            {
                "postgres": (fresh_database(postgres_url), {}),
                "redis": (redis_url, {"prefix": "twin", "scan_limit": 100_000}),
                "mongo": (mongo_url.replace("/test", "/twin"), {}),
                "files": (f"yaml:{tmp_path}/files", {"layout": "collection"}),
                "api": (api.url, {"commit": "idemp", "collections": {"supplier": suppliers()}}),
            },
            PLACES,
        )
        twins = Twins(together, scattered)
        run(twins, _SEED, _ACTS)
    assert twins.differences == []
    assert sum(twins.refused.values()) < sum(twins.done.values()) / 10
    assert sum(count for answer, count in twins.done.items() if "because of" in answer) > _ACTS / 50


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
