"""The type of fields that hold ObjectIds: text of 24 hexadecimal digits, which MongoDB keeps as a type of its own."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from holdall.query import OBJECT_ID, Json, is_object_id

__all__ = ["IsObjectId", "ObjectId"]


class IsObjectId(msgspec.Struct, frozen=True):
    """The text of an ObjectId; a field with this rule is an ObjectId in MongoDB.

    >>> IsObjectId().holds("65f0c0ffee0123456789abcd"), IsObjectId().holds("65f0")
    (True, False)
    """

    code = "object_id"

    def holds(self, value: object) -> bool:
        """Whether the value keeps the rule."""
        return is_object_id(value)

    def describe(self) -> str:
        """The rule as the end of a sentence."""
        return "must be an ObjectId: 24 hexadecimal digits in lower case"

    def json_schema(self) -> dict[str, Json]:
        """The rule in JSON Schema's words."""
        return {"pattern": f"^{OBJECT_ID}$"}


ObjectId: TypeAlias = Annotated[str, IsObjectId()]
"""The type of a field that holds one of MongoDB's ObjectIds, as text: ``"65f0c0ffee0123456789abcd"``.

MongoDB keeps it as an ObjectId, every other store as text. ``field(pk=True, generated=True)`` lets the session make the
key, as MongoDB's own drivers do.

>>> from holdall import Model, ObjectId, field
>>> class Order(Model):
...     id: ObjectId = field(pk=True, generated=True)
...     customer: ObjectId
>>> Order(id="65f0c0ffee0123456789abcd", customer="65f0c0ffee0123456789abce").id
'65f0c0ffee0123456789abcd'
"""
