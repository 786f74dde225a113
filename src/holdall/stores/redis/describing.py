"""Hashes that other programs wrote, as the collections that models would declare: by their keys and a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile

import msgspec

from holdall.errors import LimitExceeded
from holdall.query import FieldSchema, Kind, Schema, Value
from holdall.store import UNDECODABLE, Described, Description, Look, SampledField, columns_of_sample, sampled_field
from holdall.stores.redis.collection import RedisCollection
from holdall.stores.redis.server import Server
from holdall.stores.redis.text import escaped

__all__ = ["describe"]

_MOST_KEYS = 1_000_000
_OURS = "holdall_"
_KINDS = {
    "Integer": Kind.INT,
    "Float": Kind.FLOAT,
    "Decimal": Kind.DECIMAL,
    "Unicode": Kind.STR,
    "Bytes": Kind.BYTES,
    "DateTime": Kind.DATETIME,
    "UUID": Kind.UUID,
    "AutoUUID": Kind.UUID,
    "JSON": Kind.JSON,
}
"""By the class that an envelope names, what its values are."""


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    module: str
    type: str
    value: str | None


class _Found(msgspec.Struct):
    """Records whose keys begin alike: how many, some of their texts, and whether they are listed."""

    texts: list[str]
    is_listed: bool = False


Hash = dict[str, bytes]


async def describe(server: Server, look: Look) -> Description:
    """Describe the collections that are wanted. Raises LimitExceeded where the server has too many keys."""
    found = await _groups(server, look.sample)
    prefix = _prefix(list(found))
    described: dict[str, Described] = {}
    for base, group in sorted(found.items()):
        rest = base.removeprefix(f"{prefix}:") if prefix else base
        name = rest.rpartition(":")[2] if ":" in rest else rest
        name = name if name not in described else rest.replace(":", "_")
        if not look.is_wanted(name):
            continue
        option = RedisCollection(name=rest) if rest != name else RedisCollection()
        described[name] = await _described(server, base, group, name, option)
    return Description(tuple(described.values()), {"prefix": prefix} if prefix != "holdall" else {})


async def _groups(server: Server, sample: int) -> dict[str, _Found]:
    """The beginnings of keys up to their last colon, with some of what follows it."""
    found: dict[str, _Found] = {}
    listed: set[str] = set()
    count = 0
    async for names in server.scan("", "*"):
        count += len(names)
        if count > _MOST_KEYS:
            raise LimitExceeded("keys to look at", _MOST_KEYS, "look at a smaller database")
        for raw in names:
            try:
                name = raw.decode()
            except UnicodeDecodeError:
                continue
            base, colon, text = name.rpartition(":")
            if "#" in name:
                listed |= {name.removesuffix("#keys")} if name.endswith("#keys") else set()
            elif colon and text and not base.endswith(":field") and not base.rpartition(":")[2].startswith(_OURS):
                group = found.setdefault(base, _Found([]))
                if len(group.texts) < sample:
                    group.texts.append(text)
    for base in listed & found.keys():
        found[base].is_listed = True
    return found


def _prefix(bases: Sequence[str]) -> str:
    """The part before the first colon that all keys share; empty where they share none."""
    parts = [base.split(":") for base in bases]
    same = list(takewhile(lambda words: len(set(words)) == 1, zip(*parts, strict=False)))
    return parts[0][0] if same and all(len(part) > 1 for part in parts) else ""


async def _described(server: Server, base: str, group: _Found, name: str, option: RedisCollection) -> Described:
    hashes: list[Hash] = []
    texts: list[str] = []
    for text in dict.fromkeys(group.texts):
        key = f"{base}:{text}"
        kind = (await server.command(key, "TYPE", key)).decode()
        if kind == "none":
            continue
        if kind != "hash":
            return _left_out(name, f"keys {base}:… are of type {kind}; records are hashes")
        words = iter(await server.command(key, "HGETALL", key))
        hashes.append({field.decode(errors="replace"): value for field, value in zip(words, words, strict=True)})
        texts.append(text)
    if not hashes:
        return _left_out(name, "nothing was there any more")
    columns = columns_of_sample(hashes)
    typed = {field: _envelopes(values) for field, values in columns.items()}
    if all(each is not None for each in typed.values()):
        option = msgspec.structs.replace(option, encoding="typed")
        fields = {field: _typed(field, values or []) for field, values in typed.items()}
        shown: Mapping[str, Sequence[Value]] = {
            field: [each and each.value for each in values or []] for field, values in typed.items()
        }
    else:
        read = {field: _json(values) for field, values in columns.items()}
        plain = next((field for field, values in read.items() if values is None), None)
        if plain is not None:
            return _left_out(name, f"field {plain} of {base}:… has values that are neither JSON nor in envelopes")
        fields = {field: sampled_field(field, values or []) for field, values in read.items()}
        shown = {field: values or [] for field, values in read.items()}
    return _collection(name, fields, _key_of(fields, shown, texts), option, group)


def _left_out(name: str, reason: str) -> Described:
    return Described(Schema(name, (), ()), (reason,))


def _collection(
    name: str, fields: Mapping[str, SampledField | str], key: str | None, option: RedisCollection, group: _Found
) -> Described:
    if key is None:
        return _left_out(name, "no field of its hashes holds the key that is in their names")
    there = [each for each in fields.values() if isinstance(each, SampledField)]
    notes = [f"field {field} {each}, and is left out" for field, each in fields.items() if isinstance(each, str)]
    if not group.is_listed:
        notes.append("its records are not listed yet: holdall create lists them, so that queries find them")
    return Described(
        Schema(name, tuple([each.field for each in there]), (key,)),
        tuple(notes),
        {each.field.name: each.annotation for each in there if each.annotation},
        {each.field.name: each.remark for each in there if each.remark},
        None if option == RedisCollection() else option,
    )


def _key_of(
    fields: Mapping[str, SampledField | str], shown: Mapping[str, Sequence[Value]], texts: Sequence[str]
) -> str | None:
    """The field that holds in every hash what its name ends with."""
    for name, each in fields.items():
        is_key = isinstance(each, SampledField) and each.field.kind in (Kind.STR, Kind.INT, Kind.UUID)
        if is_key and [escaped(str(value)) for value in shown[name]] == list(texts):
            return name
    return None


def _envelopes(values: Sequence[bytes | None]) -> list[_Envelope | None] | None:
    """The values as envelopes; None where one is something else."""
    try:
        return [None if value in (None, b"") else msgspec.json.decode(value, type=_Envelope) for value in values]
    except UNDECODABLE:
        return None


def _typed(name: str, values: Sequence[_Envelope | None]) -> SampledField | str:
    types = {each.type for each in values if each is not None}
    kinds = {_KINDS.get(each) for each in types}
    kind = next(iter(kinds)) if len(kinds) == 1 else None
    if kind is None:
        return f"is of the types {', '.join(sorted(types)) or 'of nothing'}, which no field is guessed for"
    is_null = any(each is None or each.value in (None, "null") for each in values)
    field = FieldSchema(name, kind, is_null, columns=(name,))
    return SampledField(field, "JSON" if kind is Kind.JSON else "")


def _json(values: Sequence[bytes | None]) -> list[Value] | None:
    """The values as JSON; None where one is something else."""
    try:
        return [None if value is None else msgspec.json.decode(value) for value in values]
    except UNDECODABLE:
        return None
