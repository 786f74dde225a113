"""Fields of files as they are declared: how large a content may be where nothing is said."""

from __future__ import annotations

import pytest

from holdall import BlobFile, File, KiB, Model, field, file
from holdall.errors import ValidationError


class Letter(Model):
    id: int = field(pk=True)
    scan: File | None = file("scans")
    note: BlobFile | None = file()


def test_a_content_inside_a_record_is_small_unless_more_is_allowed() -> None:
    most = bytes(256 * KiB)
    letter = Letter(id=1, scan=File(most + b"x"), note=BlobFile(most))
    assert letter.note is not None
    with pytest.raises(ValidationError, match="note: must have at most 262144 bytes"):
        letter.note = BlobFile(most + b"x")
