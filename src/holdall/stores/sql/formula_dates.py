"""Parts of dates and times to SQL, in UTC, and the time from one to another."""

from __future__ import annotations

import sqlalchemy as sa

from holdall.query import Kind
from holdall.stores.sql.dialect import Dialect, Element

__all__ = ["date_difference", "date_part"]

_DAY = 86_400_000_000
_PLACES = {"year": (1, 4), "month": (6, 2), "day": (9, 2), "hour": (12, 2), "minute": (15, 2), "second": (18, 2)}
"""Where the parts of a moment stand in its text; those of a time of day stand eleven places before."""
_NUMBER = sa.BigInteger()


def date_part(name: str, column: Element, kind: Kind, dialect: Dialect) -> Element:
    """A part of a date, a moment or a time of day, as a whole number; or the day of a moment."""
    match dialect.family:
        case "sqlite":
            return _of_text(name, column, kind)
        case "mysql":
            if name == "date":
                return sa.func.date(column, type_=sa.Date())
            function = sa.func.weekday(column) if name == "weekday" else sa.extract(name, column)
            return sa.cast(function, _NUMBER)
    local = sa.func.timezone(sa.literal_column("'UTC'"), column) if kind is Kind.DATETIME else column
    if name == "date":
        return sa.cast(local, sa.Date())
    if name == "weekday":
        return sa.cast(sa.extract("isodow", local) - sa.literal_column("1"), _NUMBER)
    return sa.cast(sa.func.floor(sa.extract(name, local)), _NUMBER)


def _of_text(name: str, column: Element, kind: Kind) -> Element:
    if name == "date":
        return _cut(column, 1, 10)
    if name == "weekday":
        day = sa.cast(sa.func.strftime(sa.literal_column("'%w'"), _cut(column, 1, 10)), _NUMBER)
        return (day + sa.literal_column("6")) % sa.literal_column("7")
    start, length = _PLACES[name]
    return sa.cast(_cut(column, start - 11 if kind is Kind.TIME else start, length), _NUMBER)


def _cut(column: Element, start: int, length: int) -> Element:
    return sa.func.substr(column, sa.literal_column(str(start)), sa.literal_column(str(length)), type_=sa.Text())


def date_difference(one: Element, two: Element, kind: Kind, dialect: Dialect) -> Element:
    """The microseconds from the second to the first."""
    match dialect.family:
        case "sqlite":
            return sa.func.holdall_elapsed(one, two, type_=_NUMBER)
        case "mysql":
            return sa.func.timestampdiff(sa.literal_column("MICROSECOND"), two, one, type_=_NUMBER)
    if kind is Kind.DATE:
        days = sa.cast(one.op("-")(two), _NUMBER)
        return days * sa.cast(sa.literal_column(str(_DAY)), _NUMBER)
    return _microseconds(one) - _microseconds(two)


def _microseconds(moment: Element) -> Element:
    return sa.cast(sa.extract("epoch", moment) * sa.literal_column("1000000"), _NUMBER)
