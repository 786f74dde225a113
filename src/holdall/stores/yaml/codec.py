"""Border values as YAML values and back, each reading checked against the field's schema.

Numbers, truth values, text, lists and JSON stand for themselves. Everything else is text a person can write: decimals
``"12.50"``, dates ``2020-01-31``, times ``12:30``, datetimes with their zone, durations as ISO 8601, bytes in base64.
"""

from __future__ import annotations

from decimal import Decimal

from holdall.query import FieldSchema, Key, Kind, Value, is_of_kind
from holdall.stores.yaml.errors import Misfit
from holdall.stores.yaml.scalars import READERS, WRITERS, described

__all__ = ["decode", "encode"]


def encode(field: FieldSchema, value: object) -> Value:
    """The border value as it is written. Raises Misfit for one that reading would refuse."""
    if value is None:
        if not field.nullable:
            raise Misfit("a value is needed", field.name)
        return None
    if field.kind is Kind.MANY and isinstance(value, list | set | frozenset):
        value = tuple(value)
    if not is_of_kind(field, value):
        raise Misfit(f"it is not a value of kind {field.kind}", field.name)
    written = _encode(field, value)
    decode(field, written)
    return written


def _encode(field: FieldSchema, value: Value) -> Value:
    kind = field.kind
    if kind is Kind.REF:
        return _encode_key(field, value)
    if kind is Kind.MANY:
        return [_encode_key(field, key) for key in value]
    encoder = WRITERS.get(kind)
    return encoder(value) if encoder is not None else value


def _encode_key(field: FieldSchema, key: Key) -> Key:
    if len(field.target_key) == 1:
        return _encode(field.target_key[0], key)
    return [_encode(part, value) for part, value in zip(field.target_key, key, strict=True)]


def decode(field: FieldSchema, written: object) -> Value:
    """The border value of what is written in a file. Raises Misfit."""
    if written is None:
        if not field.nullable:
            raise Misfit("a value is needed", field.name)
        return None
    try:
        value = _decode(field, written)
    except Misfit as misfit:
        raise misfit.under(field.name) from None
    return value


def _decode(field: FieldSchema, written: object) -> Value:
    kind = field.kind
    if kind is Kind.REF:
        return _decode_key(field, written)
    if kind is Kind.MANY:
        return _decode_many(field, written)
    value = READERS[kind](written)
    _keep_rules(field, value)
    return value


def _decode_many(field: FieldSchema, written: object) -> tuple[Value, ...]:
    if not isinstance(written, list):
        raise Misfit(f"a list of keys of {field.target} is expected, not {described(written)}")
    keys = []
    for position, item in enumerate(written):
        try:
            keys.append(_decode_key(field, item))
        except Misfit as misfit:
            raise misfit.under(f"[{position}]") from None
    if len(set(keys)) < len(keys):
        raise Misfit("the same key is there twice; keep one")
    return tuple(keys)


def _decode_key(field: FieldSchema, written: object) -> Key:
    parts = field.target_key
    if written is None:
        raise Misfit(f"a key of {field.target} is needed")
    if len(parts) == 1:
        return _decode(parts[0], written)
    if not isinstance(written, list) or len(written) != len(parts):
        names = ", ".join(part.name for part in parts)
        raise Misfit(f"a key of {field.target} is a list of {len(parts)} values: {names}")
    return tuple(decode(part, item) for part, item in zip(parts, written, strict=True))


def _keep_rules(field: FieldSchema, value: object) -> None:
    if field.max_length is not None and isinstance(value, str | bytes) and len(value) > field.max_length:
        unit = "characters" if isinstance(value, str) else "bytes"
        raise Misfit(f"it is longer than {field.max_length} {unit}")
    if field.choices is not None and value not in field.choices:
        raise Misfit(f"it is none of {', '.join(map(str, field.choices))}")
    if isinstance(value, Decimal) and (field.digits is not None or field.places is not None):
        _keep_digits(field, value)


def _keep_digits(field: FieldSchema, value: Decimal) -> None:
    _, digits, exponent = value.normalize().as_tuple()
    places = max(0, -int(exponent))
    if field.places is not None and places > field.places:
        raise Misfit(f"it has more than {field.places} digits after the point")
    whole = max(0, len(digits) + int(exponent))
    if field.digits is not None and whole > field.digits - (field.places or 0):
        raise Misfit(f"it has more than {field.digits} digits")
