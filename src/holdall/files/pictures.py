"""Pictures made smaller by Pillow: what was drawn upright, without what cameras and programs noted beside it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from holdall.errors import DeclarationError, NoThumbnail

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["READ_TYPES", "demand_pillow", "smaller"]

READ_TYPES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
"""The types that are read, by the decoders of Pillow that read them; no other decoder ever sees a content."""

_ORIENTATION = 0x0112  # the tag of EXIF 2.3
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
_ON_THEIR_SIDE = ("TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90")
_MOST_SCANS = 100  # of a progressive JPEG; each costs as much as a whole picture
_ABSENT = "thumbnails are made by Pillow: pip install 'holdall[thumbnails]'"


def demand_pillow() -> None:
    """Raise DeclarationError where Pillow is not installed."""
    from importlib.util import find_spec

    if find_spec("PIL") is None:
        raise DeclarationError(_ABSENT)


def smaller(content: bytes, media_type: str, box: tuple[int, int], most_pixels: int) -> bytes:
    """Return the picture, in its proportions, within a box of width and height; a smaller one keeps its size.

    The first frame of those that move is taken. Pictures with transparent parts become PNGs, all others JPEGs. Raises
    NoThumbnail for other types, more pixels than ``most_pixels``, and what cannot be decoded.

    >>> smaller(b"%PDF-1.7", "application/pdf", (100, 100), 1_000_000)
    Traceback (most recent call last):
    holdall.errors.NoThumbnail: there is no thumbnail of this file: it is no picture that is read
    """
    if media_type not in READ_TYPES:
        raise NoThumbnail("it is no picture that is read")
    if media_type == "image/webp":
        _demand_pixels(*_webp_size(content), most_pixels)  # its decoder makes room before it tells the size
    if media_type == "image/jpeg" and content.count(b"\xff\xda") > _MOST_SCANS:
        raise NoThumbnail("it has too many scans")
    try:
        return _decoded(content, READ_TYPES[media_type], box, most_pixels)
    except (NoThumbnail, DeclarationError):
        raise
    except Exception as error:  # a decoder raises anything for what is damaged
        if "DecompressionBomb" in type(error).__name__:
            raise NoThumbnail("it has too many pixels") from None
        raise NoThumbnail("it cannot be decoded") from error


def _decoded(content: bytes, kind: str, box: tuple[int, int], most_pixels: int) -> bytes:
    try:
        from PIL import Image
    except ImportError as error:
        raise DeclarationError(_ABSENT) from error
    with Image.open(io.BytesIO(content), formats=[kind]) as opened:
        _demand_pixels(*opened.size, most_pixels)
        turn = _TURNS.get(opened.getexif().get(_ORIENTATION, 1))
        bounds = box[::-1] if turn in _ON_THEIR_SIDE else box
        opened.draft(None, (2 * bounds[0], 2 * bounds[1]))  # a large JPEG is decoded at a fraction of its size
        drawn = _with_plain_colours(opened)
        drawn.thumbnail(bounds, Image.Resampling.LANCZOS, reducing_gap=3.0)
        if turn is not None:
            drawn = drawn.transpose(Image.Transpose[turn])
        drawn.info.clear()  # or some of it would be saved
        saved = io.BytesIO()
        if drawn.mode == "RGBA":
            drawn.save(saved, "PNG")
        else:
            drawn.save(saved, "JPEG", quality=85)
        return saved.getvalue()


def _with_plain_colours(image: Image) -> Image:
    """The picture in grey, RGB or RGBA: what is averaged must be colours, not numbers of a palette."""
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode in ("L", "RGB"):
        return image
    if image.mode.startswith("I"):  # grey of 16 bits
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image.convert("L" if image.mode == "1" else "RGB")


def _demand_pixels(width: int, height: int, most: int) -> None:
    if width * height > most:
        raise NoThumbnail(f"it has more than {most} pixels")


def _webp_size(content: bytes) -> tuple[int, int]:
    """The width and height that the head of a WebP file tells (RFC 9649, section 2)."""
    head = content[:30].ljust(30, b"\0")
    if head[12:16] == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
