"""Files of records: their form by name, read in parts and written whole or not at all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from holdall.errors import DeclarationError

__all__ = ["FORMS", "form_of", "new_file", "parts_of"]

FORMS = ("csv", "ndjson", "yaml")
"""The forms of files of records: CSV (RFC 4180), lines of JSON, and documents of YAML."""

_ENDINGS = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson", ".yaml": "yaml", ".yml": "yaml"}
_PART = 256 * 1024


def form_of(path: Path, given: str | None) -> str:
    """The form of a file, given or by its name. Raises DeclarationError for one that is not known.

    >>> form_of(Path("books.jsonl"), None)
    'ndjson'
    """
    found = given or _ENDINGS.get(path.suffix.lower())
    if found not in FORMS:
        raise DeclarationError(f"say which form the file has: {' or '.join(FORMS)}")
    return found


async def parts_of(path: Path) -> AsyncIterator[bytes]:
    """The bytes of a file, a part at a time. Raises OSError."""
    with path.open("rb") as file:
        while part := await asyncio.to_thread(file.read, _PART):
            yield part


@contextmanager
def new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of what is there once the block has ended well. Raises OSError."""
    import tempfile  # takes its time, and only programs that write files need it

    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
