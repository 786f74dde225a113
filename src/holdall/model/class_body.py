"""The body of a model's class, read before the class is made: its fields, checks and computed values."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, get_args, get_origin

from holdall.errors import DeclarationError
from holdall.model.ancestry import ancestors_of, slot_of
from holdall.model.annotations import read_annotations, unwrap
from holdall.model.attributes import BackAttribute, OneBackAttribute, attribute_of
from holdall.model.called import demand_callable
from holdall.model.contradictions import refuse_contradictions
from holdall.model.declaration import Declaration
from holdall.model.decorators import Check, computed
from holdall.model.field import Field
from holdall.model.many import Many
from holdall.model.names import Names
from holdall.model.options import MISSING, Declared, FieldOptions, Fill
from holdall.model.reference import Ref
from holdall.model.state import Frozen
from holdall.model.stream import Stream, StreamAttribute
from holdall.model.target import target_of
from holdall.model.types import type_of
from holdall.query import ManyForm

__all__ = ["ClassBody"]


class ClassBody:
    """The body of a model's class, read: its fields with those of the bases, its checks and its computed values.

    The ``namespace`` loses what was read. ``refuse`` raises DeclarationError for the name of a field that
    no model may have. Raises DeclarationError for what cannot work. Example: :class:`Declaration`.
    """

    def __init__(
        self,
        name: str,
        bases: tuple[type[Any], ...],
        namespace: dict[str, Any],
        names: Names,
        refuse: Callable[[str], None],
    ) -> None:
        self.name = name
        self.own: dict[str, Field] = {}
        self.own_checks: dict[str, Check] = {}
        self.own_computed: dict[str, Callable[[Any], Any]] = {}
        self.fields: list[Field] = []
        self.checks: dict[str, Check] = {}
        self.computed: dict[str, Callable[[Any], Any]] = {}
        self.together: list[tuple[str, ...]] = []
        self.streams: list[str] = []
        self.namespace: str | None = None
        self.is_read_only = False
        inherited = self._inherit(ancestors_of(name, bases))
        for field_name, annotation in read_annotations(name, namespace, names).items():
            refuse(field_name)
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

    def _inherit(self, ancestors: list[Any]) -> dict[str, Field]:
        """Take over all that the bases declare; return their fields, which the body may declare anew."""
        inherited: dict[str, Field] = {}
        for ancestor in reversed(ancestors):
            declaration: Declaration = ancestor.__dict__["__holdall__"]
            fields, checks, values = declaration.own
            inherited |= fields
            self.checks |= checks
            self.computed |= values
            self.together += [group for group in declaration.unique if group not in self.together]
            self.streams += [name for name in declaration.streams if name not in self.streams]
            self.namespace = declaration.namespace
            self.is_read_only = self.is_read_only or declaration.is_read_only
        return inherited

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
