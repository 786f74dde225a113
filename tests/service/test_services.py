"""Services: nested to any depth, reached by commands that never change, in async code and in code that is not."""

from __future__ import annotations

import asyncio
import copy
import functools
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdall import Command, Holdall, Model, Service, SyncContext, SyncService, User, field
from holdall.errors import DeclarationError, NotFound, StateError, UnknownCommand
from holdall.session import Session, SyncSession

pytestmark = pytest.mark.anyio


class Author(Model):
    id: int = field(pk=True)


class Book(Model):
    id: int = field(pk=True)
    author: int = 0


def twice(method: Any) -> Any:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    return call


class Deep(Service):
    limit = 3
    callback = print

    def __init__(self) -> None:
        self.made = lambda: "an attribute"  # no super().__init__()

    def setup(self, app: Any) -> None:
        self.app = app

    async def waiting(self, number: int, *, by: int = 1) -> int:
        await asyncio.sleep(0)
        return number + by

    def plain(self, number: int, *, by: int = 1) -> int:
        return number + by

    @twice
    async def wrapped(self, number: int) -> int:
        return number * 2

    @staticmethod
    def static(number: int) -> int:
        return number

    @classmethod
    def of_class(cls, number: int) -> str:
        return f"{cls.__name__}{number}"

    def handing_on(self, number: int) -> Any:
        return self.dal.a.deep.waiting(number)

    async def where(self) -> tuple[Any, Any, str]:
        return type(self.context), type(self.session), threading.current_thread().name

    def where_plain(self) -> tuple[Any, Any, str]:
        return type(self.context), type(self.session), threading.current_thread().name

    @property
    def secret(self) -> str:
        return "secret"

    def _private(self) -> None: ...


class Middle(Service):
    deep = Deep()

    async def direct(self) -> int:
        return await self.deep.waiting(1)

    async def by_dal(self) -> int:
        found: int = await self.dal.a.deep.waiting(1)
        return found


class Books(Service):
    async def get(self, key: int) -> Book | None:
        return await self.session.get(Book, key)

    async def create(self, key: int, author: int) -> Book:
        await self.session.require(Author, author)
        return self.session.add(Book(id=key, author=author))


class Shelf(SyncService):
    def put(self, key: int) -> int:
        self.session.add(Book(id=key))
        return self.session.count(Book.where())

    def by_dal(self, key: int) -> Book | None:
        self.session.commit()
        found: Book | None = self.dal.books.get(key)
        return found


@pytest.fixture
def app() -> Iterator[Holdall]:
    made = Holdall("library")
    made.add_store("main", "memory:")
    made.add(Author, Book, store="main")
    made.add_services(a=Middle(), books=Books(), shelf=Shelf())
    yield made
    made.sync.close()


CALLS: list[tuple[str, Any]] = [
    ("a.deep.waiting", 8),
    ("a.deep.plain", 8),
    ("a.deep.wrapped", 14),
    ("a.deep.static", 7),
    ("a.deep.of_class", "Deep7"),
    ("a.deep.handing_on", 8),
]


@pytest.mark.parametrize("path, result", CALLS)
async def test_methods_of_every_kind_are_awaited_in_async_code(app: Holdall, path: str, result: object) -> None:
    async with app.dal() as dal:
        assert await dal[path](7) == result


@pytest.mark.parametrize("path, result", CALLS)
def test_methods_of_every_kind_are_called_in_sync_code(app: Holdall, path: str, result: object) -> None:
    with app.sync.dal() as dal:
        assert dal[path](7) == result


async def test_a_method_acts_where_its_kind_says(app: Holdall) -> None:
    async with app.dal() as dal:
        assert await dal.a.deep.where() == (type(app.context()), Session, "MainThread")
        context, session, thread = await dal.a.deep.where_plain()
        assert (context, session, thread != "MainThread") == (SyncContext, SyncSession, True)


def test_a_method_without_async_runs_in_the_callers_thread(app: Holdall) -> None:
    with app.sync.dal() as dal:
        assert dal.a.deep.where_plain() == (SyncContext, SyncSession, threading.current_thread().name)
        context, session, thread = dal.a.deep.where()
        assert (context, session, thread != threading.current_thread().name) == (type(app.context()), Session, True)


async def test_keywords_and_errors_pass(app: Holdall) -> None:
    async with app.dal() as dal:
        assert await dal.a.deep.waiting(number=1, by=5) == 6
        with pytest.raises(TypeError, match="positional"):
            await dal.a.deep.waiting(1, 2)
        with pytest.raises(TypeError, match="missing"):
            await dal.a.deep.plain()


async def test_services_call_each_other(app: Holdall) -> None:
    async with app.dal() as dal:
        assert [await dal.a.direct(), await dal.a.by_dal()] == [2, 2]
        assert [await dal.shelf.put(1), (await dal.shelf.by_dal(1)).id] == [0, 1]


def test_services_call_each_other_without_async(app: Holdall) -> None:
    with app.sync.dal() as dal:
        assert [dal.a.direct(), dal.a.by_dal(), dal.shelf.put(1), dal.shelf.by_dal(1).id] == [2, 2, 0, 1]


async def test_what_was_begun_in_threads_many_at_once_ends(app: Holdall) -> None:
    """Threads that wait for others do not take their places."""

    class Nested(SyncService):
        def down(self, depth: int) -> int:
            return 0 if not depth else 1 + self.dal.hop.down(depth - 1)

    class Hop(Service):
        async def down(self, depth: int) -> int:
            found: int = await self.dal.nested.down(depth)
            return found

    app.add_services(nested=Nested(), hop=Hop())
    async with app.dal() as dal:
        found = await asyncio.wait_for(asyncio.gather(*[dal.nested.down(3) for _ in range(60)]), 30)
    assert found == [3] * 60


# --- principles -------------------------------------------------------------------------------------------------------


async def test_get_gives_none_and_what_needs_a_parent_raises_not_found(app: Holdall) -> None:
    async with app.dal() as dal:
        assert await dal.books.get(1) is None
        with pytest.raises(NotFound):
            await dal.books.create(1, author=7)


# --- commands ---------------------------------------------------------------------------------------------------------


async def test_a_command_never_changes_and_is_equal_by_its_path(app: Holdall) -> None:
    async with app.dal() as dal:
        service = dal.a
        deep = service.deep
        assert (str(service), str(deep), str(deep.waiting)) == ("a", "a.deep", "a.deep.waiting")
        assert deep.waiting == dal["a.deep.waiting"] == dal["dal.a.deep.waiting"] == Command("a.deep.waiting")
        assert len({deep.waiting, dal["a.deep.waiting"], dal.a}) == 2
        changes: list[Callable[[], object]] = [
            lambda: setattr(deep, "limit", 1),
            lambda: setattr(dal, "a", 1),
            lambda: delattr(deep, "waiting"),
        ]
        for change in changes:
            with pytest.raises(AttributeError):
                change()
        waiting = deep.waiting
        assert [await waiting(1), await waiting(2)] == [2, 3]


async def test_a_copy_of_a_command_is_the_command(app: Holdall) -> None:
    async with app.dal() as dal:
        command = dal.a.deep.waiting
        assert copy.copy(command) is copy.deepcopy(command) is command


async def test_a_command_is_sent_as_its_path(app: Holdall) -> None:
    async with app.dal() as dal:
        sent = pickle.loads(pickle.dumps(dal.a.deep.waiting))
    assert (sent, str(sent), repr(sent)) == (Command("a.deep.waiting"), "a.deep.waiting", "Command('a.deep.waiting')")
    with pytest.raises(StateError, match=r"call it as dal\['a.deep.waiting'\]"):
        sent(1)
    async with app.dal() as dal:
        assert await dal[sent](1) == 2
        assert await dal[str(sent)](1) == 2


async def test_a_command_that_was_kept_is_called_in_a_later_context(app: Holdall) -> None:
    async with app.dal(user=User("ann")) as dal:
        kept = dal.books.get
    with pytest.raises(StateError, match="has ended, and no other"):
        kept(1)
    async with app.dal():
        assert await kept(1) is None
    with app.sync.dal() as sync:
        kept_sync = sync.books.get
    with app.sync.dal():
        assert kept_sync(1) is None


# --- what cannot be reached -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "a.deep.limit",
        "a.deep.made",
        "a.deep.secret",
        "a.deep.setup",
        "a.deep.session",
        "a.deep.context",
        "a.deep.dal",
        "a.deep.add_services",
        "a.deep.app",
        "a.deep.unknown",
        "a.deep",
        "a",
        "unknown.waiting",
        "a.unknown.waiting",
        "a.deep.waiting.more",
        "a.session.get",
        "a.direct.__call__",
        "a.deep._private",
        "a.deep.__class__",
        "_a.deep",
        "",
        ".",
        "a..deep",
        "a.deep.waiting()",
    ],
)
async def test_nothing_else_can_be_called(app: Holdall, path: str) -> None:
    async with app.dal() as dal:
        with pytest.raises(UnknownCommand):
            await dal[path]()


async def test_private_names_are_no_steps(app: Holdall) -> None:
    async with app.dal() as dal:
        steps: list[Callable[[], object]] = [lambda: dal._a, lambda: dal.a._private, lambda: dal.a.__wrapped__]
        for step in steps:
            with pytest.raises(AttributeError):
                step()


async def test_an_unknown_command_says_what_there_is(app: Holdall) -> None:
    async with app.dal() as dal:
        with pytest.raises(UnknownCommand, match=r"a\.deep has no method 'wating'; did you mean waiting") as caught:
            await dal.a.deep.wating(1)
        assert caught.value.command == "a.deep.wating"
        with pytest.raises(UnknownCommand, match="has no service 'boks'; did you mean books"):
            await dal.boks.get(1)
        with pytest.raises(UnknownCommand, match="a has no service 'dep'; did you mean deep"):
            await dal.a.dep.waiting(1)
        with pytest.raises(UnknownCommand, match="a is a service, and a command names a method"):
            await dal.a()


# --- declaring --------------------------------------------------------------------------------------------------------


async def test_services_are_nested_by_attributes_and_by_hand(app: Holdall) -> None:
    above = Service().add_services(one=Middle(), two=Service().add_services(three=Deep()))
    app.add_services(above=above)
    above.add_services(late=Deep())
    async with app.dal() as dal:
        assert await dal.above.one.deep.waiting(1) == 2
        assert await dal.above.two.three.waiting(1) == 2
        assert await dal.above.late.waiting(1) == 2


def test_set_up_hooks_run_once_for_each_application(app: Holdall) -> None:
    seen: list[Any] = []

    class Noting(Service):
        def setup(self, app: Any) -> None:
            seen.append(app)

    shared = Noting()
    app.add_services(one=Service().add_services(below=shared), two=shared)
    assert seen == [app]
    other = Holdall("other")
    other.add_services(one=shared)
    assert seen == [app, other]


def test_duplicates_are_refused_and_replaced_on_demand(app: Holdall) -> None:
    with pytest.raises(DeclarationError, match=r"already a service 'books'; replace_service"):
        app.add_services(books=Books())
    with pytest.raises(DeclarationError, match="already has 'deep'"):
        Middle().add_services(deep=Deep())
    with pytest.raises(DeclarationError, match="already has 'one'"):
        Service().add_services(one=Deep()).add_services(one=Deep())
    with pytest.raises(DeclarationError, match="already has 'direct'"):
        Middle().add_services(direct=Deep())

    class Other(Service):
        async def get(self, key: int) -> str:
            return "another"

    former = app.replace_service("books", Other())
    with app.sync.dal() as dal:
        assert dal.books.get(1) == "another"
    app.replace_service("books", former)
    with app.sync.dal() as dal:
        assert dal.books.get(1) is None
    with pytest.raises(DeclarationError, match="no service 'boks'; did you mean books"):
        app.replace_service("boks", Other())


@pytest.mark.parametrize("name", ["_private", "session", "context", "dal", "setup", "not a name", "add_services"])
def test_names_that_no_path_can_have_are_refused(app: Holdall, name: str) -> None:
    with pytest.raises(DeclarationError, match="cannot be named"):
        app.add_services(**{name: Books()})
    with pytest.raises(DeclarationError, match="cannot be named"):
        Service().add_services(**{name: Books()})


@pytest.mark.parametrize("given", [Books, 7, None, object()])
def test_what_is_no_service_is_refused(app: Holdall, given: Any) -> None:
    with pytest.raises(DeclarationError, match="derived from Service"):
        app.add_services(one=given)


def test_a_service_below_itself_is_refused(app: Holdall) -> None:
    above, below = Service(), Service()
    above.add_services(below=below)
    below.add_services(above=above)
    with pytest.raises(DeclarationError, match="stands below itself"):
        app.add_services(above=above)


def test_a_real_service_can_be_patched_in_tests(app: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    service = app.services["books"]

    async def fake(key: int) -> str:
        return "fake"

    monkeypatch.setattr(service, "get", fake)
    with app.sync.dal() as dal:
        assert dal.books.get(1) == "fake"


# --- declared by a class ----------------------------------------------------------------------------------------------


class Library:
    a: Middle
    books: Books


async def test_services_declared_by_a_class_are_the_same(app: Holdall) -> None:
    async with app.dal(Library, user=User("ann")) as dal:
        assert await dal.a.deep.waiting(1) == 2
        assert await dal.books.get(1) is None
        assert await app.require_context().dal_as(Library).a.direct() == 2


class Missing:
    a: Middle
    boks: Books


class Other:
    a: Books


class Nothing:
    pass


@pytest.mark.parametrize(
    "declared, told",
    [
        (Missing, "'boks', which this application does not have; did you mean books"),
        (Other, "'a' as Books, and it is Middle"),
        (Nothing, "declares no services"),
        (7, "by a class"),
    ],
)
def test_a_class_that_declares_other_services_is_refused(app: Holdall, declared: Any, told: str) -> None:
    for open_dal in (app.dal, app.sync.dal):
        with pytest.raises(DeclarationError, match=told):
            open_dal(declared)
