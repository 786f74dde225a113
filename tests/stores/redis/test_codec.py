"""Writing columns leaves nothing behind."""

from __future__ import annotations

import gc

import pytest

from holdall.query import FieldSchema, Kind
from holdall.stores.redis.codec import JsonCodec


@pytest.mark.usefixtures("older_objects_apart")
def test_a_column_leaves_no_object_behind() -> None:
    codec = JsonCodec((FieldSchema("name", Kind.STR),))
    kind = type(iter(()))

    def left() -> int:
        gc.collect()
        return sum(isinstance(found, kind) for found in gc.get_objects())

    before = left()
    for _ in range(200):
        assert codec.column("name", ("a", "b")) == ['"a"', '"b"']
    assert left() - before < 20
