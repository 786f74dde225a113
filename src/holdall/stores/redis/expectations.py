"""Records that must still be as expected: read and compared here, then written only while they are as they were read.

They are compared as they are read, whatever their spelling; the script compares the texts themselves.
"""

from __future__ import annotations

from holdall.errors import StaleVersion
from holdall.query import Value
from holdall.store import Damaged, Run
from holdall.stores.redis.codec import Codec
from holdall.stores.redis.errors import Misfit
from holdall.stores.redis.layout import Layout
from holdall.stores.redis.scripts import FIELDS
from holdall.stores.redis.server import Server

__all__ = ["Texts", "texts_expected"]

Texts = list[list[str | bool]]
"""For each record of a run, names and stored texts in turn; False for what is missing."""

_RECORDS = 500  # read at once


async def texts_expected(store: str, server: Server, layout: Layout, codec: Codec, run: Run, first: int) -> Texts:
    """Return the stored texts of the expected fields for the records of a run.

    ``first`` is the position of its first change. Raises StaleVersion for a record that has other values now.
    """
    if run.expected is None:
        return []
    names, texts = run.expected.fields, Texts()
    if not names:
        return [[] for _ in run.keys]
    columns = layout.columns_of(names)
    records, told = [layout.record + text for text in layout.texts(run.keys)], list[list[bytes | None]]()
    for start in range(0, len(records), _RECORDS):
        told.extend(await server.run(FIELDS, records[start : start + _RECORDS], columns))
    for place, (key, stored) in enumerate(zip(run.keys, told, strict=True)):
        if not run.expected.is_met_by([_value(codec, *item) for item in zip(names, stored, strict=True)]):
            raise StaleVersion(store, run.collection, key, first + place)
        found = [False if raw is None else raw.decode() for raw in stored]  # which JSON is, as it was read
        texts.append([part for pair in zip(columns, found, strict=True) for part in pair])
    return texts


def _value(codec: Codec, name: str, stored: bytes | None) -> Value:
    try:
        return codec.value(name, b"null" if stored is None else stored)
    except Misfit as misfit:
        return Damaged(str(misfit))
