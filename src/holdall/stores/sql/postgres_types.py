"""The array types of PostgreSQL, told to asyncpg, which would have each connection ask the server for them.

That question takes four round trips and 15 to 30 ms of the server's time, before the first statement that takes arrays.
"""

from __future__ import annotations

from contextlib import suppress

import asyncpg

from holdall.query import Value

__all__ = ["tell_types"]

# By element, the object identifiers of its array and its own: those of PostgreSQL's pg_type.dat, the same everywhere.
_ARRAYS = {
    "bool": (1000, 16),
    "bytea": (1001, 17),
    "int2": (1005, 21),
    "int4": (1007, 23),
    "int8": (1016, 20),
    "text": (1009, 25),
    "varchar": (1015, 1043),
    "float4": (1021, 700),
    "float8": (1022, 701),
    "numeric": (1231, 1700),
    "date": (1182, 1082),
    "time": (1183, 1083),
    "timestamp": (1115, 1114),
    "timestamptz": (1185, 1184),
    "interval": (1187, 1186),
    "uuid": (2951, 2950),
    "json": (199, 114),
    "jsonb": (3807, 3802),
}
_NONE = dict.fromkeys(("attrnames", "attrtypoids", "basetype", "basetype_name", "range_subtype", "range_subtype_name"))
_ROWS: list[dict[str, Value]] = [
    {
        **_NONE,
        "oid": array,
        "ns": "pg_catalog",
        "name": f"_{name}",
        "kind": b"b",
        "elemtype": element,
        "elemtype_name": name,
        "elemdelim": ",",
    }
    for name, (array, element) in _ARRAYS.items()
]


def tell_types(connection: asyncpg.Connection) -> None:
    """Tell a new connection the array types; an asyncpg that takes them otherwise asks as ever."""
    with suppress(AttributeError, KeyError, TypeError):
        connection._protocol.get_settings().register_data_types(_ROWS)
