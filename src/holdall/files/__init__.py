"""Files: contents that records refer to, and the stores that keep them."""

from holdall.files.body import Body
from holdall.files.codec import FileCodec, shown_file
from holdall.files.contract import FileStore, Signing
from holdall.files.facts import StoredFile
from holdall.files.field import GiB, KiB, MiB, file
from holdall.files.file import BlobFile, File
from holdall.files.keeping import Refused, keep, take
from holdall.files.keys import new_key
from holdall.files.media import INLINE, fits, media_type_of
from holdall.files.names import clean_name
from holdall.files.registry import open_file_store
from holdall.files.shelf import Shelf
from holdall.files.source import Content
from holdall.files.stores import InsideFiles, LocalFiles, MemoryFiles, TieredFiles
from holdall.files.thumbnails import Thumbnail, Thumbnails

__all__ = [
    "INLINE",
    "BlobFile",
    "Body",
    "Content",
    "File",
    "FileCodec",
    "FileStore",
    "GiB",
    "InsideFiles",
    "KiB",
    "LocalFiles",
    "MemoryFiles",
    "MiB",
    "Refused",
    "Shelf",
    "Signing",
    "StoredFile",
    "Thumbnail",
    "Thumbnails",
    "TieredFiles",
    "clean_name",
    "file",
    "fits",
    "keep",
    "media_type_of",
    "new_key",
    "open_file_store",
    "shown_file",
    "take",
]
