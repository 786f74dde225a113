"""Queries as text that parses back to the same query, for logs, configuration, command lines and tests.

    book where author.country.code = "FR" and pages > 100 sort -pages nulls last limit 20

Clauses come in the order ``where group having sort after limit offset only``, each at most once; where groups have
columns there may be ``rows()``, ``count(pages)``, ``count(distinct pages)``, ``sum``, ``avg``, ``min``, ``max``.
Values: ``null true false 12 1.5 "text" decimal"1.50" datetime"2024-05-01T12:00:00+00:00" date"…" time"…"
timedelta"1d 30s 0us" uuid"…" bytes"ff00"``, tuples in ``( )``, JSON in ``[ ]`` and ``{ }``. Names that are keywords or
have other characters than letters of ASCII, digits and ``_`` stand in backticks. ``and()`` is always true, ``or()``
never.
"""

from __future__ import annotations

from holdall.query._parser import Parser
from holdall.query._tokens import MAX_TEXT
from holdall.query._writer import write_condition, write_query
from holdall.query.condition import Condition
from holdall.query.query import AnyQuery

__all__ = ["MAX_TEXT", "format_condition", "format_query", "parse_condition", "parse_query"]


def format_query(query: AnyQuery) -> str:
    """Write the query as text; its ``model`` is left out.

    Raises QueryError for values that have no text, LimitExceeded for conditions deeper than ``MAX_DEPTH``.

    >>> from holdall.query import Compare, Op, Query
    >>> format_query(Query("book", Compare(("pages",), Op.GT, 100)).limit(20))
    'book where pages > 100 limit 20'
    """
    return write_query(query)


def parse_query(text: str) -> AnyQuery:
    """Parse the query from its text; names and values are not yet checked against any collection (see ``check``).

    Raises QueryError, with the position of the character, for what is no query; LimitExceeded for a text longer than
    ``MAX_TEXT`` characters or too deep.

    >>> parse_query('book where pages > 100 limit 20').max_rows
    20
    """
    return Parser(text).query()


def format_condition(condition: Condition) -> str:
    """Write the condition alone as text. Raises as ``format_query`` does.

    >>> from holdall.query import Compare, Op
    >>> format_condition(Compare(("pages",), Op.GT, 100))
    'pages > 100'
    """
    return write_condition(condition)


def parse_condition(text: str) -> Condition:
    """Parse a condition from its text. Raises as ``parse_query`` does.

    >>> parse_condition('pages > 100')
    Compare(path=('pages',), op=<Op.GT: 'gt'>, value=100)
    """
    parser = Parser(text)
    condition = parser.condition()
    parser.end()
    return condition
