"""Field types: how values of one annotation are checked, and what they are at the border."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from holdall.errors import FieldError
from holdall.model.names import Annotation
from holdall.model.rules import Rule
from holdall.query import Kind, Value

__all__ = ["Admit", "FieldType"]


Admit = Callable[[Any, str, list[FieldError]], Any]


class FieldType(msgspec.Struct, frozen=True):
    """The check and the conversions of values of one annotation.

    ``validate(value, path, errors)`` gives the adjusted value and appends what is wrong with it. ``encode`` and
    ``decode`` lead to the border value and back; None where both are the same. ``None`` is never passed to them.
    ``fast`` is Python source, see ``scalars``; ``scalar`` is the class it speaks of.
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
