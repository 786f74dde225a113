"""Bodies and records of a REST view: derived from the model, or by schema classes that are checked against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from holdall.errors import DeclarationError, ValidationError
from holdall.model import Declaration, Record
from holdall.query import Json, Value, did_you_mean
from holdall.web.merge import merged, nested_patch
from holdall.web.replacement import Replacement
from holdall.web.views.answers import Input
from holdall.web.views.shapes import Shape, nested_schema, shape_of, spelled_as
from holdall.web.views.shown import Shown

__all__ = ["Form", "Given", "SchemaForm", "writes", "written_by"]

_MARK = "__holdall_writes__"

F = TypeVar("F", bound=Callable[..., Mapping[str, object]])


def writes(name: str) -> Callable[[F], F]:
    """Mark a method of a view that turns a field of its schemas into values of the model's fields.

    >>> from holdall.web.views.view import View
    >>> class People(View):
    ...     @writes("password")
    ...     def hashed(self, password: str) -> dict[str, object]:
    ...         return {"password_hash": password[::-1]}
    >>> written_by(People)
    {'password': 'hashed'}
    """

    def mark(function: F) -> F:
        setattr(function, _MARK, name)
        return function

    return mark


def written_by(view: type) -> dict[str, str]:
    """Return the fields of a view's schemas that methods turn into others, each with the method's name.

    Example: :func:`writes`.
    """
    found: dict[str, str] = {}
    for base in reversed(view.__mro__):
        for method, attribute in vars(base).items():
            name = getattr(attribute, _MARK, None)
            if name is not None:
                found[name] = method
    return found


class Given:
    """The values that a body gave for fields of a model, as attributes: ``data.title``.

    ``sent`` has those that were there, by name; an attribute that is set is as if it had been sent. ``patches`` has the
    objects of a merge patch that are to be merged into what a record has.

    >>> data = Given({"title": "Emma"})
    >>> data.pages = 474
    >>> data.title, data.sent
    ('Emma', {'title': 'Emma', 'pages': 474})
    """

    sent: dict[str, Value]
    patches: dict[str, Json]

    def __init__(self, sent: dict[str, Value], patches: dict[str, Json] | None = None) -> None:
        self.__dict__.update(sent=sent, patches=patches or {})

    def __getattr__(self, name: str) -> Value:
        try:
            return self.sent[name]
        except KeyError:
            raise AttributeError(f"the body gave no {name!r}") from None

    def __setattr__(self, name: str, value: object) -> None:
        self.sent[name] = value


class Form:
    """A view takes and shows the fields of records as they are. Example: :class:`AsyncRestView`."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.names = {name: name for name in declaration.json_output.names}
        self.loads: tuple[tuple[str, ...], ...] = ()

    @property
    def is_derived(self) -> bool:
        """Whether records are shown and taken as the collection shows and takes them."""
        return True

    @property
    def is_showing(self) -> bool:
        """Whether records are shown by a schema class."""
        return False

    @property
    def is_searched(self) -> bool:
        """Whether full-text search looks into nothing but what is shown."""
        searched = self.declaration.search
        return bool(searched) and set(searched) <= set(self.names.values())

    def show(self, record: Record) -> Json:
        """Return what a schema class shows of a record."""
        raise AssertionError("records are shown as their collection shows them")

    def take(self, body: bytes, *, is_new: bool) -> Input:
        """Return what the methods of a view are given of a body; raises ValidationError."""
        given = self.declaration.json_input
        patch = None if is_new else nested_patch(body)
        if patch is not None:
            nested: dict[str, Json] = {
                name: value for name, value in patch.items() if isinstance(value, dict) and name in given.names
            }
            rest = {name: value for name, value in patch.items() if name not in nested}
            return Given(given.values_from(rest), nested)
        try:
            return Given(given.values(body))
        except ValidationError:
            if is_new:
                given.create(body)  # which tells what is missing, too
            raise

    def changed(self, members: Mapping[str, Json]) -> Input:
        """The input of a view's methods for new values, which replace the old ones; raises ValidationError."""
        return Given(self.declaration.json_input.values_from(members))

    def whole(self, body: bytes, key: Mapping[str, Json]) -> tuple[Input, dict[str, Json]]:
        """The input of a view's methods for all of a record, and the members that only the record can have.

        Raises ValidationError.
        """
        given = Replacement(self.declaration, body, key)
        given.demand_key(key)
        accepted = self.declaration.json_input.names
        claims = {name: value for name, value in given.members.items() if name in self.names and name not in accepted}
        return Given(given.values(claims)), claims

    def sent(self, data: Input, *, is_new: bool, is_whole: bool = False) -> dict[str, Value]:
        """The values that were sent, by the names of fields; a copy."""
        return dict(data.sent)

    def made(self, values: dict[str, Value]) -> Record:
        """A new record with these values; raises ValidationError."""
        return self.declaration.model(**values)

    def changes(self, record: Record, data: Input, values: dict[str, Value]) -> dict[str, Value]:
        """The values that a record is to be given, with what is merged into those it has; raises ValidationError."""
        if isinstance(data, Given) and not data.patches:
            return values
        current = self.declaration.json_output.builtins(record, data.patches)
        whole = {name: merged(current[name], patch) for name, patch in data.patches.items()}
        return values | self.declaration.json_input.values_from(whole)

    def path(self, names: tuple[str, ...]) -> tuple[str, ...] | None:
        """The path of fields that names outside stand for; None where they are not shown, and so mean nothing."""
        return names


class SchemaForm(Form):
    """A view takes and shows by schema classes. Raises DeclarationError where they do not fit the model."""

    def __init__(
        self, declaration: Declaration, view: str, written: Mapping[str, str],
        schema: type | None, schema_create: type | None, schema_update: type | None,
    ) -> None:  # fmt: skip
        super().__init__(declaration)
        self._view = view
        self._written = written
        basis = shape_of(schema) if schema is not None else None
        self.shown = None if basis is None else Shown(declaration, basis, view)
        if self.shown is not None:
            self.names = {field.alias: name for name, field in self.shown.fields.items()}
            self.loads = tuple(self.shown.loads())
        self._create = self._taken(basis, schema_create, "Create", is_optional=False)
        self._update = self._taken(basis, schema_update, "Update", is_optional=True)

    @property
    def is_derived(self) -> bool:
        """False: schema classes say what is shown and taken."""
        return False

    @property
    def is_showing(self) -> bool:
        """Whether records are shown by a schema class."""
        return self.shown is not None

    def _taken(self, basis: Shape | None, given: type | None, suffix: str, *, is_optional: bool) -> Shape | None:
        if given is not None:
            shape = shape_of(given)
        elif basis is not None:
            left = [name for name, field in basis.fields.items() if field.marks.is_read_only or self._is_made(name)]
            nested = [name for name, field in basis.fields.items() if self._is_relation(name, field.annotation)]
            shape = basis.partial(suffix, without=left, references=nested, is_optional=is_optional)
        else:
            return None
        self._demand_stored(shape)
        return shape

    def _is_made(self, name: str) -> bool:
        return name in self.declaration.json_output.names and name not in self.declaration.json_input.names

    def _is_relation(self, name: str, annotation: object) -> bool:
        field = self.declaration.by_name.get(name)
        return field is not None and field.target is not None and nested_schema(annotation) is not None

    def _demand_stored(self, shape: Shape) -> None:
        known = {*self.declaration.json_input.names, *self._written}
        for name, field in shape.fields.items():
            if name not in known and not field.marks.is_read_only:
                model = self.declaration.model.__name__
                raise DeclarationError(
                    f"{self._view}: nothing stores {name!r} of {shape.schema.__name__}: {model} has no such field that"
                    f" can be given{did_you_mean(name, known)}; mark it ReadOnly, or let a method take it with"
                    f" @writes({name!r})"
                )
            if self._is_relation(name, field.annotation):
                raise DeclarationError(
                    f"{self._view}: {name!r} of {shape.schema.__name__} is a nested record, which cannot be taken;"
                    " write IDRef[...] there"
                )

    def take(self, body: bytes, *, is_new: bool) -> Input:
        """Return what the methods of a view are given of a body: an instance of the schema."""
        shape = self._create if is_new else self._update
        return super().take(body, is_new=is_new) if shape is None else shape.decode(body)

    def changed(self, members: Mapping[str, Json]) -> Input:
        """The input of a view's methods for new values: an instance of the schema for changes."""
        return super().changed(members) if self._update is None else self._update.decode(msgspec.json.encode(members))

    def whole(self, body: bytes, key: Mapping[str, Json]) -> tuple[Input, dict[str, Json]]:
        """The input of a view's methods for all of a record: an instance of the schema for new ones."""
        shape = self._create
        if shape is None:
            return super().whole(body, key)
        try:
            members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return shape.decode(body), {}  # which tells what is wrong
        taken = {field.alias for field in shape.fields.values()}
        claims = {name: members.pop(name) for name in [*members] if name in self.names and name not in taken}
        for name, part in key.items():
            if name in shape.fields:
                members.setdefault(shape.fields[name].alias, msgspec.Raw(msgspec.json.encode(part)))
        data = shape.decode(msgspec.json.encode(members))
        return data, {name: msgspec.json.decode(value) for name, value in claims.items()}

    def sent(self, data: Input, *, is_new: bool, is_whole: bool = False) -> dict[str, Value]:
        """The values that an instance of the schema was sent, by name; read-only ones are left out."""
        shape = self._create if is_new or is_whole else self._update
        if shape is None:
            return super().sent(data, is_new=is_new)
        sent = shape.whole(data) if is_whole else shape.sent(data)
        return {name: value for name, value in sent.items() if not shape.fields[name].marks.is_read_only}

    def made(self, values: dict[str, Value]) -> Record:
        """A new record with these values, which may be as in JSON; raises ValidationError."""
        if self._create is None:
            return super().made(values)
        with spelled_as(self._create):
            return self.declaration.json_input.create_from_values(values)
        raise AssertionError("errors are raised")

    def changes(self, record: Record, data: Input, values: dict[str, Value]) -> dict[str, Value]:
        """The values that a record is to be given; raises ValidationError."""
        if isinstance(data, Given):
            return super().changes(record, data, values)
        with spelled_as(self._update or self._create):
            return self.declaration.json_input.values_from_values(values)
        raise AssertionError("errors are raised")

    def show(self, record: Record) -> Json:
        """Return what the schema shows of a record."""
        assert self.shown is not None
        return self.shown.encode(record)

    def path(self, names: tuple[str, ...]) -> tuple[str, ...] | None:
        """The path of fields that names of the schema stand for; None for what it does not show."""
        return names if self.shown is None else self.shown.path(names)

    def nodes(self) -> tuple[Any, Any, Any]:
        """The JSON Schemas of what is shown, taken for a new record, and taken for a change; None where derived."""
        shown = None if self.shown is None else self.shown.shape.node(is_shown=True)
        return (
            shown,
            None if self._create is None else self._create.node(is_shown=False),
            None if self._update is None else self._update.node(is_shown=False),
        )
