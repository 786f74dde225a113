"""Pictures with files: a folder, memory and the record itself as file stores; and contents that are what they seem."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

from holdall import BlobFile, Everyone, FieldRights, File, Holdall, KiB, Model, Nobody, Policy, field, file

__all__ = ["GIF", "JPEG", "PDF", "PNG", "Picture", "contents_in", "gallery", "png"]


class Picture(Model, collection="pictures"):
    id: int = field(pk=True)
    title: str = ""
    image: File | None = file("images", types=["image/*"], max_size=256 * KiB)
    paper: File | None = file("papers")
    note: BlobFile | None = file(types=["text/plain"], max_size=1 * KiB)
    secret: File | None = file("papers")
    sealed: File | None = file("papers")
    version: int = field(version=True)


def png(size: int = 0) -> bytes:
    """A picture of one pixel, with so many bytes in a chunk that nothing reads."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), (b"teSt", bytes(size))]
    chunks += [(b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")]
    made = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


PNG = png()
GIF = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0" + bytes(40) + b"\xff\xd9"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"

POLICY = Policy(
    read=Everyone,
    write=Everyone,
    fields={"secret": FieldRights(read=Nobody, write=Nobody), "sealed": FieldRights(write=Nobody)},
)


def gallery(store: str = "memory:", files: str = "memory:", policy: Policy = POLICY, **options: Any) -> Holdall:
    """The application; ``options`` are those of the file store."""
    app = Holdall("gallery")
    app.add_store("main", store)
    app.add(Picture, store="main", policy=policy)
    app.add_files("images", files, **options)
    app.add_files("papers", "memory:")
    return app


def contents_in(folder: Path) -> list[Path]:
    """The files that a folder has as contents, whole or not, but for the lock."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
