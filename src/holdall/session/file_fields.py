"""The fields with files of a collection, each with a file store that is there."""

from __future__ import annotations

from holdall.errors import DeclarationError
from holdall.files import BlobFile, File, FileCodec, Shelf
from holdall.files.pictures import demand_pillow
from holdall.model import Field
from holdall.session.binding import Binding

__all__ = ["file_fields_of", "files_of", "holds_several", "rule_of"]

_LISTS = (list[File], list[BlobFile])


def file_fields_of(binding: Binding, shelf: Shelf) -> tuple[Field, ...]:
    """The fields with files. Raises DeclarationError for one that holds several, or that lacks its file store or
    what makes its thumbnails."""
    found = tuple([field for field in binding.declaration.stored if isinstance(field.options.codec, FileCodec)])
    for field in found:
        where = f"{field.model}.{field.name}"
        kind = None if field.type is None else field.type.annotation
        if kind not in (File, BlobFile) and kind not in _LISTS:
            raise DeclarationError(f"{where}: a field holds one File, or None, or a list[File]")
        if kind in _LISTS and rule_of(field).thumbnails.names:
            raise DeclarationError(
                f"{where}: thumbnails are of a field with one File; keep several as records of their own"
            )
        try:
            shelf.named(rule_of(field).store)
            if rule_of(field).thumbnails.names:
                demand_pillow()
        except DeclarationError as error:
            raise DeclarationError(f"{where}: {error}") from error
    return found


def files_of(value: object) -> list[File]:
    """Return the Files in a slot: one, those of a list, or none. Example: :func:`holdall.file`."""
    if isinstance(value, list):
        return [each for each in value if isinstance(each, File)]
    return [value] if isinstance(value, File) else []


def holds_several(field: Field) -> bool:
    """Whether a field holds a list of Files. Example: :func:`holdall.file`."""
    return field.type is not None and field.type.annotation in _LISTS


def rule_of(field: Field) -> FileCodec:
    """Return the rule of a field with files. Example: :func:`holdall.file`."""
    rule = field.options.codec
    assert isinstance(rule, FileCodec)
    return rule
