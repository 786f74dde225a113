"""Pictures made smaller: every format and mode, upright, without metadata, and nothing that costs too much."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from holdall.errors import NoThumbnail
from holdall.files.pictures import smaller
from tests.support.pictures import halves, picture, read

_MOST = 1_000_000


@pytest.mark.parametrize(
    "kind, mode, expected",
    [
        ("PNG", "RGB", "JPEG"),
        ("PNG", "RGBA", "PNG"),
        ("PNG", "LA", "PNG"),
        ("PNG", "P", "JPEG"),
        ("PNG", "1", "JPEG"),
        ("PNG", "I;16", "JPEG"),
        ("JPEG", "RGB", "JPEG"),
        ("JPEG", "L", "JPEG"),
        ("JPEG", "CMYK", "JPEG"),
        ("GIF", "P", "JPEG"),
        ("WEBP", "RGB", "JPEG"),
        ("WEBP", "RGBA", "PNG"),
    ],
)
def test_formats_and_modes(kind: str, mode: str, expected: str) -> None:
    found = read(smaller(picture(kind, mode), f"image/{kind.lower()}", (40, 40), _MOST))
    assert (found.format, found.size) == (expected, (40, 20))


def test_a_small_picture_keeps_its_size() -> None:
    assert read(smaller(picture(size=(8, 5)), "image/png", (40, 40), _MOST)).size == (8, 5)


def test_grey_of_16_bits_keeps_its_shades() -> None:
    made = BytesIO()
    Image.new("I;16", (20, 20), 0x8000).save(made, "PNG")
    assert read(smaller(made.getvalue(), "image/png", (10, 10), _MOST)).getpixel((5, 5)) == 128


def test_the_first_frame_is_taken() -> None:
    made = BytesIO()
    frames = [Image.new("L", (20, 20), shade) for shade in (255, 0)]
    frames[0].save(made, "GIF", save_all=True, append_images=frames[1:])
    pixel = read(smaller(made.getvalue(), "image/gif", (10, 10), _MOST)).convert("L").getpixel((5, 5))
    assert isinstance(pixel, int)
    assert pixel > 250


@pytest.mark.parametrize(
    "orientation, white",
    [(1, "left"), (2, "right"), (3, "right"), (4, "left"), (5, "top"), (6, "top"), (7, "bottom"), (8, "bottom")],
)
def test_pictures_are_upright_and_tell_nothing_else(orientation: int, white: str) -> None:
    content = halves(orientation)
    assert content.count(b"SECRET") == 3
    made = smaller(content, "image/jpeg", (40, 40), _MOST)
    found = read(made)
    assert found.size == ((40, 20) if white in ("left", "right") else (20, 40))
    width, height = found.size
    places = {"left": (2, height // 2), "right": (width - 3, height // 2), "top": (width // 2, 2)}
    places["bottom"] = (width // 2, height - 3)
    bright = {place for place, point in places.items() if (found.getpixel(point) or 0) == 255}
    assert white in bright
    assert {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}[white] not in bright
    assert b"SECRET" not in made
    assert not found.getexif()


def test_a_png_loses_its_text_and_profile() -> None:
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_text("Comment", "SECRET")
    content = picture("PNG", "RGBA", pnginfo=told, icc_profile=b"SECRET PROFILE")
    assert b"iCCP" in content
    made = smaller(content, "image/png", (40, 40), _MOST)
    assert b"SECRET" not in made
    assert b"iCCP" not in made


def _png_of(width: int, height: int) -> bytes:
    """A PNG that says it is of this size, and holds nothing."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    ]
    made = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def _webp_of(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF\x12\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + size


@pytest.mark.parametrize("most", [_MOST, 10**12])
@pytest.mark.parametrize("width, height", [(2_000, 1_000), (12_000, 12_000), (60_000, 60_000)])
def test_bombs_are_refused_before_they_are_decoded(width: int, height: int, most: int) -> None:
    with pytest.raises(NoThumbnail):
        smaller(_png_of(width, height), "image/png", (40, 40), most)
    if most == _MOST:
        with pytest.raises(NoThumbnail, match="more than 1000000 pixels"):
            smaller(_webp_of(min(width, 16_000), height), "image/webp", (40, 40), most)


@pytest.mark.parametrize("mode, lossless", [("RGB", False), ("RGB", True), ("RGBA", False)])
def test_pixels_of_a_webp_are_counted(mode: str, lossless: bool) -> None:
    content = picture("WEBP", mode, (200, 100), lossless=lossless)
    assert read(smaller(content, "image/webp", (40, 40), 20_000)).size == (40, 20)
    with pytest.raises(NoThumbnail, match="more than 19999 pixels"):
        smaller(content, "image/webp", (40, 40), 19_999)


def test_many_scans_are_refused() -> None:
    content = picture("JPEG", progressive=True)
    assert read(smaller(content, "image/jpeg", (40, 40), _MOST)).size == (40, 20)
    with pytest.raises(NoThumbnail, match="scans"):
        smaller(content + b"\xff\xda" * 100, "image/jpeg", (40, 40), _MOST)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_what_is_damaged_has_none(kind: str) -> None:
    content = picture(kind, size=(300, 300))
    for cut in (12, 40, len(content) // 2):
        with pytest.raises(NoThumbnail):
            smaller(content[:cut], f"image/{kind.lower()}", (40, 40), _MOST)


def test_only_the_decoder_of_the_type_is_asked() -> None:
    with pytest.raises(NoThumbnail, match="decoded"):
        smaller(picture("JPEG"), "image/png", (40, 40), _MOST)
    for media_type in ("image/svg+xml", "image/tiff", "image/avif", "application/pdf"):
        with pytest.raises(NoThumbnail, match="no picture that is read"):
            smaller(picture("JPEG"), media_type, (40, 40), _MOST)
