"""The arenas of these tests: two stores of given kinds, empty, with the servers that they need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.contention.models import Arena
from tests.contention.scenery import Scenery
from tests.promises.acts import end_victims
from tests.servers.embedded_postgres import EmbeddedPostgres
from tests.servers.scratch import scratch_database


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def no_victims_left() -> Iterator[None]:
    yield
    end_victims()


@pytest.fixture(scope="session")
def prepared_postgres_url() -> Iterator[str]:
    """A PostgreSQL that keeps prepared transactions."""
    with EmbeddedPostgres(settings={"max_prepared_transactions": "20"}) as server:
        yield server.url


@pytest.fixture
def arena(scenery: Scenery, request: pytest.FixtureRequest) -> Iterator[Arena]:
    """Parametrize it, indirectly, by the kinds of the stores; ``prepared`` is a PostgreSQL that holds its part."""
    kinds = tuple("postgresql" if kind == "prepared" else kind for kind in request.param)
    made, stack = scenery.arena(kinds, records=3)
    with stack:
        urls = list(made.urls)
        for side, kind in enumerate(request.param):
            if kind == "prepared":
                server = request.getfixturevalue("prepared_postgres_url")
                urls[side] = stack.enter_context(scratch_database(server))
        yield msgspec.structs.replace(made, urls=tuple(urls))


def pytest_make_parametrize_id(config: Any, val: object, argname: str) -> str | None:
    if isinstance(val, tuple) and argname == "arena":
        return "+".join(val)
    return None
