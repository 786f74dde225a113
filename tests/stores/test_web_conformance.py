"""The service over every store: the same requests, the same answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdall.query import Query, SortKey
from holdall.store import Rows, Store
from holdall.stores.memory import MemoryStore
from holdall.stores.redis import RedisStore
from holdall.stores.rest import BodyVersion, Filters, PageSize, RestCollection, Sorting, open_rest
from holdall.testing.web_conformance import SCENARIOS, ServedStore, WebConformance, world
from tests.support.remote_store import Remote
from tests.support.rest_api import Api, Shape, spelled


class TestMemory(WebConformance):
    def open_store(self, request: pytest.FixtureRequest) -> Store | str:
        return "memory:"


class TestSqlite(WebConformance):
    def open_store(self, request: pytest.FixtureRequest) -> Store | str:
        folder: Path = request.getfixturevalue("tmp_path_factory").mktemp("web")
        return f"sqlite:///{folder}/works.db"


class TestPostgresql(WebConformance):
    def open_store(self, request: pytest.FixtureRequest) -> Store | str:
        return str(request.getfixturevalue("postgres_url"))


class TestMariadb(WebConformance):
    def open_store(self, request: pytest.FixtureRequest) -> Store | str:
        return str(request.getfixturevalue("mariadb_url"))


class TestMongo(WebConformance):
    def open_store(self, request: pytest.FixtureRequest) -> Store | str:
        return str(request.getfixturevalue("mongo_url"))


class TestRedis(WebConformance):
    def open_store(self, request: pytest.FixtureRequest) -> Store | str:
        return RedisStore("redis", request.getfixturevalue("redis_url"), scan_limit=100_000)


class TestYaml(WebConformance):
    def open_store(self, request: pytest.FixtureRequest) -> Store | str:
        folder: Path = request.getfixturevalue("tmp_path_factory").mktemp("web")
        return f"yaml:{folder}/works"


class TestRest(WebConformance):
    """Somebody else's API, which filters and sorts by itself."""

    @pytest.fixture(scope="class")
    @classmethod
    def api_url(cls) -> Iterator[str]:
        app = world("memory:")
        app.bindings.configure()
        schemas = [binding.schema for binding in app.bindings]
        with Api(schemas, {schema.name: Shape("page") for schema in schemas}) as api:
            yield api.url

    def open_store(self, request: pytest.FixtureRequest) -> Store | str:
        url = request.getfixturevalue("api_url")
        return open_rest("rest", url, collections={name: _declared(name) for name in ("makers", "works")})


def _declared(name: str) -> RestCollection:
    return RestCollection(
        path=f"/{name}/~{{key}}",
        list_path=f"/{name}",
        list_at="data",
        total_at="meta.total",
        paging=PageSize(size="per_page", most=500),
        version=BodyVersion(is_sent=True) if name == "works" else None,
        keys="client",
        is_unique=True,
        has_references=True,
        filters=Filters(spell=spelled),
        sort=Sorting(spell=_spelled_sort),
        fields="fields",
    )


def _spelled_sort(keys: tuple[SortKey, ...]) -> dict[str, str]:
    def text(key: SortKey) -> str:
        return f"{'-' if key.descending else ''}{key.path[0]}:{'first' if key.nulls_first else 'last'}"

    return {"sort": ",".join(map(text, keys))}


# --- planted faults ---------------------------------------------------------------------------------------------------


class _Forgetful(MemoryStore):
    """A store that forgets one record of every answer with more than two."""

    async def fetch(self, query: Query[Any]) -> Rows:
        rows = await super().fetch(query)
        return rows[:-1] if len(rows) > 2 else rows


class _Blind(MemoryStore):
    """A store that overlooks values that are taken."""

    async def apply(self, changes: Any) -> Any:
        return [*await super().apply([each for each in changes if each.collection != "makers" or each.key != 9])]


@pytest.mark.parametrize("kind, name", [(_Forgetful, "all"), (_Forgetful, "order"), (_Blind, "a value that is taken")])
def test_a_store_that_answers_otherwise_is_found(kind: type[MemoryStore], name: str) -> None:
    served = ServedStore(kind("faulty"))
    served.open()
    try:
        with pytest.raises((AssertionError, IndexError, ValueError)):
            WebConformance().compare(served, next(each for each in SCENARIOS if each.name == name))
    finally:
        served.close()


def test_refusals_are_only_for_what_a_store_lacks() -> None:
    served = ServedStore("memory:")
    assert not any(served.lacks(each) for each in SCENARIOS)
    served.open()
    served.close()
    remote = ServedStore(Remote("remote"))
    assert {each.name for each in SCENARIOS if remote.lacks(each)} == {"several at once"}
    remote.open()
    remote.close()
