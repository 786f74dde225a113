"""Functions of text to SQL: letter case, case folding, lengths, regular expressions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from holdall.query.pattern import perl_pattern, portable
from holdall.stores.sql.dialect import Dialect, Element

__all__ = ["case_of", "folded", "joined", "length_of", "matching"]

_CHEROKEE = (range(0x13F8, 0x13FE), range(0xAB70, 0xABC0))


def case_of(name: str, text: Element, dialect: Dialect) -> Element:
    """The text in lower or upper case, as Unicode has it."""
    if dialect.family == "sqlite":
        return getattr(sa.func, f"holdall_{name}")(text, type_=sa.Text())  # type: ignore[no-any-return]
    cased = text if dialect.lowers_under is None else sa.collate(text, dialect.lowers_under)
    return sa.func.lower(cased, type_=sa.Text()) if name == "lower" else sa.func.upper(cased, type_=sa.Text())


def length_of(text: Element, dialect: Dialect) -> Element:
    """The number of code points."""
    if dialect.family == "sqlite":
        return sa.func.length(text, type_=sa.BigInteger())
    return sa.cast(sa.func.char_length(text), sa.BigInteger())


def joined(texts: list[Element], dialect: Dialect) -> Element:
    """The texts one after the other; null where one is."""
    if dialect.family == "mysql":
        return sa.func.concat(*texts, type_=sa.Text())
    return reduce(lambda one, two: one.op("||", precedence=6)(two), texts)


def matching(text: Element, pattern: str, dialect: Dialect) -> sa.ColumnElement[bool]:
    """Whether the regular expression is found in the text."""
    match dialect.family:
        case "sqlite":
            found: Element = sa.func.holdall_matches(text, _given(portable(pattern)), type_=sa.Boolean())
            return found
        case "postgresql":
            return text.bool_op("~")(_given(portable(pattern)))
    return text.bool_op("REGEXP")(_given(perl_pattern(pattern)))


def folded(text: Element, dialect: Dialect, given: Callable[[str], Element] | None = None) -> Element:
    """The text after full case folding: lower case, and then what of that is not folded.

    ``given`` makes the texts that it needs for this part of the statement; without it they are parameters.
    """
    given = given or _given
    if dialect.family == "sqlite":
        return sa.func.holdall_fold(text, type_=sa.Text())
    lowered = case_of("lower", text, dialect)
    if dialect.exact_collation is not None:
        lowered = sa.collate(lowered, dialect.exact_collation)
    single, several = _unfolded()
    if dialect.family == "postgresql":
        kept = sa.func.translate(lowered, given("".join(single)), given("".join(single.values())), type_=sa.Text())
        pattern = f"[{''.join([*single, *several])}]"  # for translate is slow
        return sa.case((lowered.bool_op("~")(given(pattern)), _Replaced(kept, several)), else_=lowered)
    rest = {one: other for one, other in single.items() if not any(ord(one) in part for part in _CHEROKEE)} | several
    pattern = f"[{''.join(rest)}]"
    return sa.case((lowered.bool_op("REGEXP")(given(pattern)), _Replaced(lowered, rest)), else_=lowered)


class _Replaced(sa.ColumnElement[str]):
    """A text with letters replaced, one after the other: more calls in calls than SQLAlchemy's own compiler bears."""

    inherit_cache = False
    type = sa.Text()

    def __init__(self, text: Element, table: dict[str, str]) -> None:
        self.text = text
        self.table = table


@compiles(_Replaced)
def _write_replaced(element: _Replaced, compiler: SQLCompiler, **options: object) -> str:
    calls = "".join(f", '{one}', '{other}')" for one, other in element.table.items())
    return "replace(" * len(element.table) + compiler.process(element.text, **options) + calls


def _given(text: str) -> Element:
    return sa.bindparam(None, text, type_=sa.Text(), unique=True)


@cache
def _unfolded() -> tuple[dict[str, str], dict[str, str]]:
    """Of the letters that lower case leaves those that folding changes: into one other, and into several."""
    single: dict[str, str] = {}
    several: dict[str, str] = {}
    for code in range(0x80, 0x1F000):
        letter = chr(code)
        plain = letter.casefold()
        if plain != letter and letter.lower() == letter:
            (single if len(plain) == 1 else several)[letter] = plain
    return single, several
