"""Field types: how values of one annotation are checked, and what they are at the border."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from holdall.errors import FieldError
from holdall.model.names import Annotation
from holdall.model.own_form import OwnForm
from holdall.model.reference_place import ReferencePlace
from holdall.model.rules import Rule
from holdall.query import Asked, Kind, Value

__all__ = ["Admit", "FieldType"]


Admit = Callable[[Any, str, list[FieldError]], Any]


class FieldType(msgspec.Struct, frozen=True):
    """The check and the conversions of values of one annotation.

    ``validate(value, path, errors)`` gives the adjusted value and appends what is wrong with it; ``read`` does the same
    for a value of JSON. ``encode`` and ``decode`` lead to the border value and back; None where both are the same.
    ``None`` is never passed to them. ``fast`` is Python source, see ``scalars``; ``scalar`` is the class it speaks of.
    ``own`` is the way to JSON where msgspec does not know it. ``is_kept_otherwise`` if rules speak of the border value.
    ``inside(name)`` gives the place in JSON, and the type, of a part; it raises LookupError for none.
    ``attribute(slot, name)`` makes the descriptor of a field of this type, where its slot is not read as it is.
    ``references`` are the places of references inside the values.

    Example: :class:`Codec`.
    """

    annotation: Annotation
    kind: Kind
    validate: Admit
    nullable: bool = False
    scalar: type[Any] | None = None
    fast: str | None = None
    encode: Callable[[Any], Any] | None = None
    decode: Callable[[Any], Any] | None = None
    is_mutable: bool = False
    choices: tuple[Value, ...] | None = None
    rules: tuple[Rule, ...] = ()
    read: Admit | None = None
    own: OwnForm | None = None
    asked: Asked = Asked.ORDER
    is_kept_otherwise: bool = False
    inside: Callable[[str], tuple[str | int, FieldType]] | None = None
    attribute: Callable[[Any, str], Any] | None = None
    references: tuple[ReferencePlace, ...] = ()
