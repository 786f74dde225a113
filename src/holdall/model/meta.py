"""The one metaclass: it reads a class body, makes the struct, and gives each model a small metaclass of its own.

That one carries a property for each field, so ``Book.title`` is an expression while ``book.title`` stays a slot read.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

import msgspec

from holdall.errors import DeclarationError
from holdall.model.adopted_body import adopt_into, adopting_model
from holdall.model.adoption import remember_adoption
from holdall.model.ancestry import ancestors_of
from holdall.model.called import checks_of
from holdall.model.class_body import ClassBody
from holdall.model.construct import constructor
from holdall.model.contradictions import given_groups, snake, stored_name
from holdall.model.declaration import Declaration
from holdall.model.manager import Manager
from holdall.model.names import module_around, names_around
from holdall.model.native import native_setattr
from holdall.model.options import back, field
from holdall.model.searchable import searchable
from holdall.model.stream import stream
from holdall.model.tracking import Record
from holdall.model.trigger import Triggers
from holdall.model.unknown import unknown_model_option
from holdall.model.write import setattr_of, writers
from holdall.query import AnyExpression

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
        refuse = partial(_refuse_reserved, name, bases=bases)
        adopted = None
        if adopt is not None:
            adopted = adopt_into(name, adopt, leave_out, namespace, names, refuse)
        body = ClassBody(name, bases, namespace, names, refuse)
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
            _equip(cls, declaration, own, has_own_write="__setattr__" in namespace)
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


def _equip(cls: Any, declaration: Declaration, names: list[str], *, has_own_write: bool) -> None:
    """Give a model its constructor, the write of its fields, and expressions for those of these names."""
    meta: Any = type(cls)
    declaration.create = super(ModelMeta, cls).__call__
    meta.__call__ = constructor(declaration)
    if not has_own_write:
        written = setattr_of(writers(declaration))
        type.__setattr__(cls, "__setattr__", native_setattr(written, declaration.stored))
    for name in names:
        setattr(meta, name, _expression(name))


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
