"""JSON text that another program may have written, read by the bounds that hold when it is written."""

from __future__ import annotations

import msgspec

from holdall.query import MAX_DEPTH, FieldSchema, Json, Kind, is_of_kind

__all__ = ["UNDECODABLE", "is_bounded_json", "json_from_text", "may_pass_bounds"]

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError)
"""What msgspec raises for JSON that cannot be read: of another shape, no UTF-8, with a number that is too large, or
nested too deeply.
"""

_FIELD = FieldSchema("value", Kind.JSON)
_AS_ZERO = bytes(ord("0") if chr(byte) in "0123456789" else ord(" ") for byte in range(256))
_LONG = b"0" * 19  # digits of a number that 64 bits may not hold
_NUL = b"\\u0000"
_decode = msgspec.json.Decoder().decode


def json_from_text(text: str | bytes) -> Json:
    """Parse JSON text. Raises ValueError for what is none, or passes the bounds of JSON fields.

    >>> json_from_text('{"a": [1, null]}')
    {'a': [1, None]}
    """
    value: Json = _decode(text)
    opening = ("[", "{") if isinstance(text, str) else (b"[", b"{")
    is_deep = sum(map(text.count, opening)) > MAX_DEPTH  # type: ignore[arg-type]
    if (is_deep or may_pass_bounds(text)) and not is_bounded_json(value):
        raise ValueError("it holds a number or a text that is not taken, or is nested too deeply")
    return value


def may_pass_bounds(text: str | bytes) -> bool:
    """Whether JSON text, of any number of values, may have a number or text that passes the bounds of a field.

    Example: :func:`is_bounded_json`.
    """
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    return _NUL in raw or _LONG in raw.translate(_AS_ZERO)


def is_bounded_json(value: object) -> bool:
    """Whether a JSON value, or null, is one that a field can hold.

    >>> is_bounded_json({"pages": 1}), is_bounded_json({"pages": 2**70})
    (True, False)
    """
    return value is None or is_of_kind(_FIELD, value)
