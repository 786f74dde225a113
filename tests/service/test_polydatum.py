"""Every behaviour that polydatum documents, under the names of its documents; and that its surprises do not happen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from holdall import Command, Holdall, Meta, MethodRequest, SyncContext, SyncService
from holdall.errors import DeclarationError, HoldallError, NotFound, StateError, UnknownCommand
from holdall.service import ContextState, ValueResource


class Sub(SyncService):
    def method(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        return (*args, *kwargs.values())


class Items(SyncService):
    sub = Sub()

    def get_item(self, key: int) -> str | None:
        found: str | None = self.context.db.get(key)
        return found

    def nested(self, key: int) -> Any:
        return self.dal.items.sub.method(key)

    def direct(self, key: int) -> Any:
        return self.sub.method(key)

    def _private(self) -> None: ...


Log = list[str]


@pytest.fixture
def log() -> Log:
    return []


@pytest.fixture
def app(log: Log) -> Iterator[Holdall]:
    made = Holdall("shop")

    def db(context: SyncContext) -> Iterator[dict[int, str]]:
        log.append("checkout")
        try:
            yield {1: "lamp"}
        except BaseException as error:
            log.append(f"checkin {type(error).__name__}")
            raise
        log.append("checkin")

    made.add_resources(db=db)
    made.add_services(items=Items())
    yield made
    made.sync.close()


def middleware(log: Log, name: str, *, suppress: bool = False, replace: bool = False) -> Any:
    def around(context: SyncContext) -> Iterator[None]:
        log.append(f"{name} set up")
        try:
            yield
        except BaseException as error:
            log.append(f"{name} {type(error).__name__}")
            if replace:
                raise KeyError from error
            if not suppress:
                raise
        else:
            log.append(f"{name} torn down")

    return around


def fail(app: Holdall, *, touch: bool = False) -> None:
    with app.sync.context() as context:
        if touch:
            context.db  # noqa: B018
        raise ZeroDivisionError


# --- DataManager ------------------------------------------------------------------------------------------------------


def test_register_services_refuses_a_key_that_is_taken_and_calls_setup(app: Holdall) -> None:
    seen: list[Any] = []

    class Prepared(SyncService):
        def setup(self, app: Any) -> None:
            seen.append(app)

    with pytest.raises(DeclarationError):
        app.add_services(items=Prepared())
    app.add_services(prepared=Prepared())
    assert seen == [app]


def test_replace_service_calls_setup_of_the_new_one(app: Holdall) -> None:
    former = app.replace_service("items", Sub())
    with app.sync.dal() as dal:
        assert dal.items.method(1) == (1,)
    assert isinstance(former, Items)


def test_register_resources_refuses_duplicates_and_what_is_no_generator_function(app: Holdall) -> None:
    for given in (app.registry.resources["db"].given, lambda context: None, 7):
        with pytest.raises(DeclarationError):
            app.add_resources(db=given)


def test_replace_resource_affects_contexts_that_have_not_opened_it(app: Holdall) -> None:
    with app.sync.context() as context:
        before = context.db
        app.replace_resource("db", ValueResource({2: "shade"}))
        assert context.db is before
        with app.sync.context() as other:
            assert other.db == {2: "shade"}


def test_register_context_middleware_keeps_the_order_and_takes_duplicates(app: Holdall, log: Log) -> None:
    one = middleware(log, "one")
    app.add_middleware(one, middleware(log, "two"), one)
    with app.sync.context():
        assert log == ["one set up", "two set up", "one set up"]
    with pytest.raises(DeclarationError):
        app.add_middleware(lambda context: None)


def test_get_middleware_selects_for_each_context(app: Holdall, log: Log) -> None:
    app.add_middleware(middleware(log, "web"), when=lambda context: bool(context.meta.get("path")))
    with app.sync.context():
        assert log == []
    with app.sync.context({"path": "/"}):
        assert log == ["web set up"]


def test_context_is_not_entered_and_takes_a_dict_or_a_meta(app: Holdall) -> None:
    for meta in ({"ip": "::1"}, Meta(ip="::1")):
        context = app.sync.context(meta)
        assert (context.state, context.meta.ip) == (ContextState.CREATED, "::1")


def test_dal_enters_a_new_context_and_yields_the_services(app: Holdall) -> None:
    with app.sync.dal(meta={"ip": "::1"}) as dal:
        assert dal.items.get_item(1) == "lamp"
        assert app.sync.require_context().dal.items.get_item(9) is None


def test_get_active_context_is_the_innermost_or_none_and_require_raises(app: Holdall) -> None:
    assert app.sync.active_context is None
    with pytest.raises(RuntimeError, match="no context"):
        app.sync.require_context()
    with app.sync.context() as outer, app.sync.context() as inner:
        assert app.sync.active_context is inner is not outer


# --- DataAccessContext ------------------------------------------------------------------------------------------------


def test_a_context_is_used_once(app: Holdall) -> None:
    context = app.sync.context()
    with context:
        pass
    with pytest.raises(RuntimeError, match="once"):
        context.__enter__()
    with pytest.raises(HoldallError):
        context.__exit__(None, None, None)


def test_a_middleware_without_a_yield_is_a_setup_error_and_those_before_are_torn_down(app: Holdall, log: Log) -> None:
    def silent(context: SyncContext) -> Iterator[None]:
        if context.meta:
            yield

    app.add_middleware(middleware(log, "one"), silent)
    with pytest.raises(StateError, match="silent ended without a yield"), app.sync.context():
        pass
    assert log == ["one set up", "one StateError"]
    assert app.sync.active_context is None


def test_resources_open_lazily_are_cached_and_in_says_whether_they_are_open(app: Holdall, log: Log) -> None:
    with app.sync.context() as context:
        assert ("db" in context, log) == (False, [])
        assert context.db is context.db
        assert ("db" in context, log) == (True, ["checkout"])
    assert log == ["checkout", "checkin"]


def test_an_unknown_resource_is_an_attribute_error(app: Holdall) -> None:
    with app.sync.context() as context, pytest.raises(AttributeError, match="no resource 'nothing'"):
        context.nothing  # noqa: B018


def test_a_resource_without_a_yield_is_an_error(app: Holdall) -> None:
    def silent(context: SyncContext) -> Iterator[None]:
        if context.meta:
            yield

    app.add_resources(silent=silent)
    with app.sync.context() as context, pytest.raises(StateError, match="'silent' was not set up"):
        context.silent  # noqa: B018


def test_a_resource_whose_setup_failed_can_be_tried_again(app: Holdall) -> None:
    tries: list[int] = []

    @app.resource
    def shaky(context: SyncContext) -> Iterator[int]:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError
        yield len(tries)

    with app.sync.context() as context:
        with pytest.raises(ConnectionError):
            context.shaky  # noqa: B018
        assert context.shaky == 2


def test_while_exiting_only_open_resources_are_there(app: Holdall, log: Log) -> None:
    def around(context: SyncContext) -> Iterator[None]:
        yield
        assert context.db == {1: "lamp"}
        with pytest.raises(RuntimeError, match="not opened before"):
            context.late  # noqa: B018

    app.add_middleware(around)
    app.add_resources(late=ValueResource(1))
    with app.sync.context() as context:
        assert context.db
    with pytest.raises(RuntimeError):
        context.db  # noqa: B018


def test_middleware_is_torn_down_in_reverse_and_resources_after_it(app: Holdall, log: Log) -> None:
    app.add_middleware(middleware(log, "one"), middleware(log, "two"))
    with app.sync.context() as context:
        assert context.db
    assert log[2:] == ["checkout", "two torn down", "one torn down", "checkin"]


def test_middleware_may_replace_the_exception_for_outer_ones_resources_and_the_caller(app: Holdall, log: Log) -> None:
    app.add_middleware(middleware(log, "one"), middleware(log, "two", replace=True))
    with pytest.raises(KeyError) as caught:
        fail(app, touch=True)
    assert isinstance(caught.value.__context__, ZeroDivisionError)
    assert log[3:] == ["two ZeroDivisionError", "one KeyError", "checkin KeyError"]


def test_middleware_may_suppress_the_exception_also_for_the_caller(app: Holdall, log: Log) -> None:
    """A surprise of the ancestor: its caller saw the exception when all others had seen success."""
    app.add_middleware(middleware(log, "one"), middleware(log, "two", suppress=True))
    fail(app, touch=True)
    assert log[3:] == ["two ZeroDivisionError", "one torn down", "checkin"]


def test_a_second_yield_is_a_runtime_error(app: Holdall) -> None:
    def twice(context: SyncContext) -> Iterator[None]:
        yield
        yield

    app.add_middleware(twice)
    with pytest.raises(RuntimeError, match="yielded more than once"), app.sync.context():
        pass


def test_errors_of_resources_are_collected_and_every_resource_is_closed(app: Holdall, log: Log) -> None:
    @app.resource
    def broken(context: SyncContext) -> Iterator[None]:
        yield
        raise OSError("broken")

    context = app.sync.context()

    def work() -> None:
        with context:
            assert context.db
            context.broken  # noqa: B018

    with pytest.raises(OSError, match="broken"):  # a surprise of the ancestor: nobody saw it who did not ask
        work()
    assert [str(error) for error in context.closing_errors] == ["broken"]
    assert log == ["checkout", "checkin"]


def test_inner_contexts_have_their_own_resources_and_meta(app: Holdall) -> None:
    with app.sync.context({"depth": 1}) as outer, app.sync.context() as inner:
        assert inner.db is not outer.db
        assert "depth" not in inner.meta


def test_contexts_of_two_managers_are_apart(app: Holdall) -> None:
    """A surprise of the ancestor: one stack for all, so that a dal resolved the other manager's services."""
    other = Holdall("other")
    other.add_resources(db=ValueResource({1: "another"}))
    other.add_services(items=Items())
    with app.sync.dal() as dal, other.sync.dal() as foreign:
        assert (dal.items.get_item(1), foreign.items.get_item(1)) == ("lamp", "another")
        assert app.sync.require_context().db == {1: "lamp"}
    other.sync.close()


def test_threads_begin_without_an_active_context(app: Holdall) -> None:
    found: list[object] = []
    with app.sync.context():
        thread = threading.Thread(target=lambda: found.append(app.sync.active_context))
        thread.start()
        thread.join()
    assert found == [None]


def test_tasks_of_a_loop_have_contexts_of_their_own(app: Holdall) -> None:
    """A surprise of the ancestor: it had nothing for async code."""

    async def one(key: int) -> Any:
        async with app.dal(meta={"key": key}) as dal:
            await asyncio.sleep(0)
            return await dal.items.get_item(key), app.require_context().meta.key

    async def both() -> list[Any]:
        return list(await asyncio.gather(one(1), one(2)))

    assert asyncio.run(both()) == [("lamp", 1), (None, 2)]


# --- DAL, commands, method middleware ---------------------------------------------------------------------------------


def test_a_dal_command_is_immutable_reusable_and_its_text_is_its_path(app: Holdall) -> None:
    outside = Command("items.sub.method")  # made outside of a context
    with app.sync.dal() as dal:
        command = dal.items.sub.method
        assert command is not dal.items.sub
        assert (str(command), command) == ("items.sub.method", outside)
        assert [command(1), command(2), dal[outside](3)] == [(1,), (2,), (3,)]
        with pytest.raises(AttributeError):
            command.path = ()


def test_a_command_by_text_drops_a_leading_dal(app: Holdall) -> None:
    with app.sync.dal() as dal:
        assert dal["dal.items.sub.method"] == dal["items.sub.method"]
        assert dal["dal.items.sub.method"](7) == (7,)


def test_names_that_a_dal_has_itself_can_be_reached(app: Holdall) -> None:
    """A surprise of the ancestor: methods named path or register_services could not."""

    class Odd(SyncService):
        def path(self) -> int:
            return 1

        def register_services(self) -> int:
            return 2

    app.add_services(path=Odd())
    with app.sync.dal() as dal:
        assert (dal.path.path(), dal.path.register_services()) == (1, 2)


def test_a_call_without_a_context_is_a_runtime_error(app: Holdall) -> None:
    with app.sync.dal() as dal:
        command = dal.items.get_item
    with pytest.raises(RuntimeError, match="no other one"):
        command(1)


def test_method_middleware_is_outermost_first_and_may_change_short_circuit_and_raise(app: Holdall, log: Log) -> None:
    def outer(request: MethodRequest, handler: Any) -> Any:
        log.append(f"outer {request}")
        if request.args == ("stop",):
            return "stopped"
        if request.args == ("raise",):
            raise PermissionError
        return handler(request.replace(args=(*request.args, "outer"), kwargs={"key": 1}))

    class Inner:
        def __call__(self, request: MethodRequest, handler: Any) -> Any:
            log.append("inner")
            return [handler(request)]

    app.add_method_middleware(outer, Inner)
    with app.sync.dal() as dal:
        assert dal.items.sub.method("one") == [("one", "outer", 1)]
        assert dal.items.sub.method("stop") == "stopped"
        with pytest.raises(PermissionError):
            dal.items.sub.method("raise")
    assert log == ["outer items.sub.method", "inner"] + ["outer items.sub.method"] * 2


def test_method_middleware_stands_around_calls_between_services_but_not_direct_ones(app: Holdall, log: Log) -> None:
    def note(request: MethodRequest, handler: Any) -> Any:
        log.append(str(request))
        return handler(request)

    app.add_method_middleware(note)
    with app.sync.dal() as dal:
        dal.items.nested(1)
        dal.items.direct(1)
    assert log == ["items.nested", "items.sub.method", "items.direct"]


def test_a_list_of_middleware_is_not_changed_and_may_be_a_tuple(app: Holdall, log: Log) -> None:
    """Surprises of the ancestor: a list grew, and a tuple was an AttributeError."""
    listed = [lambda request, handler: handler(request)]
    app.add_method_middleware(*listed)
    app.add_method_middleware(*tuple(listed))
    assert len(listed) == 1


def test_what_is_no_method_middleware_is_refused(app: Holdall) -> None:
    with pytest.raises(DeclarationError):
        app.add_method_middleware(7)


@pytest.mark.parametrize("path", ["nothing.method", "items.nothing", "items.sub.nothing", "items", "items.sub", ""])
def test_a_path_without_a_method_is_an_error_that_names_it(app: Holdall, path: str) -> None:
    with app.sync.dal() as dal, pytest.raises(UnknownCommand) as caught:
        dal[path]()
    assert caught.value.command == path


def test_private_methods_and_setup_cannot_be_called(app: Holdall) -> None:
    """A surprise of the ancestor: whoever sent the name of a method called it."""
    with app.sync.dal() as dal:
        for path in ("items._private", "items.setup", "items.sub.__class__"):
            with pytest.raises(UnknownCommand):
                dal[path]()
        with pytest.raises(AttributeError):
            dal.items._private()


def test_services_are_registered_below_others_and_duplicates_refused(app: Holdall) -> None:
    """A surprise of the ancestor: a duplicate took the place of what was there."""
    above = SyncService().add_services(sub=Sub())
    with pytest.raises(DeclarationError):
        above.add_services(sub=Sub())
    app.add_services(above=above)
    with app.sync.dal() as dal:
        assert dal.above.sub.method(1) == (1,)


def test_a_service_without_super_init_works(app: Holdall) -> None:
    """A surprise of the ancestor: RecursionError."""

    class Own(SyncService):
        def __init__(self) -> None:
            self.fee = 50

        def asked(self) -> int:
            return self.fee

    app.add_services(own=Own().add_services(sub=Sub()))
    with app.sync.dal() as dal:
        assert (dal.own.asked(), dal.own.sub.method(2)) == (50, (2,))


def test_a_service_outside_of_a_context_says_so(app: Holdall) -> None:
    with pytest.raises(RuntimeError, match="is in no context"):
        Items().get_item(1)


def test_not_found_is_an_error_of_services(app: Holdall) -> None:
    class Needing(SyncService):
        def create(self, parent: int) -> None:
            raise NotFound("item", parent)

    app.add_services(needing=Needing())
    with app.sync.dal() as dal, pytest.raises(HoldallError) as caught:
        dal.needing.create(7)
    assert isinstance(caught.value, NotFound)


def test_a_value_resource_is_a_constant(app: Holdall) -> None:
    value = object()
    app.add_resources(constant=ValueResource(value))
    with app.sync.context() as context:
        assert context.constant is value


def test_the_real_service_is_patched_in_tests(app: Holdall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.services["items"], "get_item", lambda key: "patched")
    with app.sync.dal() as dal:
        assert dal.items.get_item(1) == "patched"
