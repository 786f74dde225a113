"""A URL that names a replica set to which its servers do not belong."""

from __future__ import annotations

import gc

import pytest

from holdall.errors import StoreError, StoreUnavailable
from holdall.query import Query
from holdall.stores.mongo import open_mongo
from tests.support.mongo_collections import BOOK, PERSON

# the driver does not close what it had opened to servers that it took off its list
pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]


async def _refusal(url: str) -> StoreError:
    store = open_mongo("main", url, connect_timeout=0.5)
    store.bind([PERSON, BOOK])
    try:
        with pytest.raises(StoreError) as caught:
            await store.fetch(Query("person"))
    finally:
        await store.close()
        gc.collect()
    return caught.value


@pytest.mark.parametrize("server", ["mongo_url", "standalone_mongo_url"])
async def test_a_replica_set_that_is_not_there_is_told_by_its_setting(
    server: str, request: pytest.FixtureRequest
) -> None:
    place = str(request.getfixturevalue(server)).partition("?")[0]
    told = await _refusal(f"{place}?replicaSet=elsewhere")
    assert "replicaSet=" in str(told)
    assert not isinstance(told, StoreUnavailable)


async def test_a_server_that_is_not_there_cannot_be_reached() -> None:
    told = await _refusal("mongodb://127.0.0.1:9/test?replicaSet=elsewhere")
    assert isinstance(told, StoreUnavailable)
