"""Generators that stand around something: their part before the yield, and their part after it."""

from __future__ import annotations

from collections.abc import Generator
from types import AsyncGeneratorType
from typing import NoReturn, TypeAlias

from holdall.errors import StateError
from holdall.query import Value
from holdall.service.one_task import ENDED, OneTask, Raised, async_step
from holdall.service.place import ON_LOOP, Place

__all__ = ["Steps", "end_of", "in_one_task", "raise_as_is", "step_of"]

Steps: TypeAlias = "Generator[Value, None, None] | AsyncGeneratorType[Value, None] | OneTask"


async def step_of(place: Place, steps: Steps) -> Value:
    """Let a generator go to its yield. Return what it yields, or ``ENDED``; raises what the generator raises."""
    if place is ON_LOOP and isinstance(steps, AsyncGeneratorType):
        return await anext(steps, ENDED)
    found = await _go_on(place, steps, None)
    if isinstance(found, Raised):
        raise_as_is(found.error)
    return found


async def end_of(place: Place, told: str, steps: Steps, error: BaseException | None) -> BaseException | None:
    """Let a generator end, with an error raised where it stands if there is one; return the error that there is then.

    A generator that ends in spite of an error lets none go on.
    """
    found = await _go_on(place, steps, error)
    if found is ENDED:
        return None
    if not isinstance(found, Raised):
        second = StateError(f"{told} yielded more than once: what stands around something has a single yield")
        second.__cause__ = error
        return await _closed(place, steps) or second
    is_wrapped = isinstance(error, StopIteration | StopAsyncIteration) and found.error.__cause__ is error
    return error if is_wrapped else found.error  # generators cannot raise those as they are


def in_one_task(steps: Steps) -> Steps:
    """The same generator, whose steps may be asked for by several tasks."""
    return OneTask(steps) if isinstance(steps, AsyncGeneratorType) else steps


def raise_as_is(error: BaseException) -> NoReturn:
    """Raise an error with the context that it has, which raising it while another is handled would take away."""
    context = error.__context__
    try:
        raise error
    except BaseException:
        error.__context__ = context
        raise


async def _go_on(place: Place, steps: Steps, error: BaseException | None) -> Value:
    if isinstance(steps, OneTask):
        one = steps
        return await place.on_loop(lambda: one.step(error))
    if isinstance(steps, AsyncGeneratorType):
        running = steps
        return await (
            async_step(steps, error) if place is ON_LOOP else place.on_loop(lambda: async_step(running, error))
        )
    waiting = steps
    return await place.in_thread(lambda: _step(waiting, error))


async def _closed(place: Place, steps: Steps) -> BaseException | None:
    try:
        if isinstance(steps, AsyncGeneratorType | OneTask):
            await place.on_loop(steps.aclose)
        else:
            await place.in_thread(steps.close)
    except RuntimeError:
        return None  # it yielded once more
    except BaseException as raised:
        return raised
    return None


def _step(steps: Generator[Value, None, None], error: BaseException | None) -> Value:
    try:
        return next(steps) if error is None else steps.throw(error)
    except StopIteration:
        return ENDED
    except BaseException as raised:
        return Raised(raised)
