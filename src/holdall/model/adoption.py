"""Adopting a class of another library as a model: what is taken over from it, and who knows how to read it.

Readers of such classes are entry points of the group ``holdall.adopters``, so that no model needs their libraries.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Protocol
from weakref import ReferenceType, WeakKeyDictionary, ref

import msgspec

from holdall.errors import DeclarationError
from holdall.model.names import Annotation, Names
from holdall.model.target import Target
from holdall.model.tracking import Record
from holdall.query import AnyQuery, Node, Value

__all__ = [
    "AdoptedClass",
    "AdoptedField",
    "AdoptedTarget",
    "Adopter",
    "Refusal",
    "adopted_class",
    "begun",
    "query_for",
    "remember_adoption",
]

_WHERE = re.compile(r"^[^:]*: ")


class AdoptedField(msgspec.Struct, frozen=True):
    """A field as an adopted class has it: its annotation, what ``field`` or ``back`` made, and where it is stored.

    Example: :class:`AdoptedClass`.
    """

    name: str
    annotation: Annotation
    declared: Value
    columns: tuple[str, ...] = ()


class Refusal(msgspec.Struct, frozen=True):
    """An attribute that cannot be carried over, and why; the empty name stands for the class.

    Example: :class:`AdoptedClass`.
    """

    attribute: str
    reason: str


class AdoptedClass(msgspec.Struct, frozen=True):
    """Everything that is taken over from a class, and what cannot be.

    >>> from holdall import field
    >>> from holdall.model import AdoptedClass, AdoptedField, Refusal
    >>> key = AdoptedField("id", int, field(pk=True), ("id",))
    >>> AdoptedClass("Book", (key,), "books", refusals=(Refusal("cover", "no field keeps it"),)).fields[0].columns
    ('id',)
    """

    name: str
    fields: tuple[AdoptedField, ...]
    table: str
    namespace: str | None = None
    unique: tuple[tuple[str, ...], ...] = ()
    refusals: tuple[Refusal, ...] = ()
    attributes: tuple[str, ...] = ()  # all that the class has, so that one to be left out is one of them


class Adopter(Protocol):
    """A reader of another library's classes. Example: :func:`holdall.adoption.sqlalchemy`."""

    def read(self, source: type[object], leave_out: Collection[str]) -> AdoptedClass | None:
        """Return what the class says but for the attributes left out; None for a class of another kind."""
        ...

    def query(self, statement: object, models: Mapping[Value, Record]) -> AnyQuery | None:
        """Return the query that a statement stands for, of the models by the classes they adopt; None for what is no
        statement.
        """
        ...


@cache
def _adopters() -> dict[str, Value]:
    from importlib.metadata import entry_points  # takes its time, and most programs adopt nothing

    return {point.name: point for point in entry_points(group="holdall.adopters")}


def _loaded() -> Iterator[Adopter]:
    for point in _adopters().values():
        try:
            yield point.load()
        except ImportError:
            continue


def adopted_class(model: str, source: object, leave_out: Collection[str]) -> AdoptedClass:
    """Return what a class says of the model that adopts it; raises DeclarationError for one that nobody can read."""
    if isinstance(leave_out, str):
        raise DeclarationError(f"{model}: leave_out takes names of attributes, as leave_out=['cover']")
    if not isinstance(source, type):
        raise DeclarationError(f"{model}: adopt takes a class, not a {type(source).__name__}")
    for adopter in _loaded():
        found = adopter.read(source, leave_out)
        if found is not None:
            _demand_known(model, found, leave_out)
            return found
    raise DeclarationError(
        f"{model}: {source.__name__} cannot be adopted: a class that SQLAlchemy maps to a table can,"
        " where holdall[sql] is installed"
    )


def _demand_known(model: str, found: AdoptedClass, leave_out: Collection[str]) -> None:
    for name in leave_out:
        if name not in found.attributes:
            raise DeclarationError(f"{model}: leave_out names {name!r}, which {found.name} has not")


def query_for(statement: object, models: Mapping[Value, Record]) -> AnyQuery | None:
    """Return the query that a statement of another library stands for, of ``models`` by the classes they adopt.

    None for what is no statement. Raises QueryError for one that is no query of one such class.

    Example: :class:`holdall.adoption.SqlAlchemyAdopter`.
    """
    for adopter in _loaded() if models else ():
        found = adopter.query(statement, models)
        if found is not None:
            return found
    return None


def begun(model: Record, query: AnyQuery, conditions: tuple[Value, ...]) -> tuple[AnyQuery, tuple[Value, ...]]:
    """Return the query that ``where`` goes on from, and the conditions left: a Select of the adopted class is first."""
    if conditions and not isinstance(conditions[0], Node):
        found = query_for(conditions[0], {model.__holdall__.adopted: model})
        if found is not None:
            return found, conditions[1:]
    return query, conditions


_adopting: WeakKeyDictionary[type[object], list[ReferenceType[Record]]] = WeakKeyDictionary()


def remember_adoption(source: type[object], model: Record) -> None:
    """Keep in mind that a model adopts a class, for references that lead to that class."""
    _adopting.setdefault(source, []).append(ref(model))


class AdoptedTarget(Target):
    """The model that adopts a class: the only one that does, or the one among those that live together.

    Example: :class:`AdoptedClass`.
    """

    __slots__ = ("_source",)

    def __init__(self, source: type[object], nullable: bool, where: str) -> None:
        super().__init__(source.__name__, nullable, None, Names("", {}))
        self._source = (source, where)

    def __call__(self) -> Record:
        """The model; raises DeclarationError while there is none."""
        model = self.found
        if model is None:
            source, where = self._source
            attribute = where.rpartition(".")[2]
            raise DeclarationError(
                f"{where} leads to {source.__name__}, which no model here adopts: adopt it and add it to the same"
                f" Holdall, or leave the reference out by leave_out=[{attribute!r}]"
            )
        return model

    @property
    def found(self) -> Record:
        """The model, or None while it is not known."""
        if self._model is None:
            models = [model for each in _adopting.get(self._source[0], ()) if (model := each()) is not None]
            return models[0] if len(models) == 1 else None
        return self._model

    def resolve(self, models: Mapping[str, Record]) -> None:
        """Settle it with the models that live together."""
        together = [model for model in models.values() if model.__holdall__.adopted is self._source[0]]
        if together:
            self._model = together[0]


def reason_of(error: DeclarationError) -> str:
    """The sentence of an error without the name it begins with."""
    return _WHERE.sub("", str(error))
