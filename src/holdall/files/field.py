"""Fields with files: ``cover: File | None = file("covers", types=["image/*"], max_size=5 * MiB)``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches

from holdall.errors import DeclarationError
from holdall.files.codec import FileCodec
from holdall.files.thumbnails import Thumbnails
from holdall.model import field
from holdall.query import Value

__all__ = ["GiB", "KiB", "MiB", "file"]

KiB = 1 << 10
MiB = 1 << 20
GiB = 1 << 30

_MOST = 5 * GiB
_MOST_INSIDE = 256 * KiB


def file(
    store: str | None = None,
    *,
    types: Collection[str] = (),
    max_size: int | None = None,
    thumbnails: Mapping[str, tuple[int, int]] | None = None,
    max_pixels: int = 50_000_000,
    **options: Value,
) -> Value:
    """Declare a field that holds a File, whose content is in the file store of this name: see ``app.add_files``.

    Without ``store`` the annotation is BlobFile, and the content lies in the record. ``types`` are the media types that
    are taken, by content, such as "image/*" or "application/pdf"; all where there are none. ``max_size`` is in bytes: 5
    GiB, or 256 KiB in a record, unless it is given. ``thumbnails`` are widths and heights in pixels, by name, which
    ``thumbnail`` of the File takes, for pictures of at most ``max_pixels``. ``options`` are ``description``,
    ``frozen``, ``column`` and others of ``field``. Raises DeclarationError for what is no media type, size or name.

    >>> from holdall import File, MiB, Model, field, file
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     cover: File | None = file("covers", types=["image/*"], max_size=5 * MiB)
    >>> Book(id=1, cover=File(bytes(6 * MiB)))
    Traceback (most recent call last):
    holdall.errors.ValidationError: Book is not valid: cover: must have at most 5242880 bytes
    """
    if isinstance(types, str):
        raise DeclarationError(f"file(types=...) takes a list of media types: types=[{types!r}]")
    if store == "":
        raise DeclarationError("file(...) takes the name of a file store, as app.add_files has it")
    most = (_MOST_INSIDE if store is None else _MOST) if max_size is None else max_size
    small = Thumbnails(thumbnails or {}, max_pixels)
    codec = FileCodec(store or "", types, most, small, is_inside=store is None)
    for name in options:
        if near := get_close_matches(name, ("types", "max_size", "thumbnails", "max_pixels"), 1):
            raise DeclarationError(f"file(...) takes no {name!r}; did you mean {near[0]}?")
    return field(codec=codec, **options)
