"""The names a model's annotations are read with: its own, then those of the function around it, then the module's."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, TypeAlias, get_origin

__all__ = ["Annotation", "Names", "module_around", "names_around", "origin_of"]

Annotation: TypeAlias = Any
"""The type of a field as a class body says it: a class, or any of the forms of ``typing``."""


def origin_of(annotation: Annotation) -> Annotation:
    """Return what an annotation with brackets is made of: ``list`` for ``list[int]``; None for others."""
    return get_origin(annotation)


class Names:
    """Names as they can be seen from a class body, now and later.

    A name that the function around it gives to something later is not looked for in the module.

    Example: :func:`names_around`.
    """

    __slots__ = ("_later", "_local", "_module", "_own", "model")

    def __init__(
        self,
        own: str,
        module: Mapping[str, Any],
        local: Mapping[str, Any] | None = None,
        later: frozenset[str] = frozenset(),
    ) -> None:
        self._own = own
        self._module = module
        self._local = local or {}
        self._later = later
        self.model: Any = None  # the class itself, once it is made

    def get(self, name: str) -> Any:
        """Return the object that the name stands for, or None."""
        if name == self._own:
            return self.model
        if name in self._local:
            return self._local[name]
        return None if name in self._later else self._module.get(name)

    def now(self) -> dict[str, Any]:
        """All names that stand for something now; not its own, which is yet to be made."""
        hidden = {self._own, *self._later}
        return {name: value for name, value in self._module.items() if name not in hidden} | {
            name: value for name, value in self._local.items() if name != self._own
        }


def module_around(depth: int) -> str:
    """Return the name of the module whose code is ``depth`` calls further up."""
    return str(sys._getframe(depth + 1).f_globals.get("__name__", ""))


def names_around(own: str, module: object, depth: int) -> Names:
    """Return the names that the class body of the model ``own`` in this module can see, from ``depth`` calls further
    up.

    >>> from holdall.model import names_around
    >>> seen = 7
    >>> names_around("Book", __name__, 0).now()["seen"]
    7
    """
    frame: FrameType | None = sys._getframe(depth + 1)
    while frame is not None and frame.f_globals.get("__name__") != module:
        frame = frame.f_back
    if frame is None:
        return Names(own, {}, {}, frozenset())
    if frame.f_locals is frame.f_globals:
        return Names(own, frame.f_globals, {}, frozenset())
    code = frame.f_code
    return Names(own, frame.f_globals, dict(frame.f_locals), frozenset(code.co_varnames + code.co_cellvars))
