"""Text comparisons: contains, starts with, ends with; exact in letter case, or lowered as Python lowers."""

from __future__ import annotations

import sqlalchemy as sa

from holdall.query import Op
from holdall.stores.sql.binding import Binding, NeedsRewrite
from holdall.stores.sql.codec import Convert
from holdall.stores.sql.dialect import Dialect, Element

__all__ = ["TextComparisons"]

Clause = sa.ColumnElement[bool]
Text = Element
ONE: Text = sa.literal_column("1")
ZERO: Text = sa.literal_column("0")
BACKSLASH = "\\"  # PostgreSQL's own escape; naming it would hide the pattern from its planner
LAST = 0x10FFFF  # the last code point
SURROGATES = (0xD800, 0xDFFF)


class TextComparisons:
    """Compiles the text comparisons of one statement."""

    def __init__(self, dialect: Dialect, binding: Binding) -> None:
        self._dialect = dialect
        self._binding = binding

    def compile(self, column: Text, op: Op, index: int) -> Clause:
        """SQL that is TRUE where the column's text stands so to the text at this place."""
        match op:
            case Op.STARTSWITH:
                return self._startswith(column, index)
            case Op.ENDSWITH:
                return self._endswith(column, index)
            case Op.ICONTAINS:
                return self._icontains(column, index)
        return self._contains(column, index)

    def _parameter(self, index: int, convert: Convert | None = None) -> Text:
        return self._binding.parameter(index, sa.Text(), convert)

    def _like(self, column: Text, index: int, before: str, after: str, lower: bool = False) -> Clause:
        mark = BACKSLASH if self._dialect.family == "postgresql" else "/"

        def pattern(text: str) -> str:
            text = (text.lower() if lower else text).replace(mark, mark + mark)
            return before + text.replace("%", mark + "%").replace("_", mark + "_") + after

        return column.like(self._parameter(index, pattern), escape=None if mark == BACKSLASH else mark)

    def _contains(self, column: Text, index: int) -> Clause:
        if self._dialect.family in ("sqlite", "mysql"):
            return sa.func.instr(column, self._parameter(index)) > ZERO
        return self._like(column, index, "%", "%")

    def _icontains(self, column: Text, index: int) -> Clause:
        match self._dialect.family:
            case "sqlite":
                return sa.func.holdall_icontains(column, self._parameter(index, str.lower)) == ONE
            case "mysql":
                return sa.func.instr(self._lower(column), self._parameter(index, str.lower)) > ZERO
        return self._like(self._lower(column), index, "%", "%", lower=True)

    def _lower(self, column: Text) -> Text:
        collation = self._dialect.lowers_under
        if collation is None:
            return sa.func.lower(column)
        lowered = sa.func.lower(sa.collate(column, collation))
        return sa.collate(lowered, str(self._dialect.exact_collation))

    def _startswith(self, column: Text, index: int) -> Clause:
        if self._dialect.family in ("sqlite", "mysql", "postgresql"):
            # exact where text sorts by code point, and a range of any index
            return sa.and_(column >= self._parameter(index), column < self._parameter(index, _successor))
        return self._like(column, index, "", "%")

    def _endswith(self, column: Text, index: int) -> Clause:
        match self._dialect.family:
            case "sqlite":
                start = self._binding.parameter(index, sa.Integer(), lambda text: -len(text))
                return sa.func.substr(column, start) == self._parameter(index, _not_empty)
            case "mysql":
                length = self._binding.parameter(index, sa.Integer(), len)
                return sa.func.right(column, length) == self._parameter(index)
        return self._like(column, index, "%", "")


def _not_empty(text: str) -> str:
    if not text:
        raise NeedsRewrite
    return text


def _successor(text: str) -> str:
    """The first text that no text beginning with this one reaches."""
    for place in range(len(text) - 1, -1, -1):
        point = ord(text[place])
        if point < LAST:
            point += 1
            return text[:place] + chr(SURROGATES[1] + 1 if SURROGATES[0] <= point <= SURROGATES[1] else point)
    raise NeedsRewrite
