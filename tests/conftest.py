"""Servers for tests: each fixture is the URL of an empty database, or a skip that says which server is not there."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from tests.contention.scenery import Scenery
from tests.servers.embedded_postgres import EmbeddedPostgres, start_making_files
from tests.servers.scratch import is_listening, scratch_database
from tests.servers.secantus import Secantus
from tests.servers.valkey import Valkey, ValkeyCluster
from tests.support.fork_server import imported
from tests.support.forks import pytest_addoption, pytest_runtestloop
from tests.support.preloaded import start_server

__all__ = ["pytest_addoption", "pytest_runtestloop"]

# Machines that run tests are shared and slow; a time limit per example would make failures of that. What is drawn is
# the same each time, so that a red run is somebody's doing; `make explore` draws anew and says how to repeat a find.
settings.register_profile("holdall", max_examples=20, deadline=None, print_blob=True, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, print_blob=True, database=None)
settings.load_profile("holdall")  # --hypothesis-profile=explore is heeded after this


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes more than there are cores: many tests wait for locks, leases and servers."""
    return (os.cpu_count() or 1) + 2


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Nothing of what is collected is ever garbage: the collector need not look at it, neither now nor in tests.

    Of what lives longer, tests make little garbage: to look at all of it each time took a tenth of the time.
    Where there will be forks, they share the process that preloads programs and the files of an empty PostgreSQL, which
    are made ready meanwhile, and what is imported.
    """
    if session.config.getoption("forks"):
        start_server()
        start_making_files()
    gc.disable()
    try:
        return (yield)
    finally:
        if session.config.getoption("forks"):
            imported()
        gc.collect()
        gc.freeze()
        gc.set_threshold(5_000, 20, 100)
        gc.enable()


def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """What was left to the collector without being closed says so before the last test of a process has passed."""
    if nextitem is None:
        gc.collect()


@pytest.fixture(scope="module")
def older_objects_apart() -> None:
    """Tests of a file that collect garbage need not look at what was there before them: a third of a second each time.

    It stays apart; to take it back would let everything that was collected be looked at ever after.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests that are coroutines run on asyncio: Holdall knows no other loop."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A database on a PostgreSQL of this test process alone, started on first use."""
    with EmbeddedPostgres() as server:
        yield server.url


@pytest.fixture(scope="session")
def machine_postgres_url() -> Iterator[str]:
    """A scratch database on the PostgreSQL named by ``POSTGRES_URL``, or on this machine's."""
    yield from _machine_database("POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")


@pytest.fixture(scope="session")
def mariadb_url() -> Iterator[str]:
    """A scratch database on the MariaDB or MySQL named by ``MARIADB_URL``, or on this machine's."""
    yield from _machine_database("MARIADB_URL", "mariadb://root@127.0.0.1:3306/test")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """An empty Valkey of this test process alone, started on first use."""
    with Valkey() as server:
        yield server.url


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[ValkeyCluster]:
    """A cluster of three empty Valkey servers of this test process alone, started on first use."""
    with ValkeyCluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def redis_cluster_url(redis_cluster: ValkeyCluster) -> str:
    """One of the cluster's nodes."""
    return redis_cluster.url


@pytest.fixture(scope="session")
def mongo_url() -> Iterator[str]:
    """A database on a MongoDB-wire server of this test process alone, a replica set of one."""
    with Secantus() as server:
        yield server.url


@pytest.fixture(scope="session")
def standalone_mongo_url() -> Iterator[str]:
    """The same on a server that has no transactions."""
    with Secantus(is_standalone=True) as server:
        yield server.url


@pytest.fixture(scope="session")
def named_mongo_url() -> Iterator[str]:
    """A scratch database on the MongoDB named by ``MONGO_URL``; none is looked for elsewhere."""
    with scratch_database(os.environ["MONGO_URL"]) as url:
        yield url


@pytest.fixture(scope="session")
def scenery() -> Iterator[Scenery]:
    """Arenas of several stores, whose servers are started on first use."""
    with Scenery(is_embedded=True) as made:
        yield made


@pytest.fixture
def fresh_database() -> Iterator[Callable[[str], str]]:
    """From one of the URLs above, the URL of a further empty database on the same server, dropped after the test."""
    with ExitStack() as stack:
        yield lambda url: stack.enter_context(scratch_database(url))


def _machine_database(variable: str, default: str) -> Iterator[str]:
    url = os.environ.get(variable, default)
    if not is_listening(url):
        pytest.skip(f"not run: no server at {variable}={url}")
    with ExitStack() as stack:
        try:
            database = stack.enter_context(scratch_database(url))
        except Exception as error:
            # Somebody else's server on that port is no failure of ours, unless it was named on purpose.
            if variable in os.environ:
                raise
            pytest.skip(f"not run: the server at {url} does not let us in ({type(error).__name__})")
        yield database
