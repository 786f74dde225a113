"""Real servers that load a program, use it, and fork their workers: gunicorn with preload, Celery's prefork pool.

The workers write what the parent has begun, and pass the suite of the sync facade.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen
from uuid import uuid4

import pytest

from tests.servers.ports import free_port
from tests.support.preloaded import PreloadedProcess, run_preloaded

pytestmark = pytest.mark.early

_QUIET = "import warnings; warnings.simplefilter('ignore')\n"
_COMMAND = _QUIET + "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_module(sys.argv[0], run_name='__main__')"
SECONDS = 60.0

STORES = ["sqlite", "postgres_url"]
if "FORKS" in os.environ:
    STORES += ["mariadb_url", "redis_url", "mongo_url"]


@pytest.fixture(params=STORES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'notes.db'}"
    found: str = request.getfixturevalue(request.param)
    return found


@contextmanager
def running(command: list[str], environment: Mapping[str, str], log: Path) -> Iterator[PreloadedProcess]:
    """The module with all its children, until the block ends."""
    with log.open("wb") as output:
        process = PreloadedProcess(
            *("-c", _COMMAND, *command),
            environment={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            is_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@contextmanager
def gunicorn(url: str, key: str, folder: Path) -> Iterator[str]:
    """Where it serves."""
    if find_spec("gunicorn") is None:
        pytest.skip("not run: gunicorn is not installed")
    port = free_port()
    command = ["gunicorn", "--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}"]
    command += ["--timeout", "120", "--log-level", "warning", "--no-control-socket", "tests.support.forked_program"]
    log = folder / "log"
    with running(command, {"HOLDALL_TEST_URL": url, "HOLDALL_TEST_KEY": key}, log) as process:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(log.read_text()) from None
                time.sleep(0.05)
        try:
            yield f"http://127.0.0.1:{port}"
        except (URLError, TimeoutError, AssertionError) as error:
            raise AssertionError(log.read_text()) from error


def asked(url: str) -> str:
    with urlopen(url, timeout=SECONDS) as answer:
        return str(answer.read().decode())


def test_workers_of_gunicorn_write_what_their_parent_has_begun(url: str, tmp_path: Path) -> None:
    key = uuid4().hex
    with gunicorn(url, key, tmp_path) as place:
        assert [asked(f"{place}/{key}{number}") for number in range(8)] == ["by a worker"] * 8
        if url.startswith("sqlite"):
            assert asked(f"{place}/suite") == "0"


@contextmanager
def celery(url: str, key: str, folder: Path) -> Iterator[dict[str, str]]:
    """The environment of those who send tasks to its worker."""
    if find_spec("celery") is None:
        pytest.skip("not run: celery is not installed")
    environment = {"HOLDALL_TEST_URL": url, "HOLDALL_TEST_KEY": key, "HOLDALL_TEST_FOLDER": str(folder)}
    for name in ("queue", "results"):
        (folder / name).mkdir()
    command = ["celery", "-A", "tests.support.forked_celery", "worker", "--pool", "prefork"]
    command += ["--concurrency", "2", "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "warning"]
    with running(command, environment, folder / "log"):
        yield environment


SENDER = """
import os, sys
from celery import Celery
folder = os.environ["HOLDALL_TEST_FOLDER"]
app = Celery("notes", broker="filesystem://", backend=f"file://{folder}/results")
places = {"data_folder_in": f"{folder}/queue", "data_folder_out": f"{folder}/queue", "control_folder": folder}
app.conf.update(broker_transport_options=places, task_default_queue="notes")
sent = [app.send_task(word.split(":")[0], word.split(":")[1:]) for word in sys.argv[1:]]
print(*[each.get(timeout=60) for each in sent], sep="\\n")
"""


def sent(environment: Mapping[str, str], folder: Path, *tasks: str) -> list[str]:
    process = run_preloaded(
        *("-c", _QUIET + SENDER, *tasks), environment={**os.environ, **environment}, timeout=SECONDS + 20
    )
    assert process.returncode == 0, process.stderr + (folder / "log").read_text()
    return process.stdout.splitlines()


@pytest.mark.parametrize("url", ["sqlite", "postgres_url"], indirect=True)
def test_workers_of_celery_write_what_their_parent_has_begun(url: str, tmp_path: Path) -> None:
    key = uuid4().hex
    with celery(url, key, tmp_path) as environment:
        tasks = [f"write:{key}{number}" for number in range(8)]
        suite = ["run_suite"] if url.startswith("sqlite") else []
        assert sent(environment, tmp_path, *tasks, *suite) == [*["by a worker"] * 8, *["0"] * len(suite)]
