"""Commands: methods of services named by a path, which can be kept, sent and called later."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, Protocol

from holdall.errors import StateError
from holdall.query import Value
from holdall.service.resolve import demand_path

__all__ = ["Command", "Dal"]


class _Caller(Protocol):
    """A context's facet, as commands see it."""

    def _call(self, path: tuple[str, ...], args: tuple[Value, ...], kwargs: dict[str, Value]) -> Value: ...


class Command:
    """A method of a service by its path; calling it calls the method, in a context.

    Attributes are the next steps of the path. A command never changes, is equal to others of the same path, and is
    pickled as its path. A command acts in the context whose ``dal`` made it, and when that has ended in the one that is
    open; one made by hand, or received, is called by way of a dal: ``dal[command](...)``.

    >>> lend = Command("loans.lend")
    >>> str(lend), lend == Command("loans").lend, lend in {lend}
    ('loans.lend', True, True)
    >>> lend(7)
    Traceback (most recent call last):
    holdall.errors.StateError: the command 'loans.lend' is of no context: call it as dal['loans.lend'](...)
    """

    __slots__ = ("_caller", "_path")

    _caller: Callable[[], _Caller] | None
    _path: tuple[str, ...]

    def __init__(self, path: str, _caller: Callable[[], _Caller] | None = None) -> None:
        object.__setattr__(self, "_path", demand_path(path.split(".")))
        object.__setattr__(self, "_caller", _caller)

    @classmethod
    def _made(cls, path: tuple[str, ...], caller: Callable[[], _Caller] | None) -> Command:
        made = object.__new__(cls)
        object.__setattr__(made, "_path", path)
        object.__setattr__(made, "_caller", caller)
        return made

    def __getattr__(self, name: str) -> Command:
        if name.startswith("_"):
            raise AttributeError(f"{name!r} is private, and so no step of a command")
        return Command._made((*self._path, name), self._caller)

    def __call__(self, *args: Value, **kwargs: Value) -> Value:
        """Call the method: awaited on a loop, waited for in code that is not async."""
        if self._caller is None:
            raise StateError(f"the command {str(self)!r} is of no context: call it as dal[{str(self)!r}](...)")
        return self._caller()._call(self._path, args, kwargs)

    def __str__(self) -> str:
        return ".".join(self._path)

    def __repr__(self) -> str:
        return f"Command({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Command) and self._path == other._path

    def __hash__(self) -> int:
        return hash(self._path)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a command never changes: {name!r} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a command never changes: {name!r} cannot be removed")

    def __copy__(self) -> Command:
        return self

    def __deepcopy__(self, memo: object) -> Command:
        return self

    def __reduce__(self) -> tuple[type[Command], tuple[str]]:
        return Command, (str(self),)


class Dal:
    """The services of an application, within a context: ``dal.loans.fines.charge(...)``.

    Attributes are the first steps of commands, and ``dal["loans.fines.charge"]`` is the same command.

    >>> app = Holdall("library")
    >>> app.context().dal["loans.lend"] == app.context().dal.loans.lend
    True
    """

    __slots__ = ("_caller",)

    _caller: Callable[[], _Caller]

    def __init__(self, caller: Callable[[], _Caller]) -> None:
        object.__setattr__(self, "_caller", caller)

    def __getattr__(self, name: str) -> Command:
        if name.startswith("_"):
            raise AttributeError(f"{name!r} is private, and so no service")
        return Command._made((name,), self._caller)

    def __getitem__(self, command: str | Command) -> Command:
        if not isinstance(command, str | Command):
            raise TypeError(f"a command is named by its path, such as 'loans.lend', not by {type(command).__name__}")
        return Command._made(demand_path(str(command).split(".")), self._caller)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"services are added to the application, not to a dal: {name!r} cannot be set")
