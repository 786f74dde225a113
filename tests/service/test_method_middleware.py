"""Method middleware: outermost first around every call, also between services."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from holdall import Holdall, MethodRequest, Service, SyncContext, SyncService
from holdall.errors import DeclarationError, StateError, UnknownCommand
from holdall.service import Context, Handler

pytestmark = pytest.mark.anyio


class Numbers(Service):
    async def double(self, number: int) -> int:
        return number * 2

    async def quadruple(self, number: int) -> int:
        found: int = await self.dal.numbers.double(await self.dal.numbers.double(number))
        return found

    async def direct(self, number: int) -> int:
        return await self.double(number)


class Plain(SyncService):
    def double(self, number: int, *, plus: int = 0) -> int:
        return number * 2 + plus

    def by_dal(self, number: int) -> int:
        found: int = self.dal.numbers.double(number)
        return found


@pytest.fixture
def app() -> Iterator[Holdall]:
    made = Holdall("numbers")
    made.add_services(numbers=Numbers(), plain=Plain())
    yield made
    made.sync.close()


@pytest.fixture(params=["async", "sync"])
def call(request: pytest.FixtureRequest, app: Holdall) -> Callable[..., Any]:
    """Calls a command, by either facade."""

    def called(path: str, *args: Any, **kwargs: Any) -> Any:
        async def run() -> Any:
            async with app.dal() as dal:
                return await dal[path](*args, **kwargs)

        if request.param == "async":
            return asyncio.run(run())
        with app.sync.dal() as dal:
            return dal[path](*args, **kwargs)

    return called


def noting(name: str, log: list[str], *, is_async: bool) -> Any:
    async def around(request: MethodRequest, handler: Handler) -> Any:
        assert isinstance(request.context, Context)
        log.append(f"{name}: {request}{request.args}")
        result = await handler(request)
        log.append(f"{name}: {result}")
        return result

    def around_thread(request: MethodRequest, handler: Handler) -> Any:
        assert isinstance(request.context, SyncContext)
        log.append(f"{name}: {request}{request.args}")
        result = handler(request)
        log.append(f"{name}: {result}")
        return result

    return around if is_async else around_thread


@pytest.mark.parametrize("kinds", [(True, True), (False, False), (True, False), (False, True)])
@pytest.mark.parametrize("path", ["numbers.double", "plain.double"])
def test_the_outermost_comes_first(app: Holdall, call: Any, kinds: tuple[bool, bool], path: str) -> None:
    log: list[str] = []
    app.add_method_middleware(*[noting(name, log, is_async=kind) for name, kind in zip("ab", kinds, strict=True)])
    assert call(path, 4) == 8
    assert log == [f"a: {path}(4,)", f"b: {path}(4,)", "b: 8", "a: 8"]


@pytest.mark.parametrize("is_async", [True, False])
def test_calls_between_services_pass_it_and_direct_calls_do_not(app: Holdall, call: Any, is_async: bool) -> None:
    log: list[str] = []
    app.add_method_middleware(noting("a", log, is_async=is_async))
    assert call("numbers.quadruple", 1) == 4
    assert log == [
        "a: numbers.quadruple(1,)", "a: numbers.double(1,)", "a: 2", "a: numbers.double(2,)", "a: 4", "a: 4",
    ]  # fmt: skip
    del log[:]
    assert call("plain.by_dal", 3) == 6
    assert log == ["a: plain.by_dal(3,)", "a: numbers.double(3,)", "a: 6", "a: 6"]
    del log[:]
    assert call("numbers.direct", 3) == 6
    assert log == ["a: numbers.direct(3,)", "a: 6"]


def test_arguments_are_changed_once_for_each_call(app: Holdall, call: Any) -> None:
    async def add_one(request: MethodRequest, handler: Handler) -> Any:
        return await handler(request.replace(args=(request.args[0] + 1,)))

    app.add_method_middleware(add_one)
    assert call("numbers.double", 1) == 4
    assert call("numbers.quadruple", 1) == ((1 + 1 + 1) * 2 + 1) * 2


def test_keywords_and_the_path_are_changed(app: Holdall, call: Any) -> None:
    def elsewhere(request: MethodRequest, handler: Handler) -> Any:
        if request.path == ("old", "double"):
            request = request.replace(path="plain.double", kwargs={"plus": 1})
        return handler(request)

    app.add_method_middleware(elsewhere)
    assert call("old.double", 1) == 3
    with pytest.raises(UnknownCommand):
        call("older.double", 1)


def test_a_request_never_changes(app: Holdall, call: Any) -> None:
    async def change(request: MethodRequest, handler: Handler) -> Any:
        with pytest.raises(AttributeError):
            request.args = ()  # type: ignore[misc]
        return await handler(request)

    app.add_method_middleware(change)
    assert call("numbers.double", 1) == 2


@pytest.mark.parametrize("path", ["numbers.double", "plain.double"])
def test_it_may_answer_by_itself_and_raise(app: Holdall, call: Any, path: str) -> None:
    log: list[str] = []

    async def cached(request: MethodRequest, handler: Handler) -> Any:
        return "cached" if request.args == (7,) else await handler(request)

    def guarded(request: MethodRequest, handler: Handler) -> Any:
        if request.args[0] < 0:
            raise PermissionError
        return handler(request)

    app.add_method_middleware(cached, guarded, noting("a", log, is_async=True))
    assert call(path, 7) == "cached"
    with pytest.raises(PermissionError):
        call(path, -1)
    assert log == []
    assert call(path, 1) == 2


@pytest.mark.parametrize("path", ["numbers.double", "plain.double"])
def test_it_sees_and_replaces_exceptions(app: Holdall, call: Any, path: str) -> None:
    async def outer(request: MethodRequest, handler: Handler) -> Any:
        try:
            return await handler(request)
        except KeyError:
            return "mended"

    def inner(request: MethodRequest, handler: Handler) -> Any:
        try:
            return handler(request)
        except TypeError as error:
            raise KeyError from error

    app.add_method_middleware(outer, inner)
    assert call(path) == "mended"


class Counting:
    """Middleware that is an object."""

    count = 0

    async def __call__(self, request: MethodRequest, handler: Handler) -> Any:
        Counting.count += 1
        return await handler(request)


def test_objects_and_classes_are_middleware(app: Holdall, call: Any) -> None:
    Counting.count = 0
    app.add_method_middleware(Counting, Counting())
    assert call("numbers.double", 1) == 2
    assert Counting.count == 2


def test_parameters_may_have_any_name(app: Holdall, call: Any) -> None:
    app.add_method_middleware(lambda one, two: two(one))
    assert call("numbers.double", 1) == 2


@pytest.mark.parametrize("given", [7, None, "numbers", lambda request: None, lambda: None])
def test_what_is_no_middleware_is_refused(app: Holdall, given: Any) -> None:
    with pytest.raises(DeclarationError, match="method middleware"):
        app.add_method_middleware(given)


def test_what_is_handed_on_is_a_request(app: Holdall, call: Any) -> None:
    async def wrong(request: MethodRequest, handler: Any) -> Any:
        return await handler("numbers.double")

    app.add_method_middleware(wrong)
    with pytest.raises(StateError, match="hands on a MethodRequest, not str"):
        call("numbers.double", 1)


def test_method_middleware_is_replaced_in_its_place(app: Holdall, call: Any) -> None:
    log: list[str] = []
    a, b, c = (noting(name, log, is_async=True) for name in "abc")
    app.add_method_middleware(a, b)
    app.replace_method_middleware(a, c)
    call("numbers.double", 1)
    assert [line[0] for line in log] == ["c", "b", "b", "c"]
    with pytest.raises(DeclarationError, match="is no middleware"):
        app.replace_method_middleware(a, c)
