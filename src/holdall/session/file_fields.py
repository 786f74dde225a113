"""The fields with files of a collection, each with a file store that is there."""

from __future__ import annotations

from holdall.errors import DeclarationError
from holdall.files import BlobFile, File, FileCodec, Shelf
from holdall.files.pictures import demand_pillow
from holdall.model import Field
from holdall.session.binding import Binding

__all__ = ["file_fields_of", "rule_of"]


def file_fields_of(binding: Binding, shelf: Shelf) -> tuple[Field, ...]:
    """The fields with files. Raises DeclarationError for one that holds several, or that lacks its file store or
    what makes its thumbnails."""
    found = tuple([field for field in binding.declaration.stored if isinstance(field.options.codec, FileCodec)])
    for field in found:
        where = f"{field.model}.{field.name}"
        if field.type is None or field.type.annotation not in (File, BlobFile):
            raise DeclarationError(f"{where}: a field holds one File, or None; keep several as records of their own")
        try:
            shelf.named(rule_of(field).store)
            if rule_of(field).thumbnails.names:
                demand_pillow()
        except DeclarationError as error:
            raise DeclarationError(f"{where}: {error}") from error
    return found


def rule_of(field: Field) -> FileCodec:
    """Return the rule of a field with files. Example: :func:`holdall.file`."""
    rule = field.options.codec
    assert isinstance(rule, FileCodec)
    return rule
