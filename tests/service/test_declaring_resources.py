"""Declaring resources: what may be one, under which names, and how one is replaced."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from holdall import Context, Holdall, SyncContext
from holdall.errors import DeclarationError, StateError

pytestmark = pytest.mark.anyio


@pytest.fixture
def app() -> Iterator[Holdall]:
    made = Holdall("notes")
    yield made
    made.sync.close()


class Connection:
    """An object whose calls are generators, with a parameter of its own."""

    def __init__(self, address: str = "here") -> None:
        self.address = address

    def __call__(self, context: SyncContext) -> Iterator[str]:
        yield self.address


class Async:
    async def __call__(self, context: Context) -> AsyncIterator[str]:
        yield "async"


class Managed:
    def __init__(self, context: Context) -> None:
        self.name = context.meta.name

    async def __aenter__(self) -> str:
        return str(self.name)

    async def __aexit__(self, *_: object) -> None:
        pass


class Lock:
    def __enter__(self) -> str:
        return "locked"

    def __exit__(self, *_: object) -> None:
        pass


@asynccontextmanager
async def decorated(context: Context) -> AsyncIterator[str]:
    yield "decorated"


@contextmanager
def decorated_too(context: SyncContext) -> Iterator[str]:
    yield "too"


async def test_classes_and_their_objects_are_resources(app: Holdall) -> None:
    app.add_resources(a=Connection, b=Connection("there"), c=Async, d=Async(), e=Managed, f=Lock)
    app.add_resources(g=decorated, h=decorated_too)
    async with app.context({"name": "managed"}) as context:
        found = [await context.resource(name) for name in "abcdefgh"]
        assert await context.resource(Managed) == "managed"
    assert found == ["here", "there", "async", "async", "managed", "locked", "decorated", "too"]


def no_yield(context: Context) -> int:
    return 1


@pytest.mark.parametrize(
    "given, told",
    [
        (no_yield, "no_yield has no yield"),
        (7, "not by int"),
        (object, "object has neither"),
        (Lock(), "not by Lock"),
        (None, "not by NoneType"),
    ],
)
def test_what_is_no_resource_is_refused(app: Holdall, given: object, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        app.add_resources(one=given)
    assert "one" not in app.registry.resources


@pytest.mark.parametrize("name", ["_private", "session", "meta", "user", "dal", "resource", "state", "not a name", ""])
def test_names_of_contexts_own_and_private_ones_are_refused(app: Holdall, name: str) -> None:
    with pytest.raises(DeclarationError, match="cannot be named"):
        app.add_resources(**{name: decorated})


async def test_duplicates_are_refused_and_replaced_on_demand(app: Holdall) -> None:
    app.add_resources(one=Connection("first"))
    with pytest.raises(DeclarationError, match=r"already a resource 'one'; replace_resource"):
        app.add_resources(one=Connection("second"))
    async with app.context() as context:
        assert await context.one == "first"
        former = app.replace_resource("one", Connection("second"))
        assert await context.one == "first"  # it has been opened
        async with app.context() as other:
            assert await other.one == "second"
    assert isinstance(former, Connection)
    with pytest.raises(DeclarationError, match="no resource 'two'; there are one"):
        app.replace_resource("two", Connection())


async def test_an_unknown_resource_is_an_error(app: Holdall) -> None:
    app.add_resources(pool=Connection)
    async with app.context() as context:
        with pytest.raises(AttributeError, match="no resource 'pol'; did you mean pool"):
            context.pol  # noqa: B018
        with pytest.raises(StateError, match="no resource 'pol'"):
            await context.resource("pol")
        with pytest.raises(StateError, match="decorated is no resource"):
            await context.resource(decorated)
        with pytest.raises(AttributeError, match=r"\(await context.pool\).upper"):
            context.pool.upper()
        assert "pol" not in context
