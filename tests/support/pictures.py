"""Pictures made by Pillow, and an application that has thumbnails of them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from PIL import Image

from holdall import BlobFile, Everyone, FieldRights, File, Holdall, MiB, Model, Nobody, Policy, field, file

__all__ = ["SIZES", "Print", "cabinet", "halves", "picture", "read"]

SIZES = {"small": (40, 40), "wide": (60, 10)}


class Print(Model, collection="prints"):
    id: int = field(pk=True)
    scan: File | None = file("scans", thumbnails=SIZES, max_pixels=100_000)
    note: BlobFile | None = file(thumbnails={"small": (40, 40)}, max_size=MiB)
    plain: File | None = file("scans")
    secret: File | None = file("scans", thumbnails=SIZES)


POLICY = Policy(read=Everyone, write=Everyone, fields={"secret": FieldRights(read=Nobody, write=Everyone)})


def cabinet(store: str = "memory:", files: str = "memory:", **options: Any) -> Holdall:
    app = Holdall("cabinet")
    app.add_store("main", store)
    app.add(Print, store="main", policy=POLICY)
    app.add_files("scans", files, **options)
    return app


def picture(kind: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (200, 100), **options: Any) -> bytes:
    """A picture of one colour."""
    made = BytesIO()
    Image.new(mode, size).save(made, kind, **options)
    return made.getvalue()


def halves(orientation: int) -> bytes:
    """A JPEG whose left half is white, with this orientation and a place where it was taken."""
    drawn = Image.new("L", (200, 100))
    drawn.paste(255, (0, 0, 100, 100))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "SECRET PLACE"
    made = BytesIO()
    drawn.save(made, "JPEG", exif=exif, comment=b"SECRET COMMENT", icc_profile=b"SECRET PROFILE")
    return made.getvalue()


def read(content: bytes) -> Image.Image:
    found = Image.open(BytesIO(content))
    found.load()
    return found
