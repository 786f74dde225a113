"""The base of every model."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Never, NoReturn, Self, cast, dataclass_transform

import msgspec

from holdall.errors import FieldError, QueryError, ValidationError
from holdall.model import options
from holdall.model.adoption import begun
from holdall.model.declaration import Declaration
from holdall.model.gateway import gateway_of
from holdall.model.meta import ModelMeta
from holdall.model.pydantic_form import record_core_schema, record_json_schema
from holdall.model.record_form import json_text, record_values, short_text
from holdall.model.reference_slots import children_of, keys_only
from holdall.model.searchable import searched
from holdall.model.state import State
from holdall.model.stream import stream
from holdall.model.tracking import Tracked, hidden_ends, state_of, track_of
from holdall.query import Condition, Key, Query, Statement, Value

__all__ = ["Model"]


# Again here, because mypy would find the one of msgspec.Struct before that of the metaclass.
@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(options.field, options.back, stream))
class Model(Tracked, msgspec.Struct, metaclass=ModelMeta, abstract=True):
    """A declared record type; its instances are records.

    Fields are annotations, with ``field(...)`` where there is more to say. ``class Stamped(Model, abstract=True)`` only
    lends its fields to the models that derive from it; ``collection="books"`` names the collection, which is otherwise
    the class name in snake case; ``table="tblBook"`` and ``schema="shop"`` name where it is stored, if not under its
    own name; ``unique=[("title", "author")]`` names fields unique together, ``search=("title", "blurb")`` the texts of
    ``search``; ``read_only=True`` is for what is never written, a view for instance, and may have no key. Two records
    are equal only if they are the same object.

    >>> class Country(Model):
    ...     code: str = field(pk=True, pattern=r"[A-Z]{2}")
    ...     name: str
    >>> Country(code="FR", name="France")
    Country(code='FR', name='France')
    >>> Country.name == "France"
    Compare(path=('name',), op=<Op.EQ: 'eq'>, value='France')

    A record answers for itself:

    >>> france = Country(code="FR", name="France")
    >>> france.primary_keys, france.fields
    ({'code': 'FR'}, {'code': 'FR', 'name': 'France'})
    >>> france.dependency_fields, france.get_children()
    ({}, set())
    >>> france.matches(name="France"), france.is_field_modified("name")
    (True, False)

    Where a model is part of a Holdall, records can be stored one by one (see also ``Model.objects``):

    >>> app = Holdall("atlas")
    >>> app.add_store("main", "memory:")
    >>> app.add(Country, store="main")
    >>> async def example() -> int:
    ...     await france.save()
    ...     return await france.delete()
    >>> import asyncio
    >>> asyncio.run(example())
    1
    """

    if TYPE_CHECKING:
        __holdall__: ClassVar[Declaration]

    @classmethod
    def where(cls, *conditions: Condition | bool | Statement, **unknown: Never) -> Query[Self]:
        """Return the query for the records that meet these conditions, or for all records without any. Raises
        QueryError for what is no condition on this model. A model that adopts a class takes, before them, a Select of
        that class, with its order and its limits: ``Book.where(select(orm.Book).join(…), Book.pages > 9)``.
        """
        for name in unknown:
            place = f"{cls.__name__}.{name}"
            raise QueryError(f"where() takes conditions: {place} == ..., or {cls.__name__}.objects.filter({name}=...)")
        query: Query[Self] = Query(cls.__holdall__.collection, model=cls)
        if cls.__holdall__.adopted is not None:
            query, conditions = begun(cls, query, conditions)
        return query.where(*cast("tuple[Condition, ...]", conditions)) if conditions else query

    @classmethod
    def search(cls, words: str) -> Condition:
        """Return the condition that all these words are in the texts that the class statement names by ``search=``.

        ``"left hand"`` in quotes are words one after the other, ``dark*`` begins a word, ``-war`` is in none; letter
        case makes no difference. Raises QueryError without a word, LimitExceeded for more than 500 characters.
        Example: :func:`searched`.
        """
        return searched(cls, words)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        return record_core_schema(cls)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: object, handler: Any) -> Any:
        return record_json_schema(cls, handler.mode)

    def __delattr__(self, name: str) -> None:
        field = self.__holdall__.by_name.get(name)
        if field is None or not field.is_stored:
            raise AttributeError(f"{type(self).__name__} has no field {name!r}")
        setattr(self, name, field.default())

    def __key__(self) -> Key:
        return self.__holdall__.key_of(self)

    @property
    def primary_keys(self) -> dict[str, Value]:
        """The key fields with their values."""
        return {field.name: getattr(self, field.name) for field in self.__holdall__.key}

    @property
    def fields(self) -> dict[str, Value]:
        """All stored fields with their values."""
        return {field.name: getattr(self, field.name) for field in self.__holdall__.stored}

    @property
    def dependency_fields(self) -> dict[str, Value]:
        """The references that a commit writes first, with their values."""
        return {field.name: getattr(self, field.name) for field in self.__holdall__.relations if field.depends_on}

    def to_dict(
        self,
        *,
        fields: Collection[object] | None = None,
        include: Collection[object] = (),
        exclude_unset: bool = False,
    ) -> dict[str, Value]:
        """Return the stored fields by name, with their values as Python has them and references as keys.

        ``fields`` chooses some, and computed values, by name or as ``Book.title``. ``include`` names references
        (``Book.author``, ``"author.country"``) that become dicts of their records, and other ends that become lists of
        them; NotLoaded is raised for one that is not loaded. ``exclude_unset`` leaves out what nobody has given: fields
        that have their default, and those that the store is yet to make. Raises QueryError for what is no field.

        >>> class Book(Model):
        ...     id: int = field(pk=True)
        ...     title: str
        ...     pages: int = 0
        >>> Book(id=1, title="Emma").to_dict(exclude_unset=True)
        {'id': 1, 'title': 'Emma'}
        """
        return record_values(self, fields, include, exclude_unset=exclude_unset)

    def to_json(
        self,
        *,
        fields: Collection[object] | None = None,
        include: Collection[object] = (),
        exclude_unset: bool = False,
    ) -> str:
        """Return a JSON object of what ``to_dict`` gives, each value as it is over HTTP; parameters are the same.

        >>> class Book(Model):
        ...     id: int = field(pk=True)
        ...     title: str
        >>> Book(id=1, title="Emma").to_json()
        '{"id":1,"title":"Emma"}'
        """
        return json_text(self, fields, include, exclude_unset=exclude_unset)

    @classmethod
    def from_dict(cls, data: Mapping[str, object], *, stored: bool = False) -> Self:
        """Return a new record of these values, as Python has them or as JSON does; references are given by key.

        Raises ValidationError with everything that is wrong, each with its path: names that are no fields, computed
        values, and what the store makes. ``stored=True`` takes that, too: keys, versions and moments of a record that
        was stored, as ``to_dict`` gives them.

        >>> class Book(Model):
        ...     id: int = field(pk=True)
        ...     tags: tuple[str, ...]
        >>> Book.from_dict({"id": 1, "tags": ["old", "short"]}).tags
        ('old', 'short')
        """
        if not isinstance(data, Mapping):
            raise ValidationError(cls.__name__, [FieldError("", "type", "must be given as a dict")])
        declaration = cls.__holdall__
        reader = declaration.stored_input if stored else declaration.json_input
        made: Self = reader.create_from_values(data)
        return made

    @classmethod
    def from_json(cls, text: str | bytes, *, stored: bool = False) -> Self:
        """Return a new record of a JSON object. Raises ValidationError, and takes ``stored``, as ``from_dict`` does.

        >>> class Book(Model):
        ...     id: int = field(pk=True)
        ...     title: str
        >>> Book.from_json('{"id": 1, "titel": "Emma"}')
        Traceback (most recent call last):
        holdall.errors.ValidationError: Book is not valid: titel: is not a field; title: is required
        """
        declaration = cls.__holdall__
        reader = declaration.stored_input if stored else declaration.json_input
        made: Self = reader.create(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
        return made

    def is_field_modified(self, name: str) -> bool:
        """Whether the field differs from what the store has; raises ValueError for a name that is no field."""
        if name not in self.__holdall__.by_name:
            raise ValueError(f"{type(self).__name__} has no field {name!r}")
        track = track_of(self)
        return track is not None and track.old is not None and name in track.old

    def get_children(self, recursive: bool = False) -> set[Model]:
        """The loaded records this one refers to; with ``recursive`` also those they refer to, never itself."""
        found: set[Model] = set()
        pending: list[Model] = [self]
        while pending:
            for child in children_of(pending.pop()):
                if child not in found and child is not self:
                    found.add(child)
                    if recursive:
                        pending.append(child)
        return found

    async def save(self) -> Self:
        """Store this record: add it if it is new, write its changes if it is not.

        Within a session's block it joins the block's commit; else it is written now, alone. Where that is refused, the
        record keeps its changes: correct them and save it again.
        """
        async with gateway_of(type(self)) as act:
            if state_of(self) is State.UNBOUND:
                act.session.add(self)
            else:
                act.session.attach(self)
            await act.commit()
        return self

    async def delete(self) -> int:
        """Remove this record from its store; return how many physical entries were removed (Redis keys, say), or 1.

        Within a session's block the removal joins the block's commit; the number is 0 then, as it is not known yet.
        """
        async with gateway_of(type(self)) as act:
            act.session.remove(act.session.attach(self))
            result = await act.commit()
        return 0 if result is None else sum(task.places for task in result.tasks if task.record is self)

    def matches(self, **values: object) -> bool:
        """Whether the record has all of these values; raises QueryError for what is no field, or no value of it."""
        return all(self.__holdall__.has_value(self, name, value) for name, value in values.items())

    def __getitem__(self, name: str) -> Any:
        field = self.__holdall__.by_name.get(name)
        if field is None and name not in self.__holdall__.streams:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is no collection: record.fields has its values by name")

    def __repr__(self) -> str:
        parts, hidden = [], hidden_ends(self)
        for field in self.__holdall__.stored:
            if field.options.repr and field.name not in hidden:
                parts.append(f"{field.name}={short_text(field, field.get(self))}")
        return f"{type(self).__name__}({', '.join(parts)})"

    def __copy__(self) -> Self:
        made: Self = self.__holdall__.create(*[field.get(self) for field in self.__holdall__.stored])
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = copy.copy(self)
        for field in self.__holdall__.mutable:
            field.put(made, copy.deepcopy(field.get(self), memo))
        return made

    def __reduce__(self) -> Any:
        values = []
        for field in self.__holdall__.stored:
            value = field.get(self)
            values.append(keys_only(field, value) if field.is_relation else value)
        return _rebuild, (type(self), tuple(values))


def _rebuild(model: type[Model], values: tuple[Value, ...]) -> Model:
    record: Model = model.__holdall__.create(*values)
    return record
