"""Options of one collection in a MongoDB store beyond its schema."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["MongoCollection", "UuidForm"]

UuidForm = Literal["standard", "python_legacy", "java_legacy", "csharp_legacy"]
"""How UUIDs are kept: as binary values of subtype 4, or of subtype 3 with the bytes in the order of an old driver."""


class MongoCollection(msgspec.Struct, frozen=True):
    """How one collection is kept.

    - ``name`` is its name in the database, by default the model's.
    - With ``native_dates`` datetimes are BSON dates, which other programs and TTL indexes understand; values with
      microseconds are then refused. Without it they are text.
    - ``uuids`` says how UUIDs are kept: of subtype 4, or of subtype 3 as the drivers of Python, Java and C# wrote them
      of old (``"python_legacy"``, ``"java_legacy"``, ``"csharp_legacy"``).
    - With ``extended_json`` the values that BSON has and JSON has not are read inside lists, dictionaries and nested
      values as MongoDB's Extended JSON, ``{"$oid": "65f0…"}``, ``{"$date": "2024-05-06T07:08:09.123Z"}``,
      ``{"$numberDecimal": "12.50"}``, ``{"$binary": {"base64": "…", "subType": "00"}}``, and written as what they are.

    >>> from holdall.stores.mongo import open_mongo
    >>> collections = {"book": MongoCollection(name="books", native_dates=True)}
    >>> store = open_mongo("main", "mongodb://127.0.0.1:27017/library", collections=collections)
    """

    name: str = ""
    native_dates: bool = False
    uuids: UuidForm = "standard"
    extended_json: bool = False
