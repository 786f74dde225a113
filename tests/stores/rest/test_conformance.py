from __future__ import annotations

import pytest

from holdall.query import Op, SortKey
from holdall.stores.rest import (
    BodyVersion,
    Call,
    Cursor,
    Filters,
    LinkHeader,
    Offset,
    PageSize,
    RestCollection,
    RestStore,
    Sorting,
    open_rest,
)
from holdall.testing.conformance import SCHEMAS, StoreConformance
from tests.support.rest_api import Api, Shape, spelled

_SHAPES = {
    "country": Shape("page", {"population": "facts.population", "name": "title"}),
    "author": Shape("offset", item="author"),
    "shelf": Shape("none"),
    "book": Shape("cursor", {"author": "by.author"}),
    "note": Shape("offset", {"text": "body.text"}),
    "sample": Shape("link"),
}
_PAGING = {
    "country": PageSize(size="per_page", most=500),
    "author": Offset(most=5),
    "shelf": None,
    "book": Cursor(next_at="meta.next", most=15),
    "note": Offset(most=3),
    "sample": LinkHeader(most=100),
}


def _spelled_sort(keys: tuple[SortKey, ...], names: dict[str, str]) -> dict[str, str]:
    def text(key: SortKey) -> str:
        place = names.get(key.path[0], key.path[0])
        return f"{'-' if key.descending else ''}{place}:{'first' if key.nulls_first else 'last'}"

    return {"sort": ",".join(map(text, keys))}


def _collection(name: str, **options: object) -> RestCollection:
    shape = _SHAPES[name]
    declared = {
        "path": f"/{name}/~{{key}}",
        "list_path": f"/{name}",
        "names": shape.names,
        "item_at": shape.item,
        "wrap": shape.item,
        "list_at": "data",
        "total_at": "meta.total",
        "paging": _PAGING[name],
        "version": BodyVersion(is_sent=True) if name == "author" else None,
        "keys": "server" if name == "author" else "client",
        "is_unique": name == "book",
        "has_references": True,
        "fields": "fields",
    }
    return RestCollection(**{**declared, **options})  # type: ignore[arg-type]


class _OverHttp(StoreConformance):
    large_group = 1_000
    examples = 15
    histories = 6

    @pytest.fixture(scope="class")
    @classmethod
    def api_url(cls) -> object:
        with Api(SCHEMAS.values(), _SHAPES) as api:
            yield api.url


class TestRest(_OverHttp):
    """Conditions and sorts are written for the API, whole; nothing is scanned."""

    label = "REST"

    def open_store(self, request: pytest.FixtureRequest) -> RestStore:
        def declared(name: str) -> RestCollection:
            names = dict(_SHAPES[name].names)
            return _collection(
                name,
                filters=Filters(spell=spelled),
                sort=Sorting(spell=lambda keys: _spelled_sort(keys, names)),
                url_limit=2**24,
            )

        return open_rest("rest", request.getfixturevalue("api_url"), collections={n: declared(n) for n in SCHEMAS})


_KNOWN = (Op.EQ, Op.NE, Op.LT, Op.LE, Op.GT, Op.GE, Op.IN, Op.CONTAINS, Op.IS_NULL)


class TestRestWithScans(_OverHttp):
    """An API that takes some comparisons and no sort; the rest is done here."""

    part = (2, 2)
    label = "REST with scan_limit"
    values_apart = 3

    def open_store(self, request: pytest.FixtureRequest) -> RestStore:
        def declared(name: str) -> RestCollection:
            key = Call(idempotency_key="Idempotency-Key")
            return _collection(
                name,
                filters=Filters(operators={op: f"{{field}}__{op}" for op in _KNOWN}, escape="\\", most_values=50),
                scan_limit=100_000,
                total_at="",
                add=key if name == "author" else Call(method="PUT"),
                update=key,
                remove=Call(idempotency_key="Idempotency-Key"),
            )

        url = request.getfixturevalue("api_url")
        return open_rest("rest", url, collections={n: declared(n) for n in SCHEMAS}, commit="idemp")
