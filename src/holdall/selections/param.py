"""Parameters of selections: they stand in a condition for values that are given when it is used."""

from __future__ import annotations

import msgspec

from holdall.errors import DeclarationError
from holdall.model import MISSING, Annotation
from holdall.query import Later, Value

__all__ = ["Param", "param"]


class Param(msgspec.Struct, frozen=True, eq=False):
    """One parameter: its name, its type with its rules, and its default. Example: :func:`param`."""

    name: str
    annotation: Annotation
    default: Value = MISSING

    def __call__(self, source: Value) -> Value:
        """Return the value that was given."""
        return source.parameters[self.name]


def param(name: str, kind: object, default: object = MISSING) -> Value:
    """Return what stands in a condition for a value that is given when a selection is used.

    ``kind`` is its type, ``Annotated[int, Ge(0)]`` with rules; ``list[int]`` is for ``in_``. Without a ``default`` the
    parameter is required. One that stands at several places is the same. Raises DeclarationError for a name that is
    none, and for None as the default, with which nothing compares.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     pages: int = 0
    >>> from holdall.query import format_condition
    >>> format_condition(Book.where(Book.pages >= param("pages", int, 100)).condition)
    'pages >= pages'
    """
    given: object = name
    if not isinstance(given, str) or not given.isidentifier() or given.startswith("_"):
        raise DeclarationError("a parameter is named by a word, as in param('pages', int, 0)")
    if default is None:
        raise DeclarationError(f"param({name!r}): nothing compares with None; leave the default out, or give a value")
    return Later(name, Param(name, kind, default))
