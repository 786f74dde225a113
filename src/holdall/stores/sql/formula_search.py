"""Full-text search to SQL: the words of texts as one text, and in PostgreSQL as a column that an index can be of.

The meaning is that of ``holdall.query.search``: each database is given the same words, so that its own parsers, stems
and stop words have no part in it. SQLite is given the reference itself, as a function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import Grouping

from holdall.query.search import BETWEEN, MAX_DOCUMENT, MAX_SEARCHED, MAX_WORD, Search, Sought, read_search
from holdall.query.separators import SEPARATORS
from holdall.stores.sql.columns import Leaf, identifier
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.formula_text import folded, joined
from holdall.stores.sql.inspection import FoundTable
from holdall.stores.sql.spelling_sql import computable

__all__ = ["SEARCH", "WORDS", "add_search_column", "found_in", "search_column"]

SEARCH = "holdall: search"
"""In the ``info`` of a table: the name of its column of words, and those of the columns that these are of."""

WORDS = "holdall_search_"
"""The beginning of the name of a column of words."""

Clause: TypeAlias = sa.ColumnElement[bool]


def found_in(words: str, texts: Sequence[Element], dialect: Dialect, kept: Element | None = None) -> Clause:
    """Whether the words are found in the texts, whose words are ``kept`` in a column, where there is one."""
    if dialect.family == "sqlite":
        found: Element = sa.func.holdall_search(_given(words), *texts, type_=sa.Boolean())
        return found
    search = read_search(words)
    if kept is None:
        return sa.and_(*_pieces(_document(texts, dialect), search.wanted, search.unwanted, dialect))
    query, (wanted, unwanted) = _tsquery(search), map(_phrases, (search.wanted, search.unwanted))
    clauses: list[Clause] = [kept.bool_op("@@")(sa.cast(sa.cast(_given(query), sa.Text()), TSQUERY()))] if query else []
    if wanted or unwanted:
        clauses += _pieces(_document(texts, dialect), wanted, unwanted, dialect)
    return sa.and_(*clauses)


def add_search_column(table: sa.Table, leaves: Sequence[Leaf], dialect: Dialect) -> None:
    """Give a table the column of the words in these columns, with its index, if the database can have such a one.

    Its name tells what it is made of, so that one of other columns, or of an earlier version, is another.
    """
    if not leaves or dialect.family != "postgresql":
        return
    texts = [computable(table.c[leaf.name], leaf.field, is_ordered=True) for leaf in leaves]
    words = sa.func.string_to_array(_document(texts, dialect, _literal), _literal(" "), type_=sa.ARRAY(sa.Text()))
    vector = sa.func.array_to_tsvector(sa.func.array_remove(words, _literal("")), type_=TSVECTOR())
    digest = sha256(str(vector.compile(dialect=dialect.sqlalchemy)).encode()).hexdigest()[:8]
    column = sa.Column(f"{WORDS}{digest}", TSVECTOR(), sa.Computed(vector, persisted=True), quote=True)
    table.append_column(column)
    sa.Index(identifier(f"ix_{table.name}_search_{digest}"), column, postgresql_using="gin")
    table.info[SEARCH] = (column.name, [leaf.name for leaf in leaves])


def search_column(table: sa.Table, there: FoundTable | None) -> str | None:
    """The name of a table's column of words, where it is there."""
    name, _ = table.info.get(SEARCH, ("", ()))
    return name if name and there is not None and name in there.columns else None


def _pieces(document: Element, wanted: Sequence[Sought], unwanted: Sequence[Sought], dialect: Dialect) -> list[Clause]:
    found, not_found = ([f"%{each.piece}%" for each in some] for some in (wanted, unwanted))
    if dialect.family != "postgresql":
        return [*[document.like(_given(one)) for one in found], *[document.not_like(_given(one)) for one in not_found]]
    both = (("LIKE", found), ("NOT LIKE", not_found))
    return [document.bool_op(sign)(sa.all_(_listed(pieces))) for sign, pieces in both if pieces]


def _phrases(sought: Sequence[Sought]) -> list[Sought]:
    return [each for each in sought if len(each.words) > 1]


def _tsquery(search: Search) -> str:
    """The words as a question of PostgreSQL; there is no sign in them that it would read otherwise."""
    wanted = [_lexemes(each) for each in search.wanted]
    return " & ".join([*wanted, *[f"!{_lexemes(each)}" for each in search.unwanted if len(each.words) == 1]])


def _lexemes(sought: Sought) -> str:
    return " & ".join(f"'{word}'" for word in sought.words) + (":*" if sought.is_beginning else "")


def _document(texts: Sequence[Element], dialect: Dialect, given: Callable[[str], Element] | None = None) -> Element:
    """The words of the texts as ``document`` of the reference has them; ``given`` as in ``folded``."""
    given = given or _given
    every = (given("g"),) if dialect.family == "postgresql" else ()
    parts = [_start(sa.func.coalesce(text, given(""), type_=sa.Text()), MAX_SEARCHED) for text in texts]
    for place in range(len(parts) - 1, 0, -1):
        parts.insert(place, given(f" {BETWEEN} "))
    text = folded(Grouping(joined(parts, dialect)), dialect, given)
    cut = sa.func.regexp_replace(text, given(_separators(dialect)), given(" "), *every, type_=sa.Text())
    words = sa.func.regexp_replace(cut, given(f"[^ ]{{{MAX_WORD + 1},}} ?"), given(""), *every, type_=sa.Text())
    whole = joined([given(" "), sa.func.trim(words, type_=sa.Text())], dialect)
    found: Element = Grouping(joined([_start(whole, MAX_DOCUMENT), given(" ")], dialect))
    return found if dialect.exact_collation is None else sa.collate(found, dialect.exact_collation)


def _start(text: Element, length: int) -> Element:
    return sa.func.substr(text, _Written("1"), _Written(str(length)), type_=sa.Text())


def _separators(dialect: Dialect) -> str:
    """The regular expression of what stands between words, as the database spells code points."""
    spelled = r"\U{:08x}-\U{:08x}" if dialect.family == "postgresql" else r"\x{{{:x}}}-\x{{{:x}}}"
    return "[" + "".join(spelled.format(max(first, 1), last) for first, last in SEPARATORS) + "]+"


def _given(text: str) -> Element:
    return sa.bindparam(None, text, type_=sa.Text(), unique=True)


def _listed(texts: list[str]) -> Element:
    return sa.bindparam(None, texts, type_=sa.ARRAY(sa.Text()), unique=True)


def _literal(text: str) -> Element:
    """A text that is part of the statement, as a column is made of it."""
    return _Written(f"'{text}'")


class _Written(sa.ColumnElement[str]):
    """A part of a statement as it is written."""

    inherit_cache = False
    type = sa.Text()

    def __init__(self, written: str) -> None:
        self.written = written


@compiles(_Written)
def _write(element: _Written, compiler: SQLCompiler, **options: object) -> str:
    return element.written
