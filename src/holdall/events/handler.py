"""A function that is called for events, by its name and with its limits."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from functools import cached_property, partial

import msgspec

from holdall.errors import DeclarationError
from holdall.events.threads import Threads
from holdall.model import EventKind, Trigger
from holdall.query import Value
from holdall.session.occurrences import Occurrence

__all__ = ["Consumer", "Handler", "NoThread", "TookTooLong", "call", "demand_function", "demand_triggers", "is_async"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MOST_ATTEMPTS, _LONGEST_TIMEOUT = 1_000, 3_600.0


class TookTooLong(TimeoutError):
    """A function did not return in the time that it has."""


class NoThread(TookTooLong):
    """A function was not called, as earlier calls that hang have all of its threads."""


class Handler(msgspec.Struct, frozen=True, dict=True):
    """A function that is told within the commit."""

    name: str
    triggers: tuple[Trigger, ...]
    function: Callable[[Value], Value]

    @cached_property
    def threads(self) -> Threads:
        """The threads that the function may have, where it is not async: those that hang are taken from nobody else."""
        return Threads(self.name)

    def concerns(self, occurrence: Occurrence) -> bool:
        """Whether the function is called for this."""
        return any(_concerns(trigger, occurrence) for trigger in self.triggers)

    def watched(self, occurrence: Occurrence) -> list[str]:
        """The changed fields for which the function is called for a change."""
        model, kind = occurrence.binding.model, EventKind.CHANGED
        fields = [each.fields for each in self.triggers if each.model is model and each.kind is kind]
        return [name for name in occurrence.changed if any(not each or name in each for each in fields)]


class Consumer(Handler, frozen=True):
    """A function that is told after the commit: each of ``attempts`` tries for at most ``timeout`` seconds.

    After the first failure the next try is ``backoff`` seconds later, each further one twice as late, up to an hour.
    """

    attempts: int = 10
    timeout: float = 30.0
    backoff: float = 1.0

    def __post_init__(self) -> None:
        attempts: Value = self.attempts
        if not _NAME.fullmatch(self.name):
            raise DeclarationError(
                f"{self.name[:100]!r} names no function for events: give up to 100 letters, digits, dots and dashes"
            )
        if type(attempts) is not int or not 0 < attempts <= _MOST_ATTEMPTS:
            raise DeclarationError(f"{self.name}: attempts is a number from 1 to {_MOST_ATTEMPTS}")
        for name in ("timeout", "backoff"):
            seconds: Value = getattr(self, name)
            if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= _LONGEST_TIMEOUT:
                raise DeclarationError(f"{self.name}: {name} is a number of seconds up to {_LONGEST_TIMEOUT:.0f}")


def demand_triggers(given: tuple[object, ...]) -> tuple[Trigger, ...]:
    """The triggers that were given. Raises DeclarationError for what is none."""
    if not given:
        raise DeclarationError("name the events, such as Book.created or Book.changed('status')")
    for each in given:
        if not isinstance(each, Trigger):
            raise DeclarationError(
                f"{each!r} is no event of a model, such as Book.created; where the model has a field of this name,"
                " write created(Book), changed(Book) or deleted(Book) of holdall"
            )
        if each.model.__holdall__.is_abstract:
            raise DeclarationError(
                f"{each}: {each.model.__name__} is abstract, and has no records; name a model that has"
            )
    return tuple(item for item in given if isinstance(item, Trigger))


def demand_function(given: object) -> str:
    """The name of a function that can be called with an event. Raises DeclarationError for what cannot, or yields."""
    if not callable(given):
        raise DeclarationError(f"a function of the event is told, not {type(given).__name__}")
    function: Value = given
    while isinstance(function, partial):
        function = function.func
    name: str = getattr(function, "__qualname__", type(function).__name__)
    if any(map(_yields, (given, getattr(function, "__call__", None)))):  # noqa: B004 - of an object
        raise DeclarationError(f"{name} has a yield, so that a call of it does nothing; have it return when it is done")
    try:
        signature = inspect.signature(given)
    except (TypeError, ValueError):  # one of C may have none
        return name
    try:
        signature.bind(None)
    except TypeError as error:
        raise DeclarationError(f"{name} is called with the event alone, which does not fit: {error}") from None
    return name


def _yields(function: Value) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def _concerns(trigger: Trigger, occurrence: Occurrence) -> bool:
    if trigger.model is not occurrence.binding.model or trigger.kind is not occurrence.kind:
        return False
    if occurrence.kind is not EventKind.CHANGED or not trigger.fields:
        return True
    return not trigger.fields.isdisjoint(occurrence.changed)


async def call(handler: Handler, event: Value, seconds: float, mark: str = "") -> None:
    """Call a function, async or not, for at most ``seconds``. One that is not async runs in a thread.

    Raises what the function raises, TypeError where it gives a generator, TookTooLong, and NoThread where it was not
    called within ``seconds``. A thread cannot be stopped, and goes on by itself then; while it does, a call with the
    same ``mark`` takes too long, too.
    """
    on_loop = is_async(handler.function)
    if mark and mark in handler.threads.under_way:
        raise TookTooLong(f"{handler.name} has not returned from an earlier try, in a thread that cannot be stopped")
    try:
        if not on_loop:
            async with asyncio.timeout(seconds):
                await handler.threads.place()
    except TimeoutError as error:
        raise NoThread(f"{handler.name} has no thread left: earlier calls hang in all that it may have") from error
    try:
        async with asyncio.timeout(seconds) as limit:
            if on_loop:
                found = await handler.function(event)
            else:
                found = await handler.threads.run(partial(handler.function, event), mark)
            if inspect.isawaitable(found):
                await found
            elif inspect.isgenerator(found) or inspect.isasyncgen(found):
                raise TypeError(f"{handler.name} gave a generator, which nobody runs")
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise TookTooLong(f"{handler.name} took longer than {seconds:g} seconds") from error


def is_async(function: Value) -> bool:
    """Whether a function, or the call of an object, is async."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004
