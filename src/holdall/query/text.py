"""Queries as text that parses back to the same query, for logs, configuration, command lines and tests.

    book where author.country.code = "FR" and pages > 100 sort -pages nulls last limit 20

Clauses come in the order ``where sort after limit offset only``, each at most once. Values: ``null true false 12 1.5
"text" decimal"1.50" datetime"2024-05-01T12:00:00+00:00" date"…" time"…" timedelta"1d 30s 0us" uuid"…" bytes"ff00"``,
tuples in ``( )``, JSON in ``[ ]`` and ``{ }``. Names that are keywords or have other characters than letters of
ASCII, digits and ``_`` stand in backticks. ``and()`` is always true, ``or()`` never.
"""

from __future__ import annotations

from holdall.errors import QueryError
from holdall.query._parser import Parser
from holdall.query._tokens import MAX_TEXT
from holdall.query._writer import write_condition, write_name, write_path, write_sort_key, write_value
from holdall.query.condition import ALWAYS, Condition
from holdall.query.query import AnyQuery

__all__ = ["MAX_TEXT", "format_condition", "format_query", "parse_condition", "parse_query"]


def format_query(query: AnyQuery) -> str:
    """Write the query as text; its ``model`` is left out.

    Raises QueryError for values that have no text, LimitExceeded for conditions deeper than ``MAX_DEPTH``.

    >>> from holdall.query import Compare, Op, Query
    >>> format_query(Query("book", Compare(("pages",), Op.GT, 100)).limit(20))
    'book where pages > 100 limit 20'
    """
    if (query.max_rows or 0) < 0 or query.skip < 0:
        raise QueryError("a limit or an offset cannot be negative")
    parts = [write_name(query.collection)]
    if query.condition != ALWAYS:
        parts.append(f"where {write_condition(query.condition)}")
    if query.sort_keys:
        parts.append(f"sort {', '.join(map(write_sort_key, query.sort_keys))}")
    if query.position is not None:
        parts.append(f"after {write_value(query.position)}")
    if query.max_rows is not None:
        parts.append(f"limit {query.max_rows}")
    if query.skip:
        parts.append(f"offset {query.skip}")
    if query.projection:
        parts.append(f"only {', '.join(map(write_path, query.projection))}")
    return " ".join(parts)


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
