"""A call of a service's method, as method middleware sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from holdall.query import Value

__all__ = ["Handler", "MethodRequest"]


class MethodRequest(msgspec.Struct, frozen=True, eq=False):
    """One call: the context in which it is made, the path to the method, and the arguments.

    Middleware hands it on as it is, or another one in its place. ``context`` is a Context for middleware that is async,
    and a SyncContext for other.

    >>> request = MethodRequest(None, ("loans", "lend"), (7,), {})
    >>> print(request, request.replace(args=(8,)).args)
    loans.lend (8,)
    """

    context: Value
    path: tuple[str, ...]
    args: tuple[Value, ...]
    kwargs: Mapping[str, Value]

    def replace(
        self,
        *,
        path: Sequence[str] | str | None = None,
        args: Sequence[Value] | None = None,
        kwargs: Mapping[str, Value] | None = None,
    ) -> MethodRequest:
        """Return the call with another path or other arguments."""
        steps = self.path if path is None else tuple(path.split(".")) if isinstance(path, str) else tuple(path)
        return MethodRequest(
            self.context,
            steps,
            self.args if args is None else tuple(args),
            self.kwargs if kwargs is None else dict(kwargs),
        )

    def __str__(self) -> str:
        return ".".join(self.path)


Handler: TypeAlias = Callable[[MethodRequest], Value]
"""Goes on with a call: awaited by middleware that is async, called by middleware that is not."""
