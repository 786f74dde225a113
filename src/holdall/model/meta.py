"""The one metaclass: it reads a class body, makes the struct, and gives each model a small metaclass of its own.

That one carries a property for each field, so ``Book.title`` is an expression while ``book.title`` stays a slot read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform, get_args, get_origin

import msgspec

from holdall.errors import DeclarationError
from holdall.model.adopted_body import adopt_into, adopting_model
from holdall.model.adoption import remember_adoption
from holdall.model.ancestry import ancestors_of, slot_of
from holdall.model.annotations import read_annotations, unwrap
from holdall.model.attributes import BackAttribute, OneBackAttribute, attribute_of
from holdall.model.called import checks_of, demand_callable
from holdall.model.construct import constructor
from holdall.model.contradictions import given_groups, refuse_contradictions, snake, stored_name
from holdall.model.declaration import Declaration
from holdall.model.decorators import Check, computed
from holdall.model.field import Field
from holdall.model.manager import Manager
from holdall.model.many import Many
from holdall.model.names import Names, module_around, names_around
from holdall.model.native import native_setattr
from holdall.model.options import MISSING, Declared, FieldOptions, Fill, back, field
from holdall.model.reference import Ref
from holdall.model.searchable import searchable
from holdall.model.state import Frozen
from holdall.model.stream import Stream, StreamAttribute, stream
from holdall.model.target import target_of
from holdall.model.tracking import Record
from holdall.model.trigger import Triggers
from holdall.model.types import type_of
from holdall.model.unknown import unknown_model_option
from holdall.model.write import setattr_of, writers
from holdall.query import AnyExpression, ManyForm

__all__ = ["ModelMeta"]

M = TypeVar("M")


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(field, back, stream))
class ModelMeta(Triggers, msgspec.StructMeta):
    """Makes models; see ``Model``."""

    __holdall__: Declaration

    def __new__(
        mcls,
        name: str,
        bases: tuple[type[Any], ...],
        namespace: dict[str, Any],
        *,
        abstract: bool = False,
        collection: str | None = None,
        table: str | None = None,
        schema: str | None = None,
        unique: Collection[Collection[str]] = (),
        search: Collection[str] | None = None,
        adopt: type[Any] | None = None,
        leave_out: Collection[str] = (),
        read_only: bool = False,
        **unknown: object,
    ) -> Record:
        """Make the model; raises DeclarationError for anything in the class body that cannot work."""
        for option in unknown:
            raise DeclarationError(unknown_model_option(name, option))
        names = names_around(name, namespace.get("__module__"), 1)
        adopted = None
        if adopt is not None:
            refuse = partial(_refuse_reserved, name, bases=bases)
            adopted = adopt_into(name, adopt, leave_out, namespace, names, refuse)
        body = _Body(name, bases, namespace, names)
        if read_only or body.is_read_only:
            body.freeze()
        parent = max(bases, key=lambda base: len(getattr(base, "__struct_fields__", ())))  # no other has slots
        inherited = getattr(parent, "__struct_fields__", ())
        meta: Any = mcls
        if not abstract:
            own = [field.name for field in body.fields if field.name not in inherited or field.name in body.own]
            meta = type(f"{name}Meta", (mcls,), {"__slots__": ()})
            body.prepare(namespace, inherited)
            body.place_attributes(namespace, parent)
        else:
            body.prepare(namespace, tuple(field.name for field in body.fields))
        cls = names.model = msgspec.StructMeta.__new__(meta, name, bases, namespace, eq=False)
        together = body.unique_together([*(adopted.unique if adopted else ()), *given_groups(name, unique)])
        declaration = Declaration(
            cls, collection or snake(name), body.ordered(cls), checks_of(body, abstract), body.computed, together
        )
        declaration.streams = tuple(body.streams)
        table, schema = (table or adopted.table, schema or adopted.namespace) if adopted else (table, schema)
        declaration.search = searchable(name, bases, body.fields, search)
        declaration.table = stored_name(f"{name}: table", table) if table is not None else ""
        declaration.namespace = stored_name(f"{name}: schema", schema) if schema is not None else body.namespace
        declaration.adopted, declaration.is_read_only = adopt, body.is_read_only
        declaration.own = (body.own, body.own_checks, body.own_computed)
        type.__setattr__(cls, "__holdall__", declaration)
        if not abstract:
            body.finish(cls, declaration)
            if adopt is not None:
                remember_adoption(adopt, cls)
            declaration.create = super(ModelMeta, cls).__call__
            meta.__call__ = constructor(declaration)
            if "__setattr__" not in namespace:
                written = setattr_of(writers(declaration))
                type.__setattr__(cls, "__setattr__", native_setattr(written, declaration.stored))
            for item in own:
                setattr(meta, item, _expression(item))
        return cls

    def __init__(cls, name: str, bases: tuple[type[Any], ...], namespace: dict[str, Any], **_: object) -> None:
        super().__init__(name, bases, namespace)

    @property
    def objects(cls: type[M]) -> Manager[M]:
        """The active-record look: ``await Book.objects.get(1)``."""
        return Manager(cls)

    def adopt(
        cls,
        source: type[object],
        *,
        name: str | None = None,
        collection: str | None = None,
        leave_out: Collection[str] = (),
    ) -> Any:
        """The model that stands for a class which SQLAlchemy maps to a table, but for the attributes in ``leave_out``.

        Raises DeclarationError, once for all that cannot be carried over. Example: :func:`adopting_model`.
        """
        return adopting_model(cls, source, name, module_around(1), collection=collection, leave_out=leave_out)

    if not TYPE_CHECKING:  # checkers make the constructor from the fields

        def __call__(cls, /, *args: object, **values: object) -> Any:
            """Abstract models have no records; each other model has a constructor of its own."""
            raise DeclarationError(f"{cls.__name__} is abstract: declare a model that derives from it")


class _Body:
    """A class body, read: the fields with those of the bases, the checks and the computed values."""

    def __init__(self, name: str, bases: tuple[type[Any], ...], namespace: dict[str, Any], names: Names) -> None:
        self.name = name
        self.own: dict[str, Field] = {}
        self.own_checks: dict[str, Check] = {}
        self.own_computed: dict[str, Callable[[Any], Any]] = {}
        self.fields: list[Field] = []
        self.checks: dict[str, Check] = {}
        self.computed: dict[str, Callable[[Any], Any]] = {}
        inherited: dict[str, Field] = {}
        self.together: list[tuple[str, ...]] = []
        self.streams: list[str] = []
        self.namespace: str | None = None
        self.is_read_only = False
        for ancestor in reversed(ancestors_of(name, bases)):
            declaration: Declaration = ancestor.__dict__["__holdall__"]
            fields, checks, values = declaration.own
            inherited |= fields
            self.checks |= checks
            self.computed |= values
            self.together += [group for group in declaration.unique if group not in self.together]
            self.streams += [name for name in declaration.streams if name not in self.streams]
            self.namespace = declaration.namespace
            self.is_read_only = self.is_read_only or declaration.is_read_only
        for field_name, annotation in read_annotations(name, namespace, names).items():
            _refuse_reserved(name, field_name, bases)
            given = namespace.pop(field_name, MISSING)
            if annotation is Stream:
                self.streams.append(field_name)
                namespace[field_name] = StreamAttribute(field_name)
                continue
            self.own[field_name] = _make_field(name, field_name, annotation, given, names)
        for item, value in list(namespace.items()):
            self._take(item, value, namespace, inherited)
        merged = {item: made.inherited_by(name) for item, made in inherited.items()} | self.own
        self.fields = list(merged.values())
        for private in ("__init__", "__post_init__", "__new__"):
            if private in namespace:
                raise DeclarationError(
                    f"{name}.{private}: a model makes its own; use a classmethod, a setter or @check"
                )

    def _take(self, item: str, value: object, namespace: dict[str, Any], inherited: dict[str, Field]) -> None:
        self.checks.pop(item, None)
        self.computed.pop(item, None)
        if isinstance(value, Check):
            self.checks[item] = self.own_checks[item] = value
            namespace[item] = demand_callable(f"{self.name}.{item}: a check", value.function, "self")
        elif isinstance(value, computed) and not isinstance(value, property):
            self.computed[item] = self.own_computed[item] = value.function
            namespace[item] = property(demand_callable(f"{self.name}.{item}: a computed value", value.function, "self"))
        elif isinstance(value, Declared) or item in inherited:
            raise DeclarationError(f"{self.name}.{item}: a field needs an annotation")

    def freeze(self) -> None:
        """Let no field of a stored record be written."""
        self.is_read_only = True
        for item in self.fields:
            item.frozen |= Frozen.UPDATE

    def prepare(self, namespace: dict[str, Any], inherited: tuple[str, ...]) -> None:
        """Leave in the namespace what the struct is made of: every new slot with None as its default."""
        new = [field.name for field in self.fields if field.is_stored and field.name not in inherited]
        namespace["__annotations__"] = dict.fromkeys(new, Any)
        namespace.pop("__annotate__", None)
        namespace.pop("__annotate_func__", None)
        namespace |= dict.fromkeys(new)

    def ordered(self, cls: Any) -> tuple[Field, ...]:
        """All fields: the stored ones in the order of the struct's slots, then the others."""
        by_name = {field.name: field for field in self.fields}
        slots = [by_name[name] for name in cls.__struct_fields__ if name in by_name]
        rest = [field for field in self.fields if field.name not in cls.__struct_fields__]
        return (*slots, *rest)

    def unique_together(self, groups: Collection[Collection[str]]) -> tuple[tuple[str, ...], ...]:
        """The groups of fields that are unique together; raises DeclarationError for a name that is no stored field."""
        stored = {field.name for field in self.fields if field.is_stored and field.form is None}
        found = [*self.together]
        for group in groups:
            names = (group,) if isinstance(group, str) else tuple(group)
            if not names or not stored.issuperset(names):
                raise DeclarationError(f"{self.name}: unique={names!r} must name fields that are stored here")
            found.append(names)
        return tuple(dict.fromkeys(found))

    def place_attributes(self, namespace: dict[str, Any], parent: Any) -> None:
        """Put into the namespace the attributes of fields that need no slot of this class."""
        for item in self.fields:
            if item.form is ManyForm.BACK:
                namespace[item.name] = (OneBackAttribute if item.is_single else BackAttribute)(item.name, item.target)
            elif item.name in self.own and item.name in getattr(parent, "__struct_fields__", ()):
                namespace[item.name] = attribute_of(item, slot_of(parent, item.name))

    def finish(self, cls: Any, declaration: Declaration) -> None:
        """Bind each field to its slot and put references' attributes in front of theirs.

        Comes before the metaclass has its properties, which would stand in the way of setting class attributes.
        """
        for item in declaration.stored:
            slot = slot_of(cls, item.name)
            item.bind(slot)
            item.check_default()
            attribute = attribute_of(item, slot)
            if attribute is not slot and cls.__dict__.get(item.name) is slot:
                type.__setattr__(cls, item.name, attribute)


def _make_field(model: str, name: str, annotation: object, given: object, names: Names) -> Field:
    options = given.options if isinstance(given, Declared) else FieldOptions(default=given)
    where = f"{model}.{name}"
    inner, extra = unwrap(annotation)
    origin, args = get_origin(inner), get_args(inner)
    is_plain_many = origin in (tuple, frozenset) and bool(args) and get_origin(args[0]) is Ref
    if origin not in (Ref, Many) and not is_plain_many:
        if options.back is not None:
            raise DeclarationError(f"{where}: back(...) belongs to a Many[...] or a Ref[...]")
        made = Field(model, name, annotation, type_of(annotation, where, options.codec), options)
    else:
        made = Field(model, name, annotation, None, options)
        made.rules += tuple(rule for rule in extra if hasattr(rule, "holds"))
        made.target = target_of(get_args(args[0])[0] if is_plain_many else args[0], names)
        is_computed = options.back is not None and options.fill is Fill.COMPUTED
        if origin is Many:
            kept = ManyForm.LIST if options.ordered else ManyForm.SET
            made.form = ManyForm.BACK if is_computed else kept
        elif origin is Ref and options.back is not None:
            made.is_single = True
            made.form = ManyForm.BACK if is_computed else None
            if not made.target.nullable:
                raise DeclarationError(f"{where}: nothing may refer here, so write Ref[{made.target.name} | None]")
        elif is_plain_many:
            made.form = ManyForm.LIST if origin is tuple else ManyForm.SET
            made.container = origin
    refuse_contradictions(where, made)
    return made


def _expression(name: str) -> Any:
    def read(cls: Any) -> AnyExpression:
        found: AnyExpression = cls.__holdall__.expression(name)
        return found

    return property(read)


def _refuse_reserved(model: str, name: str, bases: tuple[type[Any], ...]) -> None:
    root = next((base for base in reversed(ancestors_of(model, bases))), None)
    if name.startswith("__"):
        raise DeclarationError(f"{model}.{name}: names that start with two underscores are kept for Python")
    if name in ModelMeta.__dict__ or hasattr(type, name) or (root is not None and name in root.__dict__):
        raise DeclarationError(f"{model}.{name}: every model has a {name} of its own; choose another name")
