"""Dates of records at the address of a view: told, and looked at, as those of collections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from holdall import Holdall, Model, field
from holdall.testing.client import Client
from holdall.web.views import AsyncRestView, RestView, include_view
from tests.support.shelves import OPEN

pytestmark = pytest.mark.anyio


class Stamped(Model, collection="stamped"):
    id: int = field(pk=True)
    text: str = ""
    written: datetime = field(auto_now="write")


class AsyncStamps(AsyncRestView[Stamped]):
    prefix = "/stamped"

    def build_query(self) -> Any:
        return super().build_query().where(Stamped.id > 0)

    async def update(self, obj: Any, data: Any) -> Any:
        return await super().update(obj, data)


class SyncStamps(RestView[Stamped]):
    prefix = "/stamped"

    def build_query(self) -> Any:
        return super().build_query().where(Stamped.id > 0)

    def update(self, obj: Any, data: Any) -> Any:
        return super().update(obj, data)


class Shouting(AsyncRestView[Stamped]):
    prefix = "/stamped"

    async def get_one(self, key: Any) -> Any:
        found = await super().get_one(key)
        found.text = datetime.now(UTC).isoformat()
        return found


def _service(view: type[Any] | None) -> Any:
    app = Holdall("stamped")
    app.add_store("main", "memory:")
    app.add(Stamped, store="main", policy=OPEN)
    service = app.asgi()
    if view is not None:
        include_view(service, view)
    return service


@pytest.mark.parametrize("view", [None, AsyncStamps, SyncStamps])
async def test_dates_guard_records_of_views(view: type[Any] | None) -> None:
    before = format_datetime(datetime.now(UTC) - timedelta(seconds=60), usegmt=True)
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    async with Client(_service(view)) as client:
        made = await client.post("/stamped", {"id": 1})
        date = made.headers["last-modified"]
        for method, body in (("GET", None), ("PATCH", {"text": "x"}), ("PUT", {"text": "x"}), ("DELETE", None)):
            refused = await client.request(method, "/stamped/1", json=body, headers={"if-unmodified-since": before})
            assert refused.status == 412, method
        for query in ("", "?fields=text"):
            found = await client.get(f"/stamped/1{query}")
            assert (found.status, found.headers["last-modified"]) == (200, date)
            assert (await client.get(f"/stamped/1{query}", if_modified_since=later)).status == 304
        changed = await client.request(
            "PATCH", "/stamped/1", json={"text": "x"}, headers={"if-unmodified-since": later}
        )
        assert (changed.status, "last-modified" in changed.headers) == (200, True)
        assert (await client.request("DELETE", "/stamped/1", headers={"if-unmodified-since": later})).status == 204


async def test_a_date_says_nothing_of_what_a_view_makes_of_a_record() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    async with Client(_service(Shouting)) as client:
        await client.post("/stamped", {"id": 1})
        assert (await client.get("/stamped/1", if_modified_since=later)).status == 200
