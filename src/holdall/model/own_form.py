"""The way to JSON and back of values that msgspec alone cannot write and read, and the JSON schema of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from holdall.model.names import Annotation
from holdall.query import Json, Value

__all__ = ["JsonSchema", "OwnForm", "Schemas", "Tag"]

JsonSchema = dict[str, Value]
"""A JSON Schema (2020-12)."""


class Schemas(Protocol):
    """Puts the JSON schemas of values together.

    Example: :class:`Codec`.
    """

    def of_annotation(self, annotation: Annotation) -> JsonSchema:
        """The schema of values that msgspec knows."""

    def named(self, name: str, make: Callable[[], JsonSchema]) -> JsonSchema:
        """A reference to the schema of this name, which is made where it is not there yet."""


class Tag(msgspec.Struct, frozen=True):
    """The member of an object, and its values, that tell objects of one class from those of others."""

    member: str
    values: frozenset[str | int]


class OwnForm(msgspec.Struct, frozen=True):
    """How values look in JSON where msgspec does not say it. None is never passed to any of these.

    ``keep`` gives JSON builtins, as stores keep them inside a JSON value, and ``take`` the value again; ``show`` gives
    what clients see, in anything that msgspec can encode. ``schema`` is that of what clients see. ``types`` are the
    JSON types that ``keep`` may give and ``tag`` what distinguishes an object, both for unions.

    >>> from ipaddress import IPv4Address
    >>> class Host(Model):
    ...     id: int = field(pk=True)
    ...     addresses: list[IPv4Address]
    >>> Host.__holdall__.by_name["addresses"].type.own.keep([IPv4Address("10.0.0.1")])
    ['10.0.0.1']
    """

    keep: Callable[[Value], Json]
    take: Callable[[Value], Value]
    show: Callable[[Value], object]
    schema: Callable[[Schemas], JsonSchema]
    types: frozenset[str]
    tag: Tag | None = None
