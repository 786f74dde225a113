"""UUIDs of subtype 3, their bytes in the order of an old driver."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from bson.binary import OLD_UUID_SUBTYPE, Binary, UuidRepresentation

from holdall.stores.mongo.collection import UuidForm
from holdall.stores.mongo.errors import Misfit

__all__ = ["legacy_uuids"]


def legacy_uuids(form: UuidForm) -> tuple[Callable[[UUID], Binary], Callable[[Binary], UUID], bool]:
    """How UUIDs are written and read in this form, and whether their bytes sort as they do. Reading raises Misfit."""
    representation: int = getattr(UuidRepresentation, form.upper())

    def encode(value: UUID) -> Binary:
        return Binary.from_uuid(value, representation)

    def decode(stored: Binary) -> UUID:
        if stored.subtype != OLD_UUID_SUBTYPE or len(stored) != 16:
            raise Misfit(f"is stored as a binary value of subtype {stored.subtype}")
        return stored.as_uuid(representation)

    return encode, decode, form == "python_legacy"
