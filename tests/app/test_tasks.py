"""Tasks: each run of a function of a queue or a scheduler is one context."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import sched
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from celery import Celery
from celery.contrib.testing.worker import start_worker

from holdall import SYSTEM, Context, Dal, Holdall, Model, Service, Session, SyncContext, User, field
from holdall.app import SyncSession
from holdall.errors import CommitAborted, DeclarationError, LockConflict
from tests.support.loggers import loggers_kept

pytestmark = pytest.mark.anyio


class Note(Model):
    id: int = field(pk=True)
    text: str = field(unique=True)


class Notes(Service):
    async def put(self, key: int, text: str) -> None:
        self.session.add(Note(id=key, text=text))


app = Holdall("tasks")
app.add_store("main", "memory:")
app.add(Note, store="main")
app.add_services(notes=Notes())
seen: list[tuple[str, object]] = []


@app.middleware
async def note_tasks(context: Context) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if "task" in context.meta:
            seen.append((context.meta.task.rpartition(".")[2], context.user.id))


@app.task
def put(context: SyncContext, key: int, *, text: str = "by a task") -> int:
    """Put a note."""
    context.session.add(Note(id=key, text=text))
    assert app.sync.require_context() is context
    return key + 1


@app.task(user=User("cron", unrestricted=True), meta=lambda key, text: {"key": key})
async def put_async(key: int, dal: Dal, text: str, session: Session) -> str:
    await dal.notes.put(key, text)
    assert app.require_context().session is session
    return f"{app.require_context().meta.key}"


@app.sync.task(user=lambda key: User(f"user {key}", unrestricted=True))
async def put_awaiting(context: Context, key: int) -> object:
    await context.dal.notes.put(key, str(key))
    return app.require_context().user.id


@app.task
def fail(session: SyncSession) -> None:
    session.add(Note(id=99, text="never"))
    raise ZeroDivisionError


@pytest.fixture(autouse=True)
def emptied() -> Iterator[None]:
    yield
    with app.sync.session() as session:
        session.delete(Note.where())
    seen.clear()


def texts() -> dict[int, str]:
    with app.sync.session() as session:
        return {note.id: note.text for note in session.query(Note.where())}


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_a_run_is_a_context_that_commits() -> None:
    assert (put(1), put(2, text="another")) == (2, 3)
    assert texts() == {1: "by a task", 2: "another"}
    assert seen == [("put", "system")] * 2
    assert app.sync.active_context is None


def test_an_exception_rolls_back_and_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        fail()
    assert texts() == {}
    put(1)
    with pytest.raises(CommitAborted):
        put(2)


def test_an_async_task_stays_async_and_acts_for_its_user() -> None:
    assert inspect.iscoroutinefunction(put_async)
    assert asyncio.run(put_async(3, text="async")) == "3"
    assert (texts(), seen) == ({3: "async"}, [("put_async", "cron")])


def test_an_async_function_is_a_task_of_code_that_is_not_async() -> None:
    assert not inspect.iscoroutinefunction(put_awaiting)
    assert put_awaiting(4) == "user 4"
    assert (texts(), seen) == ({4: "4"}, [("put_awaiting", "user 4")])


def test_callers_see_the_parameters_that_they_give() -> None:
    assert list(inspect.signature(put).parameters) == ["key", "text"]
    assert list(inspect.signature(put_async).parameters) == ["key", "text"]
    assert inspect.getfullargspec(put).args == ["key"]
    assert (put.__name__, put.__doc__) == ("put", "Put a note.")
    for wrong in ((), (1, 2, 3)):
        with pytest.raises(TypeError):
            put(*wrong)


def test_parameters_are_known_by_their_names_too() -> None:
    @app.task
    def by_name(context, session, dal, other):  # type: ignore[no-untyped-def]
        return context.session is session, context.dal is dal, other

    assert by_name("one") == (True, True, "one")
    assert by_name(other="one") == (True, True, "one")


def test_a_parameter_of_another_type_is_the_callers() -> None:
    @app.task
    def mine(context: str, *args: int, **kwargs: int) -> tuple[str, tuple[int, ...], dict[str, int]]:
        return context, args, kwargs

    assert mine("one", 2, session=3) == ("one", (2,), {"session": 3})


def test_a_task_is_pickled_by_its_name() -> None:
    for task in (put, put_async, put_awaiting):
        assert pickle.loads(pickle.dumps(task)) is task


def test_what_may_help_is_done_anew() -> None:
    tries: list[Any] = []

    @app.task(retries=2)
    def shaky(context: SyncContext) -> int:
        tries.append(context)
        if len(tries) < 3:
            raise LockConflict("main", "note")
        return len(tries)

    assert shaky() == 3
    assert len(set(map(id, tries))) == 3
    tries.clear()

    @app.task(retries=1)
    async def shaky_async(context: Context) -> None:
        tries.append(context)
        raise LockConflict("main", "note")

    with pytest.raises(LockConflict):
        asyncio.run(shaky_async())
    assert len(tries) == 2


def yielding() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "given, options",
    [
        (7, {}),
        (Note, {}),
        (yielding, {}),
        (put, {"user": "ann"}),
        (put, {"meta": 7}),
        (put, {"retries": -1}),
    ],
)
def test_what_is_no_task_is_refused(given: Any, options: Any) -> None:
    for declare in (app.task, app.sync.task):
        with pytest.raises(DeclarationError):
            declare(**options)(given)


# --- of queues and schedulers -----------------------------------------------------------------------------------------


@pytest.fixture
def celery() -> Iterator[Celery]:
    made = Celery("tests", broker="memory://", backend="cache+memory://")
    made.conf.update(task_serializer="json", broker_connection_retry_on_startup=False)
    yield made
    made.close()


def test_celery_calls_tasks_eagerly(celery: Celery) -> None:
    celery.conf.update(task_always_eager=True, task_eager_propagates=True)
    queued, awaiting, failing = celery.task(put), celery.task(put_awaiting), celery.task(fail)
    assert queued.delay(1).get() == 2
    assert awaiting.delay(5).get() == "user 5"
    assert texts() == {1: "by a task", 5: "5"}
    with pytest.raises(ZeroDivisionError):
        failing.delay()
    with pytest.raises(TypeError):  # as Celery checks arguments by the signature, before anything is sent
        queued.delay()


@pytest.mark.filterwarnings("ignore")  # of Celery's own
def test_a_worker_of_celery_runs_tasks(celery: Celery) -> None:
    queued, failing = celery.task(name="put")(put), celery.task(name="fail")(fail)
    with loggers_kept(), start_worker(celery, perform_ping_check=False, pool="solo", loglevel="ERROR"):
        assert queued.delay(7, text="by a worker").get(timeout=20) == 8
        result = failing.delay()
        with pytest.raises(ZeroDivisionError):
            result.get(timeout=20)
    assert texts() == {7: "by a worker"}
    assert seen == [("put", "system"), ("fail", "system")]


def test_bound_tasks_of_celery_have_themselves_first(celery: Celery) -> None:
    celery.conf.update(task_always_eager=True)

    @app.task
    def named(self: Any, key: int, context: SyncContext) -> str:
        context.session.add(Note(id=key, text="bound"))
        return f"{self.name} {key}"

    assert celery.task(named, bind=True, name="named").delay(8).get() == "named 8"
    assert texts() == {8: "bound"}


def test_arq_gives_its_own_dict_first() -> None:
    @app.task
    async def job(ctx: dict[str, int], key: int, context: Context) -> int:
        await context.dal.notes.put(key, "by arq")
        return ctx["job_try"]

    assert asyncio.run(job({"job_try": 1}, 9)) == 1
    assert texts() == {9: "by arq"}


def test_plain_schedulers_run_tasks() -> None:
    scheduler = sched.scheduler()
    scheduler.enter(0, 1, put, (1,), {"text": "first"})
    scheduler.enter(0, 2, put_awaiting, (2,))
    thread = threading.Thread(target=scheduler.run)
    thread.start()
    thread.join()
    assert texts() == {1: "first", 2: "2"}


async def test_tasks_of_a_loop_are_contexts_of_their_own() -> None:
    async with app.context(user=SYSTEM) as outer:
        await asyncio.gather(put_async(1, text="a"), put_async(2, text="b"))
        assert app.active_context is outer
    assert [name for name, _ in seen] == ["put_async", "put_async"]
    await asyncio.to_thread(texts)
