"""Bodies of calls: JSON, forms, and documents of others whose numbers go back digit by digit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import NoReturn
from urllib.parse import urlencode

import msgspec

from holdall.query import Json
from holdall.stores.rest.call import text_of

__all__ = ["FORM", "encode", "read_document"]

FORM = "application/x-www-form-urlencoded"


class _Number(float):
    """A number with a point or an exponent, and how it was written."""

    __slots__ = ("text",)
    text: str


def _number(text: str) -> _Number:
    number = _Number(text)
    number.text = text
    return number


def _whole(text: str) -> int | _Number:
    return int(text) if len(text) < 20 and text != "-0" else _number(text)


def _as_written(value: object) -> msgspec.Raw:
    if isinstance(value, _Number):
        return msgspec.Raw(value.text.encode())
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_ENCODER = msgspec.json.Encoder(decimal_format="string", enc_hook=_as_written)


def read_document(body: bytes) -> Json:
    """Parse JSON, its numbers such that ``encode`` writes them as they were. Raises ValueError."""
    document: Json = json.loads(body, parse_float=_number, parse_int=_whole, parse_constant=_refuse)
    return document


def encode(value: object, media_type: str) -> bytes:
    """The value as a body of this type: a form for forms, JSON for everything else."""
    if media_type.partition(";")[0].strip().lower() == FORM:
        return urlencode(list(_flat("", value))).encode()
    return _ENCODER.encode(value)


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    """The fields of a form; what lies inside others has its place in brackets, and nothing is an empty text."""
    if isinstance(value, Mapping):
        for inner, each in value.items():
            yield from _flat(f"{name}[{inner}]" if name else inner, each)
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _flat(f"{name}[{number}]", each)
    else:
        yield name, "" if value is None else text_of(value)
