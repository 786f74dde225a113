"""An answer read whole within a bound, also after decompression, and its place among JSON answers."""

from __future__ import annotations

import zlib

import aiohttp
import msgspec
from multidict import CIMultiDictProxy

from holdall.errors import LimitExceeded, UpstreamError

__all__ = ["ENCODINGS", "Answer", "demand_json", "read_bounded", "too_large"]

ENCODINGS = "gzip, deflate"
"""What the store accepts; it decompresses by itself, so that a small answer cannot become a large one unseen."""


class Answer(msgspec.Struct, gc=False):
    """An answer: status, headers, body. ``is_repeated``: an earlier sending of the same call may have arrived, too."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    place: str
    is_repeated: bool = False


async def read_bounded(store: str, place: str, response: aiohttp.ClientResponse, most: int) -> bytes:
    """The body, decompressed. Raises LimitExceeded beyond ``most`` bytes, UpstreamError for an unknown encoding."""
    length = response.content_length
    if length is not None and length > most:
        raise too_large(most)
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if length is not None and encoding in ("", "identity"):
        return await response.read()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise UpstreamError(store, f"{place}: the answer is encoded in a way that was not asked for")
    inflate = None if encoding in ("", "identity") else _Inflater(encoding)
    parts, size = [], 0
    async for part in response.content.iter_any():
        try:
            plain = part if inflate is None else inflate.decompress(part, most - size + 1)
        except zlib.error as error:
            raise UpstreamError(store, f"{place}: the answer cannot be decompressed") from error
        size += len(plain)
        if size > most:
            raise too_large(most)
        parts.append(plain)
    if inflate is not None and parts and not inflate.is_over:
        raise aiohttp.ClientPayloadError("the compressed answer broke off")
    return b"".join(parts)


def too_large(most: int) -> LimitExceeded:
    """The error for an answer beyond the bound."""
    return LimitExceeded("bytes in one answer", most, "ask for smaller pages, or raise the store's max_answer_bytes")


def demand_json(store: str, answer: Answer) -> None:
    """Raise UpstreamError unless the answer says that it is JSON."""
    declared = answer.headers.get("Content-Type", "")
    media_type = declared.partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UpstreamError(store, f"{answer.place}: the answer is not JSON by its Content-Type")


_GZIP = b"\x1f"  # how a member begins; what follows the last one and begins otherwise is padding


class _Inflater:
    """Decompresses piece by piece: gzip of one member or several, deflate with the header of zlib or bare."""

    def __init__(self, encoding: str) -> None:
        self._is_gzip = encoding != "deflate"
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | (16 if self._is_gzip else 0))
        self._is_begun = False

    @property
    def is_over(self) -> bool:
        """Whether the end was there."""
        return self._inflate.eof

    def decompress(self, piece: bytes, most: int) -> bytes:
        """Return at most ``most`` bytes of the piece's content. Raises zlib.error."""
        plain = b""
        while piece and len(plain) < most:
            if self._inflate.eof:
                if not self._is_gzip or not piece.startswith(_GZIP):
                    break
                self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
            plain += self._inflated(piece, most - len(plain))
            piece = self._inflate.unused_data
        return plain

    def _inflated(self, piece: bytes, most: int) -> bytes:
        try:
            return self._inflate.decompress(piece, most)
        except zlib.error:
            if self._is_gzip or self._is_begun:
                raise
            self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            return self._inflate.decompress(piece, most)
        finally:
            self._is_begun = True
