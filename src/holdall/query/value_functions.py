"""Functions of values, for the columns and conditions of queries: ``length(Book.title) > 40``.

Fields have the methods and attributes that values of Python have, too: ``Book.title.lower()``, ``Book.printed.year``,
``abs(Book.balance)``, ``round(Book.score, 1)``.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar, overload

from holdall.errors import QueryError
from holdall.query.border import Value
from holdall.query.comparing import query_within
from holdall.query.computable import called, joined, path_of
from holdall.query.condition import NOBODY, Condition, Exists
from holdall.query.expression import AnyExpression, Computed, Expression, expr
from holdall.query.term import Outer

__all__ = [
    "as_bool",
    "as_float",
    "as_int",
    "as_text",
    "coalesce",
    "concat",
    "date_of",
    "exists",
    "fold",
    "length",
    "lower",
    "outer",
    "to_decimal",
    "to_float",
    "to_text",
    "trim",
    "upper",
    "weekday",
]

T = TypeVar("T")


@overload
def lower(text: Expression[T]) -> Expression[T]: ...
@overload
def lower(text: T) -> Expression[T]: ...
def lower(text: Value) -> AnyExpression:
    """Return the text in lower case (Unicode). Raises QueryError for what is no field of text.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    ...     subtitle: str | None = None
    ...     info: JSON = field(default_factory=dict)
    >>> for column in (lower(Book.title), upper(Book.title), fold(Book.title), trim(Book.title), length(Book.title)):
    ...     print(column.path[0])
    lower(title)
    upper(title)
    fold(title)
    trim(title)
    length(title)
    >>> print(coalesce(Book.subtitle, "").path[0], concat(Book.title, ": ", Book.subtitle).path[0])
    coalesce(subtitle, "") concat(title, ": ", subtitle)
    >>> print(to_float(Book.id).path[0], to_decimal(Book.id).path[0], to_text(Book.id).path[0])
    float(id) decimal(id) text(id)
    >>> for column in (as_text(Book.info["a"]), as_int(Book.info["a"]), as_float(Book.info), as_bool(Book.info)):
    ...     print(column.path[0])
    as_text(at(info, "a"))
    as_int(at(info, "a"))
    as_float(info)
    as_bool(info)
    """
    return _called("lower", text)


@overload
def upper(text: Expression[T]) -> Expression[T]: ...
@overload
def upper(text: T) -> Expression[T]: ...
def upper(text: Value) -> AnyExpression:
    """Return the text in upper case (Unicode). Example: :func:`lower`."""
    return _called("upper", text)


@overload
def fold(text: Expression[T]) -> Expression[T]: ...
@overload
def fold(text: T) -> Expression[T]: ...
def fold(text: Value) -> AnyExpression:
    """Return the text without letter case, by full case folding: ``Straße`` is ``strasse``. Example: :func:`lower`."""
    return _called("fold", text)


@overload
def trim(text: Expression[T]) -> Expression[T]: ...
@overload
def trim(text: T) -> Expression[T]: ...
def trim(text: Value) -> AnyExpression:
    """Return the text without the blanks (U+0020) at its ends. Example: :func:`lower`."""
    return _called("trim", text)


def length(text: str | AnyExpression | None) -> Expression[int]:
    """Return the number of code points of the text. Example: :func:`lower`."""
    return _called("length", text)


def concat(*texts: Value) -> Expression[str]:
    """Return the texts one after the other, missing where one is missing. Example: :func:`lower`."""
    return _joined("concat", texts)


@overload
def coalesce(first: Expression[T | None], *others: object) -> Expression[T]: ...
@overload
def coalesce(first: T | None, *others: object) -> Expression[T]: ...
def coalesce(first: Value, *others: object) -> AnyExpression:
    """Return the first of the values that is not missing. Example: :func:`lower`."""
    return _joined("coalesce", (first, *others))


def date_of(moment: datetime | AnyExpression | None) -> Expression[date]:
    """Return the day of a moment, in UTC; as ``Loan.since.date()``. Raises QueryError for what is no field.

    >>> from datetime import datetime
    >>> class Loan(Model):
    ...     id: int = field(pk=True)
    ...     since: datetime
    >>> print(date_of(Loan.since).path[0], weekday(Loan.since).path[0], Loan.since.hour.path[0])
    date(since) weekday(since) hour(since)
    """
    return _called("date", moment)


def weekday(day: date | AnyExpression | None) -> Expression[int]:
    """Return the day of the week, in UTC: 0 on Monday, 6 on Sunday. Example: :func:`date_of`."""
    return _called("weekday", day)


def to_float(number: int | AnyExpression | None) -> Expression[float]:
    """Return a whole number as a float. Example: :func:`lower`."""
    return _called("float", number)


def to_decimal(number: int | AnyExpression | None) -> Expression[Decimal]:
    """Return a whole number as a decimal. Example: :func:`lower`."""
    return _called("decimal", number)


def to_text(number: int | AnyExpression | None) -> Expression[str]:
    """Return a whole number as text, in decimal digits. Example: :func:`lower`."""
    return _called("text", number)


def as_text(json: Value) -> Expression[str]:
    """Return JSON that is a string as text; missing where it is anything else. Example: :func:`lower`."""
    return _called("as_text", json)


def as_int(json: Value) -> Expression[int]:
    """Return JSON that is a whole number; missing where it is anything else. Example: :func:`lower`."""
    return _called("as_int", json)


def as_float(json: Value) -> Expression[float]:
    """Return JSON that is a number, as a float; missing where it is anything else. Example: :func:`lower`."""
    return _called("as_float", json)


def as_bool(json: Value) -> Expression[bool]:
    """Return JSON that is true or false; missing where it is anything else. Example: :func:`lower`."""
    return _called("as_bool", json)


def exists(query: Value) -> Condition:
    """Write the condition that a query has a row; its conditions may speak of the record that is asked, by ``outer``.

    Raises QueryError for what is no query, for one of groups, or after a position.

    >>> class Author(Model):
    ...     id: int = field(pk=True)
    ...     name: str
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> from holdall.query import format_condition
    >>> format_condition(exists(Author.where(Author.name == outer(Book.title))))
    'exists (author where name = outer(title))'
    """
    if not hasattr(query, "projection"):
        raise QueryError(f"exists() takes a query, such as Book.where(...), not {type(query).__name__}")
    return Exists(query_within(query))


@overload
def outer(field: Expression[T]) -> Expression[T]: ...
@overload
def outer(field: T) -> Expression[T]: ...
def outer(field: Value) -> AnyExpression:
    """Return a field of the record that the query around is about, for conditions within ``exists``.

    Raises QueryError for what is no field, or is computed.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> outer(Book.id).path[0]
    'outer(id)'
    """
    path = path_of(expr(field))
    if path is None:
        raise QueryError("outer() takes a field; compute of it what is wanted")
    return Computed(Outer(path), NOBODY, {})


def _called(function: str, value: Value) -> AnyExpression:
    found: AnyExpression = called(function, value)
    return found


def _joined(function: str, values: tuple[Value, ...]) -> AnyExpression:
    found: AnyExpression = joined(function, values)
    return found
