"""Values inside JSON whose types are known: ``Book.size.width`` is compared and computed with as a field is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from holdall.query.border import Value
from holdall.query.condition import Owner, Path
from holdall.query.expression import AnyExpression, Computed
from holdall.query.schema import Asked, Kind
from holdall.query.term import Call, Constant, Of

__all__ = ["Inner"]

T = TypeVar("T")

_CASTS = {Kind.STR: "as_text", Kind.INT: "as_int", Kind.FLOAT: "as_float", Kind.BOOL: "as_bool"}


class Inner(Computed[T]):
    """The value at some places inside the JSON at a path: names of objects' members, numbers of arrays' items.

    ``kind`` is that of its JSON: STR, INT, FLOAT, BOOL or JSON. ``encode`` makes of a value that is compared what its
    JSON is, and ``step`` leads further inside.

    >>> import msgspec
    >>> class Size(msgspec.Struct):
    ...     width: int
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     size: Size
    >>> from holdall.query import format_condition
    >>> format_condition(Book.size.width > 3)
    'as_int(at(size, "width")) > 3'
    """

    __slots__ = ("_places",)

    def __init__(
        self,
        path: Path,
        places: tuple[str | int, ...],
        owner: Owner,
        kind: Kind,
        encode: Callable[[Value], Value],
        asked: Asked = Asked.ORDER,
        step: Callable[[str], AnyExpression] | None = None,
    ) -> None:
        at = Call("at", (Of(path), *[Constant(place) for place in places]))
        super().__init__(Call(_CASTS[kind], (at,)) if kind in _CASTS else at, owner, {path: Kind.JSON})
        self._places = (*path, *map(str, places))
        self._encode = encode
        self._asked = asked
        self._step = step

    @property
    def _shown(self) -> str:
        return ".".join(self._places)
