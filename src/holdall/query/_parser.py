"""From text to queries: recursive descent over the tokens, bounded in depth; nothing in the text is ever run."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

from holdall.errors import QueryError
from holdall.query._literals import read_number, read_text, read_typed
from holdall.query._reading import Reading
from holdall.query._tokens import refusal
from holdall.query._writer import SIGNS
from holdall.query.aggregate import Aggregate, Function, grouped_by
from holdall.query.border import Value
from holdall.query.condition import ALWAYS, And, Compare, Condition, Every, Exists, Not, Op, Or, Path, Some
from holdall.query.nested_place import NestedName
from holdall.query.query import AnyQuery, Query
from holdall.query.sort import SortKey
from holdall.query.term import COMPARING, Call, Constant, Of, Outer, Term, formula, formula_of, is_formula
from holdall.query.term_kinds import FUNCTIONS

__all__ = ["Parser"]

T = TypeVar("T")

_FUNCTIONS: dict[str, Function] = {
    function.value: function for function in Function if function is not Function.COUNT_DISTINCT
}
_BY_SIGN = {sign: op for op, sign in SIGNS.items()}
_BY_WORD = {op.value: op for op in (Op.CONTAINS, Op.ICONTAINS, Op.STARTSWITH, Op.ENDSWITH)}
_COMPARING = {sign: name for name, sign in COMPARING.items()}
_CONSTANTS = {"null": None, "true": True, "false": False}


class Parser(Reading):
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._aggregates: list[Aggregate] = []

    def query(self) -> AnyQuery:
        """A whole query, to the end of the text."""
        found = self._query()
        self.end()
        return found

    def _query(self) -> AnyQuery:
        collection = self._name("the name of a collection")
        condition = self.condition() if self._took("where") else ALWAYS
        if self._aggregates:
            raise QueryError("an aggregate stands in having, sort and only, not in where")
        by = tuple(self._separated(self._path)) if self._took_clause("group") else ()
        having = self.condition() if self._took_clause("having") else ALWAYS
        keys = tuple(self._separated(self._sort_key)) if self._took("sort") else ()
        position = self._tuple() if self._took("after") else None
        rows = self._count() if self._took("limit") else None
        skip = self._count() if self._took("offset") else 0
        projection = tuple(self._separated(self._path)) if self._took("only") else ()
        query: AnyQuery = Query(collection, condition, keys, rows, skip, position, projection)
        if not by and not self._aggregates and having == ALWAYS:
            return query
        grouping = grouped_by(by, self._aggregates, having, keys, projection)
        return msgspec.structs.replace(query, grouping=grouping)

    def condition(self) -> Condition:
        """A condition; ``or`` binds less than ``and``, ``and`` less than ``not``."""
        self._enter()
        items = [self._conjunction()]
        while self._took("or"):
            items.append(self._conjunction())
        self._depth -= 1
        return items[0] if len(items) == 1 else Or(tuple(items))

    def end(self) -> None:
        """Nothing more."""
        if self._token.kind != "end":
            raise refusal(self._token, "the end, or the next part of a query")

    def _conjunction(self) -> Condition:
        items = [self._operand()]
        while self._took("and"):
            items.append(self._operand())
        return items[0] if len(items) == 1 else And(tuple(items))

    def _operand(self) -> Condition:
        negations = 0
        while self._took("not"):
            negations += 1
            self._enter()
        condition = self._primary()
        self._depth -= negations
        for _ in range(negations):
            condition = Not(condition)
        return condition

    def _primary(self) -> Condition:
        if self._token.text == "(" and self._token.kind == "sign":
            return self._bracketed()
        for word, make in (("and", And), ("or", Or)):
            if self._took(word):
                self._sign("(")
                items = () if self._token.text == ")" else (self.condition(),)
                self._sign(")")
                return make(items)
        if self._is_call and self._token.text == "exists":
            self._next += 1
            return Exists(self._inner_query())
        if self._took("some"):
            return Some(self._names(), self._bracketed())
        if self._took("every"):
            return Every(self._names(), self._bracketed())
        return self._comparison(self._path())

    def _inner_query(self) -> AnyQuery:
        self._enter()
        self._sign("(")
        around, self._aggregates = self._aggregates, []
        found = self._query()
        self._aggregates = around
        self._sign(")")
        self._depth -= 1
        return found

    def _bracketed(self) -> Condition:
        self._sign("(")
        condition = self.condition()
        self._sign(")")
        return condition

    def _comparison(self, path: Path) -> Condition:
        token = self._token
        if self._took("is"):
            is_null = not self._took("not")
            self._word("null")
            return Compare(path, Op.IS_NULL, is_null)
        if self._took("between"):
            low = self._value()
            self._word("and")
            return Compare(path, Op.BETWEEN, (low, self._value()))
        if self._took("in"):
            if self._tokens[self._next + 1].kind in ("name", "quoted"):
                return Exists(self._inner_query(), path)
            return Compare(path, Op.IN, self._tuple())
        if self._took("not"):
            self._word("in")
            return Compare(path, Op.NOT_IN, self._tuple())
        op = _BY_SIGN.get(token.text) if token.kind == "sign" else None
        op = _BY_WORD.get(token.text) if token.kind == "keyword" else op
        if op is None:
            raise refusal(token, "a comparison such as =, in or contains")
        self._next += 1
        if token.text in _COMPARING and self._token.kind in ("name", "quoted"):
            sides = (formula_of(path).term if is_formula(path) else Of(path), self._term())
            return Compare((formula(Call(_COMPARING[token.text], sides)),), Op.EQ, True)
        return Compare(path, op, self._value())

    def _sort_key(self) -> SortKey:
        descending = self._took("-")
        path = self._path()
        nulls: Literal["first", "last"] | None = None
        if self._took("nulls"):
            nulls = "first" if self._took("first") else "last"
            if nulls == "last":
                self._word("last")
        return SortKey(path, descending, nulls)

    def _path(self) -> Path:
        if not self._is_call:
            return self._names()
        return (self._aggregate(),) if self._token.text in _FUNCTIONS else (formula(self._term()),)

    @property
    def _is_call(self) -> bool:
        return self._token.kind == "name" and self._tokens[self._next + 1].text == "("

    def _term(self) -> Term:
        """A function, a path or a value."""
        if not self._is_call:
            is_path = self._token.kind in ("name", "quoted")
            return Of(self._names()) if is_path else Constant(self._value())
        self._enter()
        if self._token.text not in FUNCTIONS and self._token.text != "outer":
            raise refusal(self._token, "the name of a field or of a function")
        name = self._name("the name of a function")
        self._sign("(")
        found: Term
        if name == "outer":
            found = Outer(self._names())
        else:
            found = Call(name, tuple(self._separated(self._term)))
        self._sign(")")
        self._depth -= 1
        return found

    def _names(self) -> Path:
        names = [self._name("the name of a field")]
        while self._took("."):
            names.append(self._name("the name of a field"))
        return tuple([NestedName(name) if "." in name else name for name in names])

    def _aggregate(self) -> str:
        token = self._token
        self._next += 1
        self._sign("(")
        function: Function = _FUNCTIONS[token.text]
        path: Path = ()
        if function is not Function.ROWS:
            is_distinct = self._token.text == "distinct" and self._tokens[self._next + 1].kind in ("name", "quoted")
            if function is Function.COUNT and is_distinct:
                self._next += 1
                function = Function.COUNT_DISTINCT
            path = self._path()
        self._sign(")")
        self._aggregates.append(Aggregate(function, path))
        return self._aggregates[-1].name

    def _took_clause(self, word: str) -> bool:
        """Whether this clause is next; its word is no keyword, as fields may have that name."""
        token = self._tokens[self._next]
        if token.kind != "name" or token.text != word:
            return False
        self._next += 1
        return True

    def _name(self, expected: str) -> str:
        token = self._token
        if token.kind not in ("name", "quoted"):
            raise refusal(token, expected)
        self._next += 1
        return token.text if token.kind == "name" else token.text[1:-1].replace("``", "`")

    def _count(self) -> int:
        token = self._token
        if token.kind != "number" or not token.text.isdigit() or len(token.text) > 18:
            raise refusal(token, "a number of rows")
        self._next += 1
        return int(token.text)

    def _value(self) -> Value:
        token = self._token
        if token.kind == "keyword" and token.text in _CONSTANTS:
            self._next += 1
            return _CONSTANTS[token.text]
        read = {"number": read_number, "text": read_text, "typed": read_typed}.get(token.kind)
        if read is not None:
            self._next += 1
            try:
                return read(token.text)
            except (ValueError, OverflowError):
                raise refusal(token, "a value") from None
        if token.text == "(":
            return self._tuple()
        if token.text == "[":
            return self._items("[", "]", self._value)
        if token.text == "{":
            return dict(self._items("{", "}", self._entry))
        raise refusal(token, "a value")

    def _entry(self) -> tuple[str, Any]:
        token = self._token
        name = self._value()
        if not isinstance(name, str):
            raise refusal(token, "a name in quotes")
        self._sign(":")
        return name, self._value()

    def _tuple(self) -> tuple[Value, ...]:
        return tuple(self._items("(", ")", self._value))
