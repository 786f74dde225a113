"""Files of YAML: a document for each record, between lines of three hyphens; read without anchors, aliases and tags."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from io import BytesIO

import msgspec

from holdall.errors import DeclarationError, FieldError
from holdall.model import LongLine
from holdall.query import Json, Value

__all__ = ["documents_in", "members_of", "yaml_writer"]

_MARK = b"---"


async def documents_in(parts: AsyncIterator[bytes], most: int) -> AsyncIterator[tuple[int, bytes]]:
    """The documents of a file, each with the number of its first line; empty ones are left out. Raises LongLine.

    >>> async def parts() -> AsyncIterator[bytes]:
    ...     yield b"id: 1\\n---\\nid: 2\\n"
    ...     yield b"title: Emma\\n"
    >>> async def example() -> None:
    ...     print([document async for document in documents_in(parts(), 100)])
    >>> import asyncio
    >>> asyncio.run(example())
    [(1, b'id: 1\\n'), (3, b'id: 2\\ntitle: Emma\\n')]
    """
    lines, size, begin, number, rest = list[bytes](), 0, 1, 0, b""
    async for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            number += 1
            if line.rstrip() == _MARK:
                if b"".join(lines).strip():
                    yield begin, b"".join(lines)
                lines, size, begin = [], 0, number + 1
                continue
            lines.append(line + b"\n")
            size += len(line) + 1
            if size > most:
                raise LongLine(begin)
        if size + len(rest) > most:
            raise LongLine(begin)
    if rest.rstrip() != _MARK:
        lines.append(rest)
    if b"".join(lines).strip():
        yield begin, b"".join(lines)


def members_of(document: bytes) -> dict[str, Json] | FieldError:
    """The members of a record, from a document, or what is wrong with that."""
    parser, error = _parser()
    try:
        for event in parser.parse(BytesIO(document)):
            if getattr(event, "anchor", None) is not None or getattr(event, "tag", None) is not None:
                return FieldError("", "yaml", "has an anchor, an alias or a tag, which are not taken")
        found = parser.load(BytesIO(document))
        members = msgspec.json.decode(msgspec.json.encode(found))
    except (error, UnicodeError, RecursionError, TypeError, ValueError):
        return FieldError("", "yaml", "is no YAML, or has a name twice in one mapping")
    if not isinstance(members, dict):
        return FieldError("", "yaml", "is no mapping of names to values")
    return members


def yaml_writer() -> Callable[[Sequence[dict[str, Json]]], bytes]:
    """The function that writes records as documents. Raises DeclarationError where ``holdall[yaml]`` is missing."""
    parser, _ = _parser()
    parser.default_flow_style = False
    parser.allow_unicode = True
    parser.width = 10_000

    def write(rows: Sequence[dict[str, Json]]) -> bytes:
        out = BytesIO()
        for row in rows:
            out.write(b"---\n")
            parser.dump(row, out)
        return out.getvalue()

    return write


def _parser() -> tuple[Value, type[Exception]]:
    try:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
    except ImportError as error:
        raise DeclarationError("files of YAML need ruamel.yaml: pip install holdall[yaml]") from error
    found: Value = YAML(typ="safe", pure=True)
    found.sort_base_mapping_type_on_output = False
    return found, YAMLError
