"""Bodies of several parts (RFC 7578), read as they come: the content of a part is passed on while it arrives."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from holdall.web.attachments.disposition import name_in
from holdall.web.problem import Problem

__all__ = ["Part", "parts_of"]

_BOUNDARY = re.compile(rb'boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)
_NAME = re.compile(r';\s*name\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))')
_MALFORMED = Problem(400, "multipart", "The body is no multipart/form-data that can be read.")


class Part:
    """One part: its ``name``, the ``filename`` that it has, and its content, which is read before the next part is."""

    def __init__(self, headers: dict[bytes, bytes], body: _Body) -> None:
        text = headers.get(b"content-disposition", b"").decode("utf-8", "replace")
        found = _NAME.search(text)
        if found is None or text.partition(";")[0].strip().lower() != "form-data":
            raise _MALFORMED
        self.name: str = found[1] if found[1] is not None else found[2]
        self.filename = name_in(text)
        self.is_file = "filename" in text
        self._body = body

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the content as it arrives."""
        while (event := await self._body.next_event()) is not None and event[0] == "data":
            yield event[1]
        self._body.demand_whole(event)

    async def whole(self, most: int) -> bytes:
        """Return the content, of at most ``most`` bytes. Raises Problem (413) for more."""
        found, size = list[bytes](), 0
        async for piece in self.pieces():
            size += len(piece)
            if size > most:
                raise Problem(413, "too-large", f"A part of the body is larger than {most} bytes.")
            found.append(piece)
        return b"".join(found)


async def parts_of(content_type: bytes, pieces: AsyncIterator[bytes], most: int) -> AsyncIterator[Part]:
    """Give the parts, at most ``most`` of them, in order. Raises Problem (400) for a body that is malformed or cut."""
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise _MALFORMED
    body = _Body(boundary[1] or boundary[2], pieces)
    count = 0
    while (event := await body.next_event()) is not None:
        if event[0] == "end":
            return
        if event[0] != "part":
            continue
        count += 1
        if count > most:
            raise Problem(413, "too-large", f"The body has more than {most} parts.")
        yield Part(body.headers, body)
    raise _MALFORMED  # it was cut


class _Body:
    """The body as events, in order: a part begins, has data, ends; the body ends."""

    def __init__(self, boundary: bytes, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._events = deque[tuple[str, bytes]]()
        self._name, self._value = b"", b""
        self.headers: dict[bytes, bytes] = {}
        self._coming: dict[bytes, bytes] = {}
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._coming.clear,
                "on_header_begin": self._begin_header,
                "on_header_field": self._take_name,
                "on_header_value": self._take_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._begin_part,
                "on_part_data": lambda data, start, end: self._events.append(("data", data[start:end])),
                "on_part_end": lambda: self._events.append(("part end", b"")),
                "on_end": lambda: self._events.append(("end", b"")),
            },
        )
        self._heads = deque[dict[bytes, bytes]]()

    async def next_event(self) -> tuple[str, bytes] | None:
        """Return the next event; None where the body is cut."""
        while not self._events:
            piece = await anext(self._pieces, None)
            if piece is None:
                return None
            try:
                self._parser.write(piece)
            except FormParserError:
                raise _MALFORMED from None
        event = self._events.popleft()
        if event[0] == "part":
            self.headers = self._heads.popleft()
        return event

    def demand_whole(self, event: tuple[str, bytes] | None) -> None:
        """Raise Problem (400) where a part does not end as parts do."""
        if event is None or event[0] != "part end":
            raise _MALFORMED

    def _begin_header(self) -> None:
        self._name, self._value = b"", b""

    def _take_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._coming.setdefault(self._name.lower(), self._value)

    def _begin_part(self) -> None:
        self._heads.append(dict(self._coming))
        self._events.append(("part", b""))
