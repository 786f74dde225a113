"""Fields of which a model has at most one: its version, and the moment at which a record was deleted."""

from __future__ import annotations

from holdall.errors import DeclarationError
from holdall.model.field import Field
from holdall.query import Kind

__all__ = ["deletion_of", "version_of"]


def version_of(model: str, fields: tuple[Field, ...]) -> Field | None:
    """The field that counts commits. Raises DeclarationError for several, or one that is no int."""
    versions = [field for field in fields if field.options.version]
    if len(versions) > 1 or any(field.kind is not Kind.INT for field in versions):
        raise DeclarationError(f"{model}: at most one field can be the version, and it is an int")
    return versions[0] if versions else None


def deletion_of(model: str, stamps: tuple[Field, ...]) -> Field | None:
    """The field that tells when a record was deleted. Raises DeclarationError for several, or a user without one."""
    moments = [field for field in stamps if field.options.auto_now == "delete"]
    if len(moments) > 1 or (not moments and any(field.options.stamped_on == "delete" for field in stamps)):
        raise DeclarationError(f'{model}: one field says when a record was deleted, with auto_now="delete"')
    return moments[0] if moments else None
