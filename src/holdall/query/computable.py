"""Formulas as they are written: ``Book.pages * 2``, ``Book.title.lower()``, ``Book.info["a"]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from holdall.errors import QueryError
from holdall.query.border import Value
from holdall.query.bordered import bordered
from holdall.query.condition import Compare, Condition, Op, Owner, Path
from holdall.query.pattern import portable
from holdall.query.schema import FieldSchema, Kind
from holdall.query.term import Call, Constant, Of, Term, formula_of, is_formula, terms
from holdall.query.term_kinds import term_field
from holdall.query.term_values import fold

__all__ = ["Computable", "called", "joined", "kind_of_term", "path_of"]

T = TypeVar("T")

_METHODS = {"lower": "lower", "upper": "upper", "casefold": "fold", "weekday": "weekday", "date": "date"}
"""Methods that values of Python have, and the functions that they are."""

_PARTS = frozenset({"year", "month", "day", "hour", "minute", "second"})
"""Attributes that values of Python have."""


class Computable(Generic[T]):
    """The arithmetic and the functions that a field, which is an expression, has; each gives a further expression.

    >>> from datetime import date
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    ...     pages: int
    ...     read: int
    ...     printed: date
    ...     info: JSON = field(default_factory=dict)
    >>> from holdall.query import format_condition
    >>> for condition in (
    ...     Book.read > Book.pages / 2,
    ...     Book.pages - Book.read < 10,
    ...     Book.title.lower() == "emma",
    ...     Book.printed.year >= 1900,
    ...     Book.info["isbn"] == "978-0141439587",
    ...     Book.title.ieq("EMMA"),
    ... ):
    ...     print(format_condition(condition))
    read > div(pages, 2)
    sub(pages, read) < 10
    lower(title) = "emma"
    year(printed) >= 1900
    at(info, "isbn") = "978-0141439587"
    fold(title) = "emma"
    """

    __slots__ = ()

    if TYPE_CHECKING:
        path: Path
        _owner: Owner
        _encode: Callable[[Value], Value]
        _behind: tuple[int, ...]

        @property
        def _kinds(self) -> Mapping[Path, Kind | None]: ...
        @property
        def _shown(self) -> str: ...
        def _made(self, term: Term, *others: Value) -> Value: ...
        def _node(self, op: Op, value: object) -> Condition: ...
        def _demand_asked(self, op: Op | None = None) -> None: ...

    @property
    def _term(self) -> Term:
        """The term of its formula, or that of a field. Raises QueryError for what leads to a record that refers."""
        if self._behind:
            raise QueryError(f"{self._shown} leads to the record that refers: ask it by itself, or use any()")
        self._demand_asked(Op.EQ)
        return formula_of(self.path).term if is_formula(self.path) else Of(self.path)

    def _call(self, function: str, *others: Value, turned: bool = False) -> Value:
        """The function of this and other values; ``turned``: the other stands first."""
        terms = [self._term, *[_term_of(other, self._encode) for other in others]]
        made = Call(function, tuple(reversed(terms) if turned else terms))
        fields = [other for other in others if isinstance(other, Computable)]
        return self._made(made, *fields)

    def _calculated(self, function: str, other: Value, *, turned: bool = False) -> Self:
        if not hasattr(other, "__column__"):
            other = _Given(other)
        found: Self = self._call(function, other, turned=turned)
        return found

    def __add__(self, other: Value) -> Self:
        return self._calculated(self._sum_of(other), other)

    def __radd__(self, other: Value) -> Self:
        return self._calculated(self._sum_of(other), other, turned=True)

    def _sum_of(self, other: object) -> str:
        is_text = isinstance(other, str) or kind_of_term(self._term, self._kinds) is Kind.STR
        return "concat" if is_text else "add"

    def __sub__(self, other: Value) -> Self:
        return self._calculated("sub", other)

    def __rsub__(self, other: Value) -> Self:
        return self._calculated("sub", other, turned=True)

    def __mul__(self, other: Value) -> Self:
        return self._calculated("mul", other)

    __rmul__ = __mul__

    def __truediv__(self, other: Value) -> Value:
        return self._calculated("div", other)

    def __rtruediv__(self, other: Value) -> Value:
        return self._calculated("div", other, turned=True)

    def __floordiv__(self, other: Value) -> Self:
        return self._calculated("floordiv", other)

    def __rfloordiv__(self, other: Value) -> Self:
        return self._calculated("floordiv", other, turned=True)

    def __mod__(self, other: Value) -> Self:
        return self._calculated("mod", other)

    def __rmod__(self, other: Value) -> Self:
        return self._calculated("mod", other, turned=True)

    def _signed(self, function: str) -> Self:
        found: Self = self._call(function)
        return found

    def __neg__(self) -> Self:
        return self._signed("neg")

    def __abs__(self) -> Self:
        return self._signed("abs")

    def __round__(self, places: int | None = None) -> Self:
        return self._signed("round") if places is None else self._calculated("round", places)

    def ieq(self, text: str) -> Condition:
        """Write the condition that the value is this text in any letter case, by full case folding."""
        return self._folded(Op.EQ, text)

    def istartswith(self, text: str) -> Condition:
        """Write the condition that the value begins with the text in any letter case, by full case folding."""
        return self._folded(Op.STARTSWITH, text)

    def iendswith(self, text: str) -> Condition:
        """Write the condition that the value ends with the text in any letter case, by full case folding."""
        return self._folded(Op.ENDSWITH, text)

    def _folded(self, op: Op, text: str) -> Condition:
        if not isinstance(text, str):
            raise QueryError(f"{self._shown} is compared in any letter case with text, not with {type(text).__name__}")
        found: Condition = self._call("fold")._node(op, fold(text))
        return found

    def matches_regex(self, pattern: str) -> Condition:
        """Write the condition that the regular expression is found in the value; ``portable`` tells the syntax.

        Raises QueryError for what not all engines read alike, LimitExceeded for one that is too long.
        """
        if not isinstance(pattern, str):
            raise QueryError(f"{self._shown} is matched by a pattern, which is text, not {type(pattern).__name__}")
        portable(pattern)
        found = Call("matches", (self._term, Constant(pattern)))
        return Compare(self._made(found).path, Op.EQ, True, self._owner)

    def _item(self, step: str | int) -> Value:
        """The value under a name of a JSON object, or at a place of an array."""
        term = self._term
        if isinstance(term, Call) and term.function == "at":
            return self._made(Call("at", (*term.arguments, Constant(step))))
        return self._made(Call("at", (term, Constant(step))))

    def _attribute(self, name: str) -> Value:
        """The formula under a name that values of Python have for the same; None where there is none."""
        if name in _PARTS:
            return self._call(name)
        function = _METHODS.get(name)
        return None if function is None else lambda: self._call(function)


def called(function: str, value: Value) -> Value:
    """The function of a field. Raises QueryError for what is no field."""
    if not isinstance(value, Computable):
        raise QueryError(f"{function}() takes a field of a model, not {type(value).__name__}")
    return value._call(function)


def joined(function: str, values: tuple[Value, ...]) -> Value:
    """The function of fields and values. Raises QueryError where none is a field."""
    first = next((value for value in values if isinstance(value, Computable)), None)
    if first is None:
        raise QueryError(f"{function}() takes at least one field of a model")
    terms = [_term_of(value, first._encode) for value in values]
    return first._made(Call(function, tuple(terms)), *[value for value in values if isinstance(value, Computable)])


def path_of(value: Value) -> Path | None:
    """The path of a field, None for a formula or what is no field."""
    term = value._term if isinstance(value, Computable) else None
    return term.path if isinstance(term, Of) else None


class _Given:
    """A value that is calculated with, whatever the field takes."""

    def __init__(self, value: object) -> None:
        self.value = value


def _term_of(other: object, encode: Callable[[Value], Value]) -> Term:
    if isinstance(other, Computable):
        return other._term
    if hasattr(other, "__column__"):
        raise QueryError("an aggregate is compared in having(), with a value; it is no part of a formula")
    if isinstance(other, _Given):
        return Constant(bordered(other.value))
    return Constant(encode(other))


def kind_of_term(term: Term, kinds: Mapping[Path, Kind | None]) -> Kind | None:
    """The kind of a formula as far as those of its fields are known. Raises QueryError for what is not right anyway."""
    for part in terms(term):
        if not isinstance(part, Constant | Call) and kinds.get(part.path) in (None, Kind.REF):  # type: ignore[attr-defined]
            return None

    def leaf(path: Path) -> FieldSchema:
        kind = kinds[path]
        assert kind is not None
        return FieldSchema("", kind, digits=1, places=0)

    return term_field(term, leaf, leaf).kind
