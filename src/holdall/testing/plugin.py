"""A plugin of pytest: an isolated application for each test, and clients of its service; off unless it is used.

``holdall_app`` is the fixture that a project overrides, to return its own application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from holdall import Holdall
    from holdall.testing.service_client import AsyncServiceClient, ServiceClient

__all__ = [
    "holdall_app",
    "holdall_async_client",
    "holdall_clean",
    "holdall_client",
    "holdall_options",
    "holdall_store",
    "isolated_app",
]

_MARK = "holdall_stores"


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", f"{_MARK}(*urls): run the test once on each of these stores")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with the mark once for each of its stores."""
    mark = metafunc.definition.get_closest_marker(_MARK)
    if mark is not None and "holdall_store" in metafunc.fixturenames:
        metafunc.parametrize("holdall_store", mark.args, ids=[str(url).partition(":")[0] for url in mark.args])


@pytest.fixture
def holdall_app() -> Holdall:
    """Return the application to test. Raises UsageError unless a ``conftest.py`` overrides it."""
    raise pytest.UsageError(
        "holdall's fixtures need your application: define a fixture holdall_app in conftest.py that returns it"
    )


@pytest.fixture
def holdall_clean() -> list[str]:
    """Return the stores whose records, all of them, are removed before and after each test; none, unless overridden."""
    return []


@pytest.fixture
def holdall_options() -> dict[str, Any]:
    """Return the options of ``app.asgi`` for the service to test; none, unless overridden."""
    return {}


@pytest.fixture
def holdall_store() -> str | None:
    """Return the URL of the store that stands in for all others: one of the mark's; None for the stores themselves."""
    return None


@pytest.fixture
def isolated_app(
    holdall_app: Holdall, holdall_store: str | None, holdall_clean: list[str]
) -> AbstractAsyncContextManager[Holdall]:
    """Return a block within which nothing that is written stays: ``async with isolated_app as app``."""
    from holdall.testing.isolation import isolated

    if holdall_store is not None:
        return holdall_app.replaced(holdall_store)
    return isolated(holdall_app, clean=holdall_clean)


@pytest.fixture
def holdall_client(
    holdall_app: Holdall, isolated_app: AbstractAsyncContextManager[Holdall], holdall_options: dict[str, Any]
) -> Iterator[ServiceClient]:
    """Give a client of the isolated service, for a test that is not async."""
    from holdall.testing.service_client import ServiceClient

    with asyncio.Runner() as runner:
        runner.run(isolated_app.__aenter__())
        try:
            client = ServiceClient(holdall_app.asgi(**holdall_options), runner=runner)
            yield client
        finally:
            runner.run(isolated_app.__aexit__(None, None, None))
            for store in holdall_app.stores.values():
                runner.run(store.close())  # its connections belong to this loop


@pytest.fixture
def holdall_async_client(holdall_app: Holdall, holdall_options: dict[str, Any]) -> AsyncServiceClient:
    """Return a client of the service, for an async test that enters ``isolated_app`` itself."""
    from holdall.testing.service_client import AsyncServiceClient

    return AsyncServiceClient(holdall_app.asgi(**holdall_options))
