"""From text to queries: recursive descent over the tokens, bounded in depth; nothing in the text is ever run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from holdall.errors import LimitExceeded
from holdall.query._literals import read_number, read_text, read_typed
from holdall.query._tokens import Token, refusal, tokens
from holdall.query._writer import SIGNS
from holdall.query.border import Value
from holdall.query.check import MAX_DEPTH
from holdall.query.condition import ALWAYS, And, Compare, Condition, Every, Not, Op, Or, Path, Some
from holdall.query.query import AnyQuery, Query
from holdall.query.sort import SortKey

__all__ = ["Parser"]

T = TypeVar("T")

_BY_SIGN = {sign: op for op, sign in SIGNS.items()}
_BY_WORD = {op.value: op for op in (Op.CONTAINS, Op.ICONTAINS, Op.STARTSWITH, Op.ENDSWITH)}
_CONSTANTS = {"null": None, "true": True, "false": False}


class Parser:
    """Reads one text from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next = 0
        self._depth = 0

    def query(self) -> AnyQuery:
        """A whole query, to the end of the text."""
        collection = self._name("the name of a collection")
        condition = self.condition() if self._took("where") else ALWAYS
        keys = tuple(self._separated(self._sort_key)) if self._took("sort") else ()
        position = self._tuple() if self._took("after") else None
        rows = self._count() if self._took("limit") else None
        skip = self._count() if self._took("offset") else 0
        projection = tuple(self._separated(self._path)) if self._took("only") else ()
        self.end()
        return Query(collection, condition, keys, rows, skip, position, projection)

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
        if self._took("some"):
            return Some(self._path(), self._bracketed())
        if self._took("every"):
            return Every(self._path(), self._bracketed())
        return self._comparison(self._path())

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
            return Compare(path, Op.IN, self._tuple())
        if self._took("not"):
            self._word("in")
            return Compare(path, Op.NOT_IN, self._tuple())
        op = _BY_SIGN.get(token.text) if token.kind == "sign" else None
        op = _BY_WORD.get(token.text) if token.kind == "keyword" else op
        if op is None:
            raise refusal(token, "a comparison such as =, in or contains")
        self._next += 1
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
        names = [self._name("the name of a field")]
        while self._took("."):
            names.append(self._name("the name of a field"))
        return tuple(names)

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

    def _items(self, opening: str, closing: str, read: Callable[[], T]) -> list[T]:
        self._enter()
        self._sign(opening)
        items: list[T] = [] if self._token.text == closing else self._separated(read)
        self._sign(closing)
        self._depth -= 1
        return items

    def _separated(self, read: Callable[[], T]) -> list[T]:
        items = [read()]
        while self._took(","):
            items.append(read())
        return items

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _took(self, word: str) -> bool:
        """Whether this keyword or sign is next; if so it is passed."""
        token = self._tokens[self._next]
        if token.text != word or token.kind not in ("keyword", "sign"):
            return False
        self._next += 1
        return True

    def _sign(self, sign: str) -> None:
        if not self._took(sign):
            raise refusal(self._token, f"{sign!r}")

    _word = _sign

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > 2 * MAX_DEPTH:
            raise LimitExceeded("levels in the text of a query", MAX_DEPTH, "write it flatter")
