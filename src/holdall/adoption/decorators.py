"""Types that convert their values, SQLAlchemy's TypeDecorators, as codecs of fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import types
from sqlalchemy.engine.default import DefaultDialect

from holdall.adoption.carried import ColumnType, NotCarried
from holdall.errors import DeclarationError
from holdall.model import Codec

__all__ = ["decorated"]

_BIND, _RESULT = "process_bind_param", "process_result_value"
_OF_SQLALCHEMY = ("bind_processor", "result_processor", "bind_expression", "column_expression")


def decorated(kind: types.TypeDecorator[Any], kept: ColumnType, given: type[object] | None) -> ColumnType:
    """The type of a column that converts its values: as it is kept, or by a codec where it has functions for that.

    ``given`` is the class of its values, as far as the attribute says it. Raises NotCarried where only SQLAlchemy can
    convert them.
    """
    own = [name for name in _OF_SQLALCHEMY if _has(kind, name)]
    if own:
        raise NotCarried(
            f"{type(kind).__name__} converts values by {own[0]}, which only SQLAlchemy calls: declare the field in the "
            "class body, with the type of what is stored"
        )
    if not _has(kind, _BIND) and not _has(kind, _RESULT):
        return kept  # a type for each database, as load_dialect_impl gives it, changes no values
    if _has(kind, "load_dialect_impl"):
        raise NotCarried(
            f"{type(kind).__name__} is kept by load_dialect_impl in a way of each database's own: declare the field in "
            "the class body, with the type of what is stored"
        )
    python = given or _python_type(kind)
    if python is None:
        raise NotCarried(
            f"{type(kind).__name__} does not say the class of its values: annotate the attribute as Mapped[...] with it"
        )
    try:
        codec: Codec[Any, Any] = Codec(
            python, kept.annotation, encode=_converted(kind, _BIND), decode=_converted(kind, _RESULT)
        )
    except DeclarationError as error:
        raise NotCarried(str(error)) from error
    extent = {name: value for name, value in kept.options.items() if name in ("digits", "places")}
    return ColumnType(python, {**extent, "codec": codec})


def _has(kind: types.TypeDecorator[Any], name: str) -> bool:
    return getattr(type(kind), name) is not getattr(types.TypeDecorator, name)


def _python_type(kind: types.TypeDecorator[Any]) -> type[Any] | None:
    """The class that the type says of its values, if it says one of its own."""
    if not _has(kind, "python_type"):
        return None
    try:
        return kind.python_type
    except RuntimeError:  # of a kind by which SQLAlchemy says that there is none
        return None


def _converted(kind: types.TypeDecorator[Any], name: str) -> Callable[[Any], Any]:
    """One of the functions, called for no particular database: a type whose column depends on it is refused."""
    if not _has(kind, name):
        return lambda value: value
    convert, dialect = getattr(kind, name), DefaultDialect()
    return lambda value: convert(value, dialect)
