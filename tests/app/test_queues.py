"""Tasks run by real workers of RQ and arq, over a real server."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest
from redis import Redis

_PROGRAM = """
from holdall import Context, Holdall, Model, SyncContext, User, field

class Note(Model, collection="notes"):
    id: int = field(pk=True)
    text: str = field(unique=True)

app = Holdall("queued")
app.add_store("main", "memory:")
app.add(Note, store="main")
seen = []

@app.middleware
async def note_tasks(context):
    try:
        yield
    finally:
        if "task" in context.meta:
            seen.append((context.meta.task.rpartition(".")[2], context.user.id))

@app.task(user=lambda key, text: User(f"user {key}", unrestricted=True))
def put(context: SyncContext, key: int, text: str) -> int:
    context.session.add(Note(id=key, text=text))
    return key + 1

@app.task
async def put_async(ctx: dict, key: int, text: str, context: Context) -> int:
    context.session.add(Note(id=key, text=text))
    return ctx["job_try"]

@app.task
def fail(context: SyncContext) -> None:
    context.session.add(Note(id=99, text="never"))
    raise ZeroDivisionError

@app.task
async def fail_async(ctx: dict, context: Context) -> None:
    context.session.add(Note(id=99, text="never"))
    raise ZeroDivisionError

def texts():
    with app.sync.session() as session:
        return {note.id: note.text for note in session.query(Note.where())}
"""


def _own(url: str) -> str:
    """A database of that server that no other test uses."""
    return urlsplit(url)._replace(path="/7").geturl()


@pytest.fixture
def queued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A program whose tasks are found by the names that workers know them by."""
    (tmp_path / "queued_program.py").write_text(_PROGRAM)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("queued_program")
    del sys.modules["queued_program"]


@pytest.mark.filterwarnings("ignore")  # of RQ's own
def test_a_worker_of_rq_runs_tasks(queued: ModuleType, redis_url: str) -> None:
    from rq import Queue, SimpleWorker

    with Redis.from_url(_own(redis_url)) as connection:
        queue = Queue("holdall", connection=connection)
        jobs = [queue.enqueue(queued.put, 1, text="by rq"), queue.enqueue(queued.fail)]
        SimpleWorker([queue], connection=connection).work(burst=True, logging_level="CRITICAL")
        assert [job.get_status(refresh=True).value for job in jobs] == ["finished", "failed"]
        assert jobs[0].return_value() == 2
        connection.flushdb()
    assert queued.texts() == {1: "by rq"}
    assert queued.seen == [("put", "user 1"), ("fail", "system")]


@pytest.mark.skipif(find_spec("arq") is None, reason="arq wants a redis below 6: pip install --no-deps arq")
@pytest.mark.filterwarnings("ignore")  # of arq's own
def test_a_worker_of_arq_runs_tasks(queued: ModuleType, redis_url: str) -> None:
    from arq import create_pool, func
    from arq.connections import RedisSettings
    from arq.worker import Worker

    async def work() -> list[object]:
        pool = await create_pool(RedisSettings.from_dsn(_own(redis_url)))
        jobs = [await pool.enqueue_job("put_async", 1, text="by arq"), await pool.enqueue_job("fail_async")]
        tasks = [func(queued.put_async, name="put_async"), func(queued.fail_async, name="fail_async")]
        worker = Worker(tasks, redis_pool=pool, burst=True, handle_signals=False, poll_delay=0.01, max_tries=1)
        await worker.async_run()
        found = [await job.result_info() for job in jobs if job is not None]
        await pool.flushdb()
        await worker.close()
        return [each.result for each in found if each is not None]

    first, second = asyncio.run(work())
    assert (first, type(second)) == (1, ZeroDivisionError)
    assert queued.texts() == {1: "by arq"}
    assert sorted(queued.seen) == [("fail_async", "system"), ("put_async", "system")]
