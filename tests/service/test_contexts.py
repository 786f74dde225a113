"""Contexts: single-use, nestable, never shared between two applications, in async code and in code that is not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from holdall import SYSTEM, Context, Holdall, Meta, Model, Service, SyncContext, User, field
from holdall.errors import CommitAborted, DeclarationError, StateError
from holdall.service import ContextState

pytestmark = pytest.mark.anyio


class Note(Model):
    id: int = field(pk=True)
    text: str = field(default="", unique=True)


class Notes(Service):
    async def who(self) -> object:
        return self.context.user.id

    async def put(self, key: int, text: str = "") -> Note:
        return self.session.add(Note(id=key, text=text or str(key)))


def made(name: str = "notes") -> Holdall:
    app = Holdall(name)
    app.add_store("main", "memory:")
    app.add(Note, store="main")
    app.add_services(notes=Notes())
    return app


@pytest.fixture
def app() -> Iterator[Holdall]:
    app = made()
    yield app
    app.sync.close()


async def texts(app: Holdall) -> set[str]:
    async with app.session() as session:
        return {note.text for note in await session.query(Note.where())}


# --- their life -------------------------------------------------------------------------------------------------------


async def test_a_context_is_created_set_up_active_exiting_and_exited(app: Holdall) -> None:
    seen: list[ContextState] = []

    @app.middleware
    async def look(context: Context) -> AsyncIterator[None]:
        seen.append(context.state)
        yield
        seen.append(context.state)

    context = app.context()
    seen.append(context.state)
    async with context:
        seen.append(context.state)
    seen.append(context.state)
    assert seen == ["created", "setup", "active", "exiting", "exited"]


async def test_a_context_is_used_once(app: Holdall) -> None:
    context = app.context()
    async with context:
        with pytest.raises(StateError, match="entered once, and this one is active"):
            await context.__aenter__()
    with pytest.raises(StateError, match="this one is exited"):
        await context.__aenter__()
    with pytest.raises(StateError, match="left once"):
        await context.__aexit__(None, None, None)
    with pytest.raises(StateError, match="left once"):
        await app.context().__aexit__(None, None, None)


def test_a_context_is_used_once_in_sync_code(app: Holdall) -> None:
    context = app.sync.context()
    with context, pytest.raises(StateError, match="entered once"):
        context.__enter__()
    with pytest.raises(StateError, match="entered once"), context:
        pass


async def test_nothing_of_a_context_is_there_before_and_after(app: Holdall) -> None:
    @app.resource
    async def pool(context: Context) -> AsyncIterator[int]:
        yield 1

    context = app.context()
    for state in ("entered", "ended"):
        with pytest.raises(StateError, match=state):
            context.session  # noqa: B018
        with pytest.raises(StateError, match=state):
            await context.pool
        with pytest.raises(StateError):
            await context.dal.notes.who()
        if state == "entered":
            async with context:
                pass


async def test_each_form_says_which_other_is_meant(app: Holdall) -> None:
    blocks: list[Any] = [app.context(), app.dal()]
    for block in blocks:
        with pytest.raises(StateError, match="async with"), block:
            pass
    with pytest.raises(StateError, match=r"with app\.sync\.context"):
        async with app.sync.context():
            pass
    with pytest.raises(StateError, match=r"async with app\.dal"):
        app.dal().notes  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(StateError, match=r"with app\.sync\.dal"):
        app.sync.dal().notes  # type: ignore[attr-defined]  # noqa: B018


async def test_a_context_acts_for_the_program_or_for_a_user(app: Holdall) -> None:
    async with app.context() as context:
        assert (context.user, context.session.user) == (SYSTEM, SYSTEM)
    async with app.dal(user=User("ann"), meta={"ip": "::1"}) as dal:
        assert await dal.notes.who() == "ann"
        assert app.require_context().meta.ip == "::1"
    with pytest.raises(StateError, match="a context is for a User"):
        app.context(user="ann")  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="meta="):
        app.context(["ip"])  # type: ignore[arg-type]


# --- nested, and of several applications ------------------------------------------------------------------------------


async def test_inner_contexts_have_everything_of_their_own(app: Holdall) -> None:
    @app.resource
    async def pool(context: Context) -> AsyncIterator[object]:
        yield object()

    async with app.context({"depth": 1}, user=User("ann")) as outer:
        async with app.context() as inner:
            assert app.active_context is inner
            assert (inner.user, len(inner.meta)) == (SYSTEM, 0)
            assert inner.session is not outer.session
            assert await inner.pool is not await outer.pool
        assert app.active_context is outer
    assert app.active_context is None
    with pytest.raises(StateError, match="no context of 'notes' is open"):
        app.require_context()


async def test_two_applications_share_nothing(app: Holdall) -> None:
    other = made("other")
    async with app.dal(user=User("ann")) as dal, other.dal(user=User("bob")) as foreign:
        assert (await dal.notes.who(), await foreign.notes.who()) == ("ann", "bob")
        assert app.require_context().user.id == "ann"
        assert other.require_context().user.id == "bob"
        assert app.require_context().session is not other.require_context().session
    other.sync.close()


async def test_one_service_of_two_applications_acts_for_the_one_that_calls(app: Holdall) -> None:
    other, shared = made("other"), Notes()
    app.add_services(shared=shared)
    other.add_services(shared=shared)
    async with app.dal(user=User("ann")) as dal, other.dal(user=User("bob")) as foreign:
        assert (await dal.shared.who(), await foreign.shared.who()) == ("ann", "bob")
    with pytest.raises(StateError, match="is in no context"):
        await shared.who()
    other.sync.close()


async def test_a_dal_acts_in_its_own_context_within_others(app: Holdall) -> None:
    async with app.dal(user=User("ann")) as outer, app.dal(user=User("bob")) as inner:
        assert (await outer.notes.who(), await inner.notes.who()) == ("ann", "bob")


async def test_tasks_begin_in_the_context_of_who_starts_them_and_threads_in_none(app: Holdall) -> None:
    async with app.context() as context:

        async def look() -> Context | None:
            return app.active_context

        found: list[object] = []
        thread = threading.Thread(target=lambda: found.append(app.active_context))
        thread.start()
        await asyncio.to_thread(thread.join)
        late = asyncio.create_task(asyncio.sleep(0.01))
        assert await asyncio.create_task(look()) is context
        assert found == [None]

        async def look_later() -> Context | None:
            await late
            await asyncio.sleep(0.01)
            return app.active_context

        looking = asyncio.create_task(look_later())
    assert await looking is None  # it has ended, though the task began in it


async def test_contexts_side_by_side_are_apart(app: Holdall) -> None:
    async def work(name: str) -> str | None:
        async with app.dal(user=User(name)) as dal:
            await asyncio.sleep(0)
            found: str | None = await dal.notes.who()
            return found

    assert await asyncio.gather(*map(work, "abc")) == ["a", "b", "c"]


# --- the session ------------------------------------------------------------------------------------------------------


async def test_the_session_is_made_on_first_touch_and_committed_at_the_end(app: Holdall) -> None:
    async with app.dal() as dal:
        await dal.notes.put(1, "kept")
        context = app.require_context()
        assert context.session is context.session
        assert app.active_session is context.session
        await Note.objects.create(id=2, text="by the other look")
    assert await texts(app) == {"kept", "by the other look"}


async def test_an_exception_rolls_the_session_back(app: Holdall) -> None:
    async def work() -> None:
        async with app.dal() as dal:
            await dal.notes.put(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert await texts(app) == set()


async def test_middleware_that_fails_rolls_the_session_back(app: Holdall) -> None:
    @app.middleware
    async def refuse(context: Context) -> AsyncIterator[None]:
        yield
        raise PermissionError

    async def work() -> None:
        async with app.dal() as dal:
            await dal.notes.put(1)

    with pytest.raises(PermissionError):
        await work()
    assert await texts(app) == set()


async def test_middleware_writes_with_the_session_it_stands_around(app: Holdall) -> None:
    @app.middleware
    async def audit(context: Context) -> AsyncIterator[None]:
        yield
        context.session.add(Note(id=9, text="audit"))

    async with app.dal() as dal:
        await dal.notes.put(1, "note")
    assert await texts(app) == {"note", "audit"}


async def test_a_refused_commit_is_what_the_caller_and_the_resources_see(app: Holdall) -> None:
    told: list[str] = []

    @app.resource
    async def upload(context: Context) -> AsyncIterator[None]:
        try:
            yield
        except BaseException as error:
            told.append(type(error).__name__)
            raise

    async with app.session() as session:
        session.add(Note(id=1, text="there"))

    async def work() -> None:
        async with app.dal() as dal:
            await app.require_context().upload
            await dal.notes.put(2, "there")

    with pytest.raises(CommitAborted):
        await work()
    assert told == ["CommitAborted"]


async def test_middleware_that_commits_sees_the_outcome(app: Holdall) -> None:
    """The transaction middleware of the ancestor's README."""
    seen: list[str] = []

    @app.middleware
    async def transaction(context: Context) -> AsyncIterator[None]:
        try:
            yield
            await context.session.commit()
        except CommitAborted:
            context.session.rollback()
            seen.append("aborted")

    async with app.session() as session:
        session.add(Note(id=1, text="there"))
    async with app.dal() as dal:
        await dal.notes.put(2, "there")
    assert seen == ["aborted"]
    assert await texts(app) == {"there"}


async def test_what_a_resource_adds_when_it_closes_is_committed(app: Holdall) -> None:
    @app.resource
    async def log(context: Context) -> AsyncIterator[None]:
        yield
        context.session.add(Note(id=3, text="log"))

    async with app.dal() as dal:
        await dal.notes.put(1, "note")
        await app.require_context().log
    assert await texts(app) == {"note", "log"}


# --- without async ----------------------------------------------------------------------------------------------------


def test_sync_contexts_nest_and_commit(app: Holdall) -> None:
    with app.sync.context({"depth": 1}) as outer:
        assert isinstance(outer, SyncContext)
        with app.sync.dal() as dal:
            dal.notes.put(1, "inner")
            assert app.sync.require_context() is not outer
        assert app.sync.active_context is outer
        assert outer.session.get(Note, 1) is not None
        outer.session.add(Note(id=2, text="outer"))
    assert app.sync.active_context is None
    with pytest.raises(StateError, match="no context of 'notes' is open"):
        app.sync.require_context()
    assert asyncio.run(texts(app)) == {"inner", "outer"}


def test_threads_have_contexts_of_their_own(app: Holdall) -> None:
    def work(name: str) -> None:
        assert app.sync.active_context is None
        with app.sync.dal(user=User(name)) as dal:
            found.append(dal.notes.who())

    found: list[str] = []
    with app.sync.context():
        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == ["a", "b", "c", "d"]


def test_an_exception_in_sync_code_rolls_back(app: Holdall) -> None:
    def work() -> None:
        with app.sync.dal() as dal:
            dal.notes.put(1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert asyncio.run(texts(app)) == set()


# --- meta data --------------------------------------------------------------------------------------------------------


def test_meta_data_are_read_only() -> None:
    given = {"ip": "::1"}
    meta = Meta(given)
    given["ip"] = "changed"
    changes: list[Callable[[], object]] = [
        lambda: setattr(meta, "ip", 1),
        lambda: setattr(meta, "new", 1),
        lambda: delattr(meta, "ip"),
    ]
    for change in changes:
        with pytest.raises(AttributeError, match="read-only"):
            change()
    with pytest.raises(TypeError):
        meta["ip"] = 1
    assert (meta.ip, meta["ip"], dict(meta)) == ("::1", "::1", {"ip": "::1"})


@pytest.mark.parametrize("value", [0, "", False, [], 0.0])
def test_require_accepts_what_is_false(value: object) -> None:
    assert Meta(given=value).require("given") == value


@pytest.mark.parametrize("meta", [Meta(), Meta(given=None)])
def test_require_refuses_what_is_missing(meta: Meta) -> None:
    with pytest.raises(StateError, match="no meta data 'given'"):
        meta.require("given")


def test_a_name_that_is_not_there_is_an_error() -> None:
    meta = Meta(address="::1")
    with pytest.raises(AttributeError, match="did you mean address"):
        meta.adress  # noqa: B018
    with pytest.raises(KeyError, match="did you mean address"):
        meta["adress"]
    assert (meta.get("adress"), meta.get("adress", 7), hasattr(meta, "adress")) == (None, 7, False)


@pytest.mark.parametrize("name", ["get", "require", "items", "from_module", "__class__"])
def test_names_of_methods_are_no_meta_data(name: str) -> None:
    with pytest.raises(DeclarationError, match="cannot be named"):
        Meta({name: 1})
