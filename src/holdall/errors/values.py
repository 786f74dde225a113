"""Errors of what a caller gave: values, queries, sizes."""

from __future__ import annotations

from collections.abc import Sequence

from holdall.errors.root import HoldallError

__all__ = [
    "FieldError",
    "FrozenError",
    "LimitExceeded",
    "QueryError",
    "ValidationError",
]


class FieldError:
    """One thing wrong with one value: where (``path``), what kind (``code``) and a sentence (``message``).

    The message never repeats the value, so it can be shown to anyone.

    >>> FieldError("pages", "ge", "must be at least 0").path
    'pages'
    """

    __slots__ = ("code", "message", "path")

    def __init__(self, path: str, code: str, message: str) -> None:
        self.path = path
        self.code = code
        self.message = message

    def __repr__(self) -> str:
        return f"FieldError({self.path!r}, {self.code!r}, {self.message!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FieldError):
            return NotImplemented
        return (self.path, self.code, self.message) == (other.path, other.code, other.message)

    def __hash__(self) -> int:
        return hash((self.path, self.code, self.message))


class ValidationError(HoldallError, ValueError):
    """Values break the rules of their model; ``errors`` lists all of them, each with its path.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     pages: int = field(ge=0)
    >>> Book(id=1, pages=-1)
    Traceback (most recent call last):
    holdall.errors.ValidationError: Book is not valid: pages: must be at least 0
    """

    def __init__(self, model: str, errors: Sequence[FieldError]) -> None:
        self.model = model
        self.errors = tuple(errors)
        lines = "; ".join(f"{error.path or model}: {error.message}" for error in self.errors)
        super().__init__(f"{model} is not valid: {lines}")


class FrozenError(HoldallError, ValueError):
    """A frozen field was written in a state in which it may not change.

    >>> class Order(Model):
    ...     id: int = field(pk=True)
    ...     number: int = field(default=0, frozen=Frozen.CREATE)
    >>> str(FrozenError("Order", "number", "new"))
    'Order.number is frozen while the record is new; leave it as it is'
    """

    def __init__(self, model: str, field: str, state: str) -> None:
        self.model = model
        self.field = field
        self.state = state
        super().__init__(f"{model}.{field} is frozen while the record is {state}; leave it as it is")


class QueryError(HoldallError, ValueError):
    """A query names something that does not exist, compares what cannot be compared, or its text cannot be read.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    >>> Book.where(Book.id)
    Traceback (most recent call last):
    holdall.errors.QueryError: id alone is no condition: compare it, for instance with == True
    """


class LimitExceeded(HoldallError, ValueError):
    """A bound was passed; ``limit`` says which one and ``maximum`` its value.

    >>> from holdall.query import parse_query
    >>> parse_query("book where " + "not " * 1000 + "pages > 1")
    Traceback (most recent call last):
    holdall.errors.LimitExceeded: more than 50 levels in the text of a query; write it flatter
    """

    def __init__(self, limit: str, maximum: int, advice: str = "ask for less") -> None:
        self.limit = limit
        self.maximum = maximum
        super().__init__(f"more than {maximum} {limit}; {advice}")
