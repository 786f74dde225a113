"""Functions of task queues and schedulers: each run of one is a context."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import get_type_hints

import msgspec

from holdall.errors import DeclarationError, HoldallError
from holdall.policy import User
from holdall.query import Value
from holdall.service import Context, Dal, SyncContext
from holdall.session import Session, SyncSession

__all__ = ["Task", "TaskMeta", "TaskUser", "again_after", "wrapped_as"]

TaskUser = User | Callable[..., User]
"""For whom a task runs: a user, or a function of the task's arguments."""
TaskMeta = Mapping[str, Value] | Callable[..., Mapping[str, Value]] | None
"""What is known of a task: meta data, or a function of the task's arguments."""

_PARTS: dict[type, str] = {
    Context: "context",
    SyncContext: "context",
    Session: "session",
    SyncSession: "session",
    Dal: "dal",
}
_NAMES = frozenset(_PARTS.values())
_KINDS = {kind.__name__: part for kind, part in _PARTS.items()}


class Task(msgspec.Struct, frozen=True):
    """A function that is run in contexts: its parameters that a context gives, by name, and all others."""

    function: Callable[..., Value]
    user: TaskUser
    meta: TaskMeta
    given: Mapping[str, str]
    signature: inspect.Signature

    @classmethod
    def of(cls, function: Callable[..., Value], user: TaskUser, meta: TaskMeta) -> Task:
        """The task of a function. Raises DeclarationError for what is none, or is a generator."""
        if not inspect.isroutine(function):
            raise DeclarationError(f"a task is a function, not {_told(function)}")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise DeclarationError(f"a task returns its result, and {_told(function)} yields")
        if not isinstance(user, User) and not callable(user):
            raise DeclarationError(f"user= takes a User or a function of the task's arguments, not {_told(user)}")
        if meta is not None and not isinstance(meta, Mapping) and not callable(meta):
            raise DeclarationError(f"meta= takes a dict or a function of the task's arguments, not {_told(meta)}")
        return cls(function, user, meta, dict(_given(function)), inspect.signature(function))

    @property
    def is_async(self) -> bool:
        """Whether its function is."""
        return inspect.iscoroutinefunction(inspect.unwrap(self.function))

    @property
    def visible(self) -> inspect.Signature:
        """The signature for those who call it, without the parameters that a context gives."""
        parameters = [each for name, each in self.signature.parameters.items() if name not in self.given]
        return self.signature.replace(parameters=parameters)

    def context_for(self, args: tuple[Value, ...], kwargs: Mapping[str, Value]) -> tuple[Mapping[str, Value], User]:
        """The meta data and the user of one run."""
        meta = self.meta(*args, **kwargs) if callable(self.meta) else self.meta
        named = f"{self.function.__module__}.{self.function.__qualname__}"
        user: Value = self.user if isinstance(self.user, User) else self.user(*args, **kwargs)
        return {"task": named, **(meta or {})}, user

    def bound(self, context: Value, args: tuple[Value, ...], kwargs: Mapping[str, Value]) -> inspect.BoundArguments:
        """All arguments of one run. Raises TypeError where they do not fit."""
        found = self.visible.bind(*args, **kwargs)
        parts = {name: context if part == "context" else getattr(context, part) for name, part in self.given.items()}
        arguments = {
            name: parts[name] if name in parts else found.arguments[name]
            for name in self.signature.parameters
            if name in parts or name in found.arguments
        }
        return inspect.BoundArguments(self.signature, arguments)


def wrapped_as(task: Task, run: Callable[..., Value]) -> Callable[..., Value]:
    """The function that a queue is given: named as the task's, with the parameters that its callers give."""
    made = wraps(task.function)(run)
    made.__signature__ = task.visible  # type: ignore[attr-defined]  # inspect.signature() reads it
    del made.__wrapped__
    made.__annotations__ = {name: kind for name, kind in made.__annotations__.items() if name not in task.given}
    return made


def again_after(error: HoldallError, pauses: Iterator[float]) -> float:
    """The seconds after which a task is run anew; raises its error where that would not help."""
    pause = next(pauses, None) if error.is_retryable else None
    if pause is None:
        raise error
    return pause


def _given(function: Callable[..., Value]) -> Iterator[tuple[str, str]]:
    """The parameters that a context gives, each with its part: by their types, or by names where there are none."""
    try:
        hints: dict[str, Value] = get_type_hints(function)
    except (NameError, TypeError):  # names that are there for type checkers only
        hints = getattr(function, "__annotations__", {})
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        hint = hints.get(name)
        part = _KINDS.get(hint.rpartition(".")[2]) if isinstance(hint, str) else _PARTS.get(hint) if hint else None
        if part is not None:
            yield name, part
        elif hint is None and name in _NAMES:
            yield name, name


def _told(given: object) -> str:
    return getattr(given, "__qualname__", None) or type(given).__name__
