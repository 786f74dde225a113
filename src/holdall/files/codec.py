"""How a File is kept in its field, and what JSON shows of it: nothing by which its content is found."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from holdall.errors import DeclarationError, FieldError
from holdall.files.attribute import FileAttribute
from holdall.files.body import Body
from holdall.files.facts import StoredFile
from holdall.files.file import BlobFile, File
from holdall.files.media import UNKNOWN, fits
from holdall.files.names import clean_name
from holdall.files.shelf import INSIDE
from holdall.files.source import size_of
from holdall.files.thumbnails import Thumbnails
from holdall.model import Codec, FieldType, register_codec
from holdall.query import Value

__all__ = ["FileCodec", "shown_file"]

_TYPE = re.compile(r"\*/\*|[a-z0-9][a-z0-9!#$&^_.+-]*/(\*|[a-z0-9][a-z0-9!#$&^_.+-]*)")
_MOST_META, _LONGEST_META = 50, 1_000
_CLEAN = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]*")
_HIDDEN = "key"

Admit: TypeAlias = Callable[[Value, str, list[FieldError]], Value]
Inside: TypeAlias = Callable[[str], tuple[str | int, FieldType]]

_SCHEMA: dict[str, Value] = {
    "type": "object",
    "title": "File",
    "description": "a file; its content is read and written at the path of this field below that of the record",
    "properties": {
        "name": {"type": "string", "maxLength": 255},
        "size": {"type": "integer", "minimum": 0, "description": "in bytes"},
        "type": {"type": "string", "description": "media type, by content"},
        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "created": {"type": "string", "format": "date-time"},
        "meta": {"type": "object", "additionalProperties": {"type": "string", "maxLength": _LONGEST_META}},
    },
    "required": ["name", "size", "type", "sha256", "created", "meta"],
    "additionalProperties": False,
}


class FileCodec(Codec[File, StoredFile]):
    """The codec of one field: which file store it uses, which types and sizes it takes, which thumbnails it has.

    Example: :func:`file`.
    """

    def __init__(
        self, store: str, types: Collection[str], max_size: int, thumbnails: Thumbnails, *, is_inside: bool
    ) -> None:
        for name in types:
            if _TYPE.fullmatch(name) is None:
                raise DeclarationError(f"file(types=...) takes media types as 'image/png' or 'image/*', not {name!r}")
        given: object = max_size
        if isinstance(given, bool) or not isinstance(given, int) or given < 0:
            raise DeclarationError("file(max_size=...) takes a number of bytes, such as 5 * MiB")
        super().__init__(
            BlobFile if is_inside else File,
            StoredFile,
            encode=_encoded,
            decode=self._decoded,
            mutable=False,
            to_json=shown_file,
            from_json=self._claimed,
            schema=_SCHEMA,
        )
        self.store = INSIDE if is_inside else store
        self.types = tuple(types)
        self.max_size = max_size
        self.thumbnails = thumbnails

    def takes(self, media_type: str) -> bool:
        """Whether the field takes contents of this type."""
        return not self.types or any(fits(media_type, wanted) for wanted in self.types)

    def keys(self, facts: StoredFile) -> list[str]:
        """Return the keys of a content and of its thumbnails, whether these were made or not."""
        return [facts.key, *self.thumbnails.keys(facts)]

    def completed(self, made: FieldType, kept: FieldType, where: str) -> FieldType:
        """The field type with what is special about files: pending ones are admitted, parts are asked for by name."""
        return msgspec.structs.replace(
            made,
            validate=self._validated,
            attribute=FileAttribute,
            inside=_without_key(kept.inside),
        )

    def _validated(self, value: object, path: str, errors: list[FieldError]) -> Value:
        """The File as it lies in its slot, of no record; a pending one is checked as far as it can be."""
        if not isinstance(value, File):
            errors.append(FieldError(path, "type", f"must be a {self.name}: {self.name}(content, name=...)"))
            return value
        body = value.body
        if body.facts is None:
            size = None if body.content is None else size_of(body.content)
            if size is not None and size > self.max_size:
                errors.append(FieldError(path, "too_large", f"must have at most {self.max_size} bytes"))
            _demand_meta(body.meta, path, errors)
        return self.type.of(body)

    def _decoded(self, kept: StoredFile) -> File:
        return self.type.of(Body(facts=kept, origin=self.store))

    def _claimed(self, given: Value) -> File:
        """The File that a client describes; a commit sees whether that is the one which is there."""
        if not isinstance(given, dict) or not given.keys() <= _SCHEMA["properties"].keys():
            raise ValueError("no file")
        name, meta = given.get("name", ""), given.get("meta", {})
        errors: list[FieldError] = []
        _demand_meta(meta, "meta", errors)
        if not isinstance(name, str) or errors:
            raise ValueError("no file")
        return self.type.of(Body(name=clean_name(name), meta=meta, claims=dict(given)))


_NOT_YET = datetime(1970, 1, 1, tzinfo=UTC)


def _encoded(value: File) -> StoredFile:
    """The kept form of a file; of one that is pending, one for the rules of policies, before a commit keeps it."""
    facts = value.body.facts
    return StoredFile("", 0, UNKNOWN, "", _NOT_YET, value.name, value.meta) if facts is None else facts


def shown_file(value: File) -> dict[str, Value]:
    """Return what clients see: all but the key. Example: :func:`file`."""
    facts = value.body.facts
    if facts is None:
        return {"name": value.name, "meta": value.meta}
    return {
        "name": facts.name,
        "size": facts.size,
        "type": facts.type,
        "sha256": facts.sha256,
        "created": msgspec.to_builtins(facts.created),
        "meta": facts.meta,
    }


def _without_key(inside: Inside | None) -> Inside | None:
    """The parts that conditions may ask for."""
    if inside is None:
        return None

    def found(name: str) -> tuple[str | int, FieldType]:
        if name == _HIDDEN:
            raise LookupError(name)
        return inside(name)

    return found


def _demand_meta(meta: object, path: str, errors: list[FieldError]) -> None:
    pairs = meta.items() if isinstance(meta, dict) else [(None, None)]
    texts: list[Value] = [each for pair in pairs for each in pair]
    if not all(isinstance(each, str) and _CLEAN.fullmatch(each) for each in texts):
        errors.append(FieldError(path, "meta", "must have meta of text by name, without control characters"))
    elif len(texts) > 2 * _MOST_META or any(len(each) > _LONGEST_META for each in texts):
        errors.append(
            FieldError(path, "meta", f"must have at most {_MOST_META} entries of meta, of {_LONGEST_META} characters")
        )


class _Undeclared(Codec[File, StoredFile]):
    """The codec of Files in fields that do not say where these lie."""

    def completed(self, made: FieldType, kept: FieldType, where: str) -> FieldType:
        name = self.name
        given = "file(...)" if name == "BlobFile" else "file('covers', ...)"
        raise DeclarationError(
            f"{where}: a {name} is declared by {given}: {where.rpartition('.')[2]}: {name} = {given}"
        )


for _kind in (File, BlobFile):
    register_codec(_Undeclared(_kind, StoredFile, encode=_encoded, decode=lambda kept: File.of(Body(facts=kept))))
