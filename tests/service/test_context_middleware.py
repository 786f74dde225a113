"""Context middleware: around every context, in reverse order on exit; may replace an exception or truly suppress it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from holdall import Context, Holdall, SyncContext
from holdall.errors import DeclarationError, StateError

pytestmark = pytest.mark.anyio


@pytest.fixture
def app() -> Iterator[Holdall]:
    made = Holdall("notes")
    yield made
    made.sync.close()


@pytest.fixture(params=["async", "thread"])
def is_async(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "async")


@pytest.fixture(params=["async", "sync"])
def run(request: pytest.FixtureRequest, app: Holdall) -> Callable[..., None]:
    """Runs a function in a context, of either facade."""

    def work(body: Callable[[], None] = lambda: None) -> None:
        async def run() -> None:
            async with app.context():
                body()

        if request.param == "async":
            asyncio.run(run())
        else:
            with app.sync.context():
                body()

    return work


Around = Callable[[BaseException | None], None]


def middleware(name: str, log: list[str], *, is_async: bool, then: Around | None = None) -> Any:
    """Notes what it sees; ``then`` is called with the exception, which goes on unless it says otherwise."""

    def after(error: BaseException | None) -> None:
        log.append(f"{name} ends" if error is None else f"{name} sees {type(error).__name__}")
        if then is not None:
            then(error)
        elif error is not None:
            raise error

    async def around(context: Context) -> AsyncIterator[None]:
        log.append(f"{name} begins")
        try:
            yield
        except BaseException as error:
            after(error)
        else:
            after(None)

    def around_thread(context: SyncContext) -> Iterator[None]:
        log.append(f"{name} begins")
        try:
            yield
        except BaseException as error:
            after(error)
        else:
            after(None)

    return around if is_async else around_thread


def fail() -> None:
    raise ZeroDivisionError


def suppress(error: BaseException | None) -> None:
    pass


def replace(error: BaseException | None) -> None:
    raise KeyError("another")


def test_order_is_that_of_declaration_and_reversed_on_exit(app: Holdall, run: Any, is_async: bool) -> None:
    log: list[str] = []
    app.add_middleware(*[middleware(name, log, is_async=is_async) for name in "abc"])
    run(lambda: log.append("body"))
    assert log == ["a begins", "b begins", "c begins", "body", "c ends", "b ends", "a ends"]


def test_each_sees_the_exception(app: Holdall, run: Any, is_async: bool) -> None:
    log: list[str] = []
    app.add_middleware(*[middleware(name, log, is_async=is_async) for name in "ab"])
    with pytest.raises(ZeroDivisionError):
        run(fail)
    assert log[2:] == ["b sees ZeroDivisionError", "a sees ZeroDivisionError"]


def test_suppressing_is_what_outer_layers_and_the_caller_see(app: Holdall, run: Any, is_async: bool) -> None:
    log: list[str] = []
    app.add_middleware(middleware("a", log, is_async=is_async), middleware("b", log, is_async=is_async, then=suppress))
    app.add_middleware(middleware("c", log, is_async=is_async))
    run(fail)
    assert log[3:] == ["c sees ZeroDivisionError", "b sees ZeroDivisionError", "a ends"]


def test_a_replaced_exception_is_what_outer_layers_and_the_caller_see(app: Holdall, run: Any, is_async: bool) -> None:
    log: list[str] = []
    app.add_middleware(middleware("a", log, is_async=is_async), middleware("b", log, is_async=is_async, then=replace))
    with pytest.raises(KeyError, match="another") as caught:
        run(fail)
    assert log[2:] == ["b sees ZeroDivisionError", "a sees KeyError"]
    assert isinstance(caught.value.__context__, ZeroDivisionError)


def test_an_exception_of_middleware_alone_is_seen_further_out(app: Holdall, run: Any, is_async: bool) -> None:
    log: list[str] = []
    app.add_middleware(middleware("a", log, is_async=is_async), middleware("b", log, is_async=is_async, then=replace))
    with pytest.raises(KeyError):
        run()
    assert log[2:] == ["b ends", "a sees KeyError"]


def test_both_kinds_stand_around_each_other(app: Holdall, run: Any) -> None:
    log: list[str] = []
    kinds = [True, False, True, False]
    app.add_middleware(*[middleware(str(number), log, is_async=kind) for number, kind in enumerate(kinds)])
    with pytest.raises(ZeroDivisionError):
        run(fail)
    assert [line[0] for line in log] == list("01233210")


def test_a_failing_set_up_tells_what_was_set_up_and_is_raised(app: Holdall, run: Any, is_async: bool) -> None:
    log: list[str] = []

    async def failing(context: Context) -> AsyncIterator[None]:
        await context.pool
        raise ZeroDivisionError
        yield

    @app.resource
    async def pool(context: Context) -> AsyncIterator[None]:
        yield
        log.append("never: it is told of the exception")

    app.add_middleware(middleware("a", log, is_async=is_async), middleware("b", log, is_async=is_async, then=suppress))
    app.add_middleware(failing, middleware("c", log, is_async=is_async))
    with pytest.raises(ZeroDivisionError):
        run(lambda: log.append("never"))
    # there is nothing to go on with, so that nobody can suppress it, and all are told
    assert log == ["a begins", "b begins", "b sees ZeroDivisionError", "a sees ZeroDivisionError"]
    assert app.active_context is None


@pytest.mark.parametrize("then", [suppress, replace])
def test_a_failing_set_up_may_be_replaced(app: Holdall, run: Any, then: Around) -> None:
    async def failing(context: Context) -> AsyncIterator[None]:
        raise ZeroDivisionError
        yield

    app.add_middleware(middleware("a", [], is_async=True, then=then), failing)
    with pytest.raises(ZeroDivisionError if then is suppress else KeyError):
        run()


async def no_yield(context: Context) -> AsyncIterator[None]:
    if context.meta:
        yield


def no_yield_thread(context: SyncContext) -> Iterator[None]:
    if context.meta:
        yield


async def two_yields(context: Context) -> AsyncIterator[None]:
    yield
    yield


def two_yields_thread(context: SyncContext) -> Iterator[None]:
    yield
    yield


async def yields_again(context: Context) -> AsyncIterator[None]:
    try:
        yield
    except ZeroDivisionError:
        yield


def yields_again_thread(context: SyncContext) -> Iterator[None]:
    try:
        yield
    except ZeroDivisionError:
        yield


@pytest.mark.parametrize("given", [no_yield, no_yield_thread])
def test_no_yield_is_an_error_that_says_so(app: Holdall, run: Any, given: Any) -> None:
    log: list[str] = []
    app.add_middleware(middleware("a", log, is_async=True), given)
    with pytest.raises(StateError, match=f"middleware {given.__name__} ended without a yield"):
        run(lambda: log.append("never"))
    assert log == ["a begins", "a sees StateError"]


@pytest.mark.parametrize("given", [two_yields, two_yields_thread])
def test_two_yields_are_an_error_that_says_so(app: Holdall, run: Any, given: Any) -> None:
    log: list[str] = []
    app.add_middleware(middleware("a", log, is_async=True), given)
    with pytest.raises(StateError, match=f"middleware {given.__name__} yielded more than once"):
        run()
    assert log == ["a begins", "a sees StateError"]


@pytest.mark.parametrize("given", [yields_again, yields_again_thread])
def test_a_second_yield_after_an_exception_is_one_too(app: Holdall, run: Any, given: Any) -> None:
    app.add_middleware(given)
    with pytest.raises(StateError, match="yielded more than once") as caught:
        run(fail)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def plain(context: Context) -> None: ...


@pytest.mark.parametrize("given", [plain, 7, object, None])
def test_what_is_no_middleware_is_refused(app: Holdall, given: object) -> None:
    with pytest.raises(DeclarationError, match="context middleware is"):
        app.add_middleware(given)
    with pytest.raises(DeclarationError, match="context middleware is"):
        app.middleware(given)


def test_middleware_of_some_contexts(app: Holdall) -> None:
    log: list[str] = []
    app.add_middleware(middleware("web", log, is_async=True), when=lambda context: "path" in context.meta)
    with app.sync.context(), app.sync.context({"path": "/"}):
        assert log == ["web begins"]
    with pytest.raises(DeclarationError, match="when="):
        app.add_middleware(two_yields, when=7)  # type: ignore[arg-type]


def test_middleware_is_replaced_in_its_place(app: Holdall) -> None:
    log: list[str] = []
    a, b, c = (middleware(name, log, is_async=True) for name in "abc")
    app.add_middleware(a, b)
    app.replace_middleware(a, c)
    with app.sync.context():
        assert log == ["c begins", "b begins"]
    with pytest.raises(DeclarationError, match="is no middleware"):
        app.replace_middleware(a, c)


def test_middleware_given_twice_stands_around_twice(app: Holdall) -> None:
    log: list[str] = []
    one = middleware("a", log, is_async=True)
    app.add_middleware(one, one)
    with app.sync.context():
        assert log == ["a begins", "a begins"]


async def test_the_chain_of_exceptions_stays_whole(app: Holdall) -> None:
    @app.middleware
    async def outer(context: Context) -> AsyncIterator[None]:
        try:
            yield
        except KeyError as error:
            raise LookupError from error

    @app.middleware
    async def inner(context: Context) -> AsyncIterator[None]:
        try:
            yield
        except ZeroDivisionError:
            raise KeyError  # noqa: B904

    with pytest.raises(LookupError) as caught:
        async with app.context():
            raise ZeroDivisionError
    key_error = caught.value.__context__
    assert isinstance(key_error, KeyError)
    assert isinstance(key_error.__context__, ZeroDivisionError)


async def test_a_cancelled_body_is_told_and_stays_cancelled(app: Holdall) -> None:
    log: list[str] = []
    app.add_middleware(middleware("a", log, is_async=True))

    async def work() -> None:
        async with app.context():
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["a begins", "a sees CancelledError"]


async def test_what_middleware_sets_is_seen_within(app: Holdall) -> None:
    from contextvars import ContextVar

    variable: ContextVar[int] = ContextVar("variable", default=0)

    @app.middleware
    async def setting(context: Context) -> AsyncIterator[None]:
        variable.set(7)
        yield

    async with app.context():
        assert variable.get() == 7
