"""The options of fields in a class body: ``field(...)`` and ``back(...)``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import Any, Literal, TypeVar, overload

import msgspec

from holdall.errors import DeclarationError
from holdall.model.reference_options import Fill, OnDelete
from holdall.model.rules import Digits, Ge, Gt, Le, Length, Lt, OneOf, Pattern, Rule
from holdall.model.state import Frozen
from holdall.model.transitions import Transitions
from holdall.model.unknown import unknown_field_option
from holdall.model.value_codec import AnyCodec
from holdall.query import LinkTable, NestedName, Value

__all__ = ["MISSING", "Declared", "FieldOptions", "Fill", "OnDelete", "back", "field"]

F = TypeVar("F", bound=Callable[..., Any])


class _Missing(Enum):
    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing.MISSING
"""No value was given; None is a value."""


class FieldOptions(msgspec.Struct, frozen=True):
    """The options of one field, as the class body gave them."""

    pk: bool = False
    default: Value = MISSING
    default_factory: Callable[[], Any] | None = None
    init: bool = True
    repr: bool = True
    frozen: Frozen = Frozen.NEVER
    setter: Callable[[Any, Any], Any] | None = None
    type_check: bool = True
    coerce: bool = False
    depends_on: bool | None = None
    generated: bool = False
    unique: bool = False
    index: bool = False
    version: bool = False
    server_default: bool = False
    server_computed: bool = False
    auto_now: Literal["create", "write", "delete"] | None = None
    auto_user: Literal["create", "write", "delete"] | None = None
    transitions: Transitions | None = None
    rules: tuple[Rule, ...] = ()
    back: str | None = None
    fill: Fill = Fill.COMPUTED
    on_delete: OnDelete | None = None
    description: str = ""
    column: str | tuple[str, ...] = ()
    link: LinkTable | None = None
    labels: tuple[str, ...] = ()
    ordered: bool = True
    codec: AnyCodec | None = None

    @property
    def is_given_elsewhere(self) -> bool:
        """Whether the value comes from the session or the store where none is given."""
        is_of_server = self.server_default or self.server_computed
        return self.generated or self.version or is_of_server or self.stamped_on is not None

    @property
    def stamped_on(self) -> Literal["create", "write", "delete"] | None:
        """When a commit gives the field its moment or its user; None if never."""
        return self.auto_now or self.auto_user

    @property
    def columns(self) -> tuple[str, ...]:
        """The names under which the field is stored; empty where they are its own."""
        return (self.column,) if isinstance(self.column, str) else tuple(self.column)


class Declared:
    """The value of ``field`` and ``back`` in the class body: the options, and ``@age.setter`` to add to them."""

    __slots__ = ("options",)

    def __init__(self, options: FieldOptions) -> None:
        self.options = options

    def setter(self, function: F) -> F:
        """Use a method as the setter of this field."""
        self.options = msgspec.structs.replace(self.options, setter=function)
        return function


@overload
def field(
    *,
    generated: Literal[True],
    init: Literal[False] = False,
    pk: bool = ...,
    frozen: Frozen = ...,
    repr: bool = ...,
    unique: bool = ...,
    index: bool = ...,
    description: str = ...,
    column: str | tuple[str, ...] = ...,
) -> Any: ...
@overload
def field(
    *,
    generated: Literal[True],
    default: None,
    init: Literal[True] = True,
    pk: bool = ...,
    frozen: Frozen = ...,
    repr: bool = ...,
    unique: bool = ...,
    index: bool = ...,
    description: str = ...,
    column: str | tuple[str, ...] = ...,
) -> Any: ...
@overload
def field(
    *,
    auto_now: Literal["create", "write", "delete"],
    init: Literal[False] = False,
    repr: bool = ...,
    frozen: Frozen = ...,
    index: bool = ...,
    description: str = ...,
    column: str | tuple[str, ...] = ...,
) -> Any: ...
@overload
def field(*, auto_user: Literal["create", "write", "delete"], init: Literal[False] = False, **options: Any) -> Any: ...
@overload
def field(*, server_default: Literal[True], default: None, init: Literal[True] = True, **options: Any) -> Any: ...
@overload
def field(*, server_default: Literal[True], init: Literal[False] = False, **options: Any) -> Any: ...
@overload
def field(*, server_computed: Literal[True], init: Literal[False] = False, **options: Any) -> Any: ...
@overload
def field(
    *,
    version: Literal[True],
    init: Literal[False] = False,
    repr: bool = ...,
    description: str = ...,
    column: str | tuple[str, ...] = ...,
) -> Any: ...
@overload
def field(
    *,
    pk: bool = ...,
    default: object = ...,
    default_factory: Callable[[], Any] | None = ...,
    init: bool = True,
    repr: bool = ...,
    frozen: Frozen = ...,
    setter: Callable[[Any, Any], Any] | None = ...,
    type_check: bool = ...,
    coerce: bool = ...,
    depends_on: bool | None = ...,
    unique: bool = ...,
    index: bool = ...,
    ge: object = ...,
    gt: object = ...,
    le: object = ...,
    lt: object = ...,
    length: tuple[int, int | None] | None = ...,
    pattern: str | None = ...,
    one_of: Collection[Any] | None = ...,
    digits: int | None = ...,
    places: int | None = ...,
    on_delete: OnDelete = ...,
    description: str = ...,
    column: str | tuple[str, ...] = ...,
    link: LinkTable | None = ...,
    labels: tuple[str, ...] = ...,
    ordered: bool = ...,
    codec: AnyCodec | None = ...,
    transitions: Mapping[Any, Collection[Any]] | None = ...,
) -> Any: ...
def field(
    *,
    ge: object = None,
    gt: object = None,
    le: object = None,
    lt: object = None,
    length: tuple[int, int | None] | None = None,
    pattern: str | None = None,
    one_of: Collection[Any] | None = None,
    digits: int | None = None,
    places: int | None = None,
    **options: Any,
) -> Any:
    """Declare a field with more than its annotation says. Raises DeclarationError where options contradict each other.

    - ``pk`` makes the field (part of) the key. ``generated`` lets the store make an int or str key, or the session a
      UUIDv7 (RFC 9562) for a UUID key or an ObjectId; with ``default=None``, checkers let the constructor take it, too.
    - ``default`` is a constant, ``default_factory`` is called for each record. With ``init=False`` the constructor does
      not take the field; ``frozen`` says when it may not be written.
    - ``setter(record, value)`` returns the value to keep, after the type check and before the rules.
      ``type_check=False`` leaves the type unchecked; ``coerce=True`` converts what can be ("7" for an int, ISO text for
      a date).
    - ``ge gt le lt`` bound numbers, text, dates and durations; ``length`` is a pair (minimum, maximum or None);
      ``pattern`` must match the whole text; ``one_of`` lists the choices; ``digits`` and ``places`` bound a Decimal as
      SQL's NUMERIC does.
    - ``unique`` and ``index`` are kept by the store. ``version=True`` counts the record's commits and guards against
      lost updates. ``auto_now`` stamps a datetime or date with the moment of a commit: ``"create"`` of the record's
      first, if it has no value, ``"write"`` of each, ``"delete"`` of its removal, after which it stays: see
      ``SoftDeleted``. ``auto_user`` does so with the id of the session's user.
    - ``transitions`` maps each value to those that may follow, and None to those with which a new record may begin.
    - ``server_default=True`` leaves the value to the default of the store's column where none is given;
      ``server_computed=True`` is for what the database makes of each write: a generated column, a trigger. Both are
      read back by the commit that writes the record.
    - ``column`` names where the field is stored, if not under its own name: a column of a table, a key of a document, a
      field of a hash, a member of an object. A reference to a key of several fields takes a tuple of columns. ``link``
      names the table, and its columns, in which an SQL database keeps a list of references. ``labels`` are the texts it
      keeps instead of an Enum's values, in the order of the members. ``ordered=False`` keeps a Many without an order.
    - ``codec`` says how values of a class of one's own are kept, wherever the annotation has it: see ``Codec``.
    - ``depends_on=False`` leaves a reference out of the commit order. ``on_delete`` of a reference says what happens to
      this record when the one that the field refers to is removed; without it, the removal is refused.

    >>> from holdall import Model, field
    >>> class Book(Model):
    ...     id: int = field(pk=True, ge=1)
    ...     pages: int = field(default=0, ge=0)
    >>> Book(id=1).pages
    0
    """
    rules: list[Rule] = [rule(bound) for rule, bound in ((Ge, ge), (Gt, gt), (Le, le), (Lt, lt)) if bound is not None]
    if length is not None:
        rules.append(Length(*length))
    if pattern is not None:
        rules.append(Pattern(pattern))
    if one_of is not None:
        rules.append(OneOf.of(one_of))
    if digits is not None or places is not None:
        rules.append(Digits(digits, places))
    if unknown := options.keys() - set(FieldOptions.__struct_fields__):
        raise DeclarationError(unknown_field_option(min(unknown), _known()))
    if options.get("transitions") is not None:
        options["transitions"] = Transitions.of(options["transitions"])
    declared = FieldOptions(rules=tuple(rules), **options)
    if declared.default is not MISSING and declared.default_factory is not None:
        raise DeclarationError("a field takes a default or a default_factory, not both")
    return Declared(declared)


def _known() -> set[str]:
    known = {*inspect.signature(field).parameters, *FieldOptions.__struct_fields__}
    return known - {"options", "rules", "back", "fill"}


def back(
    field: str,
    *,
    init: Literal[False] = False,
    fill: Fill = Fill.COMPUTED,
    on_delete: OnDelete | None = None,
    description: str = "",
    column: str | None = None,
    link: LinkTable | None = None,
) -> Any:
    """Declare the other end of a reference: the records whose ``field``, a Ref or a Many, points here. Of a reference
    inside a value it is the path: ``back("address.city")``, ``back("lines.product")``.

    A ``Many["Book"]`` of any number, a ``Ref["Passport | None"]`` of at most one. ``fill`` says where its records come
    from. ``on_delete`` says what happens to them when this record is removed; without it here and at ``field``, the
    removal is refused while there are any. ``column`` and ``link`` are those of ``field``, where they are stored.

    >>> from holdall import Many, Model, Ref, field
    >>> class Author(Model):
    ...     id: int = field(pk=True)
    ...     books: Many["Book"] = back("author")
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     author: Ref[Author]
    >>> ursula = Author(id=1)
    >>> Book(id=7, author=ursula) in ursula.books
    Traceback (most recent call last):
    holdall.errors.NotLoaded: Author.books is not loaded; await it, or session.load([record], Author.books) first
    """
    return Declared(
        FieldOptions(
            back=NestedName(field) if "." in field else field,
            init=init,
            fill=fill,
            on_delete=on_delete,
            description=description,
            column=column or (),
            link=link,
        )
    )
