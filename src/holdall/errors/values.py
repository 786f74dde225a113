"""Errors of what a caller gave: values, queries, sizes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from holdall.errors.root import HoldallError

__all__ = [
    "MAX_ERRORS",
    "FieldError",
    "FieldErrors",
    "FrozenError",
    "LimitExceeded",
    "NoThumbnail",
    "QueryError",
    "ValidationError",
]


MAX_ERRORS = 100
"""The most mistakes that are gathered before the rest is left aside."""


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
    """Values break the rules of their model; ``errors`` lists the mistakes, each with its path.

    Where there are more than 100 mistakes in one value ``is_cut`` is true, and the first are listed.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     pages: int = field(ge=0)
    >>> Book(id=1, pages=-1)
    Traceback (most recent call last):
    holdall.errors.ValidationError: Book is not valid: pages: must be at least 0
    """

    def __init__(self, model: str, errors: Sequence[FieldError], *, is_cut: bool = False) -> None:
        self.model = model
        self.errors = tuple(errors)
        self.is_cut = is_cut
        lines = [f"{error.path or model}: {error.message}" for error in self.errors[:MAX_ERRORS]]
        if is_cut or len(self.errors) > MAX_ERRORS:
            lines.append("and more")
        super().__init__(f"{model} is not valid: {'; '.join(lines)}")


class FieldErrors(list[FieldError]):
    """The mistakes in one value, as they are found. One more than 100 ends the search with a ValidationError.

    So what a wrong value costs is bounded by its size, as with a right one.

    >>> errors = FieldErrors("Book")
    >>> errors.append(FieldError("pages", "ge", "must be at least 0"))
    >>> len(errors)
    1
    """

    __slots__ = ("_model",)

    def __init__(self, model: str) -> None:
        super().__init__()
        self._model = model

    def append(self, error: FieldError) -> None:
        """Note a mistake. Raises ValidationError where there are too many."""
        if len(self) >= MAX_ERRORS:
            raise ValidationError(self._model, self, is_cut=True)
        super().append(error)

    def extend(self, errors: Iterable[FieldError]) -> None:
        """Note several. Raises ValidationError where there are too many."""
        for error in errors:
            self.append(error)


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

    ``is_of_store`` if the bound is on all that a store holds, so that asking for less does not help.

    >>> from holdall.query import parse_query
    >>> parse_query("book where " + "not " * 1000 + "pages > 1")
    Traceback (most recent call last):
    holdall.errors.LimitExceeded: more than 50 levels in the text of a query; write it flatter
    """

    def __init__(self, limit: str, maximum: int, advice: str = "ask for less", *, is_of_store: bool = False) -> None:
        self.limit = limit
        self.maximum = maximum
        self.is_of_store = is_of_store
        super().__init__(f"more than {maximum} {limit}; {advice}")


class NoThumbnail(HoldallError, ValueError):
    """No thumbnail can be made of a file; ``reason`` says why.

    >>> str(NoThumbnail("it has too many pixels"))
    'there is no thumbnail of this file: it has too many pixels'
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"there is no thumbnail of this file: {reason}")
