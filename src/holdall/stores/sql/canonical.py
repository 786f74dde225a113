"""One text for all JSON values that are equal."""

from __future__ import annotations

import msgspec

from holdall.query import Json

__all__ = ["canonical_json"]

_encode = msgspec.json.Encoder(order="sorted").encode


def canonical_json(value: Json) -> str:
    """JSON text with members sorted and whole numbers written without a point, so that equal values give equal text."""
    return _encode(_plain(value)).decode()


def _plain(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
