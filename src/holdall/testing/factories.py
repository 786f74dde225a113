"""Valid records of models for tests: what a test does not say about them is made, with what they must refer to."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Protocol, TypeAlias, TypeVar
from uuid import UUID

from holdall.errors import DeclarationError, FieldError
from holdall.model import Field, InlineSchemas, Model, State, field_schema, record_in, sample_of, state_of
from holdall.model.field_input import read_field
from holdall.query import Generated, Kind, Value

__all__ = ["Factory"]

M = TypeVar("M", bound=Model)

_Given: TypeAlias = Mapping[str, object]
_DEEPEST = 8  # records that must refer to each other
_FIRST = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


class _Adding(Protocol):
    def add(self, record: M) -> M: ...


class Factory:
    """Makes valid records, those of one model different in their keys and unique values; the same ones each time.

    A test says what matters to it; the rest of what is required is as plain as the rules of its field let it be, and
    required references lead to records made so. ``define`` says what a model's records have instead. Raises
    DeclarationError for a field of which no valid value is found: give one.

    >>> from holdall import Holdall, Model, Ref, field
    >>> class Author(Model):
    ...     id: int = field(pk=True, generated=True)
    ...     name: str = field(unique=True, length=(1, 20))
    >>> class Book(Model):
    ...     isbn: str = field(pk=True, length=(13, 13))
    ...     title: str
    ...     author: Ref[Author]
    >>> factory = Factory()
    >>> factory.define(Book, title=lambda number: f"Volume {number}")
    >>> factory.make(Book).title, factory.make(Book, title="Emma").title
    ('Volume 1', 'Emma')
    >>> async def example() -> None:
    ...     app = Holdall("library")
    ...     app.add_store("main", "memory:")
    ...     app.add(Author, Book, store="main")
    ...     async with app.session() as session:
    ...         books = factory.add_many(session, Book, 3)
    ...     async with app.session() as session:
    ...         print(await session.count(Book.where()), await session.count(Author.where()))
    >>> import asyncio
    >>> asyncio.run(example())
    3 3
    """

    def __init__(self) -> None:
        self._numbers: Counter[type[Model]] = Counter()
        self._defined: dict[type[Model], dict[str, object]] = {}

    def define(self, model: type[Model], **values: object) -> None:
        """Have the records of a model these values; a function is called with the number of the record, from 1.

        Raises DeclarationError for a name that is no field of the model. Example: :class:`Factory`.
        """
        known = model.__holdall__.by_name
        for name in values:
            if name not in known:
                raise DeclarationError(f"{model.__name__} has no field {name!r}; it has {', '.join(known)}")
        self._defined.setdefault(model, {}).update(values)

    def make(self, model: type[M], **values: object) -> M:
        """Return a new record that is in no session, nor is what was made for it. Example: :class:`Factory`."""
        return self._made(model, values, 0)

    def add(self, session: _Adding, model: type[M], **values: object) -> M:
        """Return a record as ``make`` does, added to a session, async or not, after what was made for it."""
        record = self.make(model, **values)
        for each in _new_ones(record):
            session.add(each)
        return record

    def add_many(self, session: _Adding, model: type[M], number: int, **values: object) -> list[M]:
        """Add several records of a model, and return them in order. Example: :class:`Factory`."""
        return [self.add(session, model, **values) for _ in range(number)]

    def _made(self, model: type[M], values: _Given, depth: int) -> M:
        if depth > _DEEPEST:
            raise DeclarationError(f"{model.__name__} is required by what it requires: give one of the references")
        self._numbers[model] += 1
        number = self._numbers[model]
        given = {name: _called(value, number) for name, value in self._defined.get(model, {}).items()} | dict(values)
        declaration = model.__holdall__
        together = {name for names in declaration.unique for name in names}
        for field in declaration.stored:
            is_made = field.generated is not Generated.NO or field.options.is_given_elsewhere
            if field.name in given or field.has_default or is_made:
                continue
            if field.target is not None and field.form is None:
                given[field.name] = self._made(field.target(), {}, depth + 1)
            elif field.target is None:
                is_apart = field.name in together or field.options.unique or field in declaration.key
                given[field.name] = _value(field, number, is_apart=bool(is_apart))
        return model(**given)


def _called(value: object, number: int) -> object:
    return value(number) if callable(value) and not isinstance(value, type) else value


def _new_ones(record: Model) -> Iterator[Model]:
    """The record, and before it those that it refers to and no session has."""
    for field in type(record).__holdall__.references:
        if field.form is None and field.options.back is None:
            slot = field.get(record)
            target = None if slot is None else record_in(slot)
            if isinstance(target, Model) and state_of(target) is State.UNBOUND:
                yield from _new_ones(target)
    if state_of(record) is State.UNBOUND:
        yield record


def _value(field: Field, number: int, *, is_apart: bool) -> Value:
    """A valid value of a field, for ``is_apart`` another one for each number. Raises DeclarationError."""
    sample = sample_of(field_schema(field, InlineSchemas()), {})
    for candidate in [*(_apart(field.kind, sample, number) if is_apart else ()), sample]:
        errors = list[FieldError]()
        found = read_field(field, candidate, field.name, errors)
        if not errors:
            found = field.validate(found, errors)
        if not errors:
            return found
    raise DeclarationError(
        f"no valid value of {field.model}.{field.name} was found: give one, or define() how it is made"
    )


def _apart(kind: Kind, sample: Value, number: int) -> Iterator[Value]:
    """Values as JSON that differ from number to number; those that go with a bound of the sample come last."""
    makers: Mapping[Kind, Callable[[], Value]] = {
        Kind.UUID: lambda: str(UUID(int=number)),
        Kind.DATETIME: lambda: (_FIRST + dt.timedelta(seconds=number)).isoformat(),
        Kind.DATE: lambda: (_FIRST.date() + dt.timedelta(days=number)).isoformat(),
        Kind.DECIMAL: lambda: str(Decimal(number)),
        Kind.FLOAT: lambda: float(number),
    }
    if kind in makers:
        yield makers[kind]()
    elif isinstance(sample, str):
        told = str(number)
        yield f"{sample}{told}"
        yield f"{sample[: -len(told)]}{told}"
    elif isinstance(sample, int):
        yield sample + number - 1
        yield sample - number + 1
