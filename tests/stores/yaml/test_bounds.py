"""What a store accepts it can read back, and so can other programs: names, depth, number and size of values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdall.errors import LimitExceeded, StoreError
from holdall.query import MAX_DEPTH
from holdall.stores.yaml import Layout
from tests.support.second_yaml_parser import second
from tests.support.yaml_collections import add, atlas, remove, row, run, update


def nested(depth: int, *, is_mapping: bool) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value} if is_mapping else [value]
    return value


VALUES = {
    "a name as long as readers take": {"n" * 1024: 1},
    "a longer name": {"n" * 1025: 1},
    "a name that is longer as it is written": {"\n" * 700: {"\x85" * 700: [1]}},
    "a very long name beside others": {
        "a": 1,
        "n" * 70_000: {"b": 2, "m" * 2_000: "two\nlines\n"},
        "c": [{"k" * 1500: None}],
    },
    "lists as deep as they may be": nested(MAX_DEPTH, is_mapping=False),
    "mappings as deep as they may be": nested(MAX_DEPTH, is_mapping=True),
    "many values": list(range(3_000)),
    "many names": {f"k{number}": number for number in range(1_000)},
    "unusual names": dict.fromkeys(
        ["", " ", "<<", "=", "?", "- a", "null", "1", "~", "a: b", "#", "\u2028", "\ufeff", "\x7f"], 1
    ),
    "unusual texts": [
        "---",
        "...",
        "%",
        "\t",
        "\x00"[:0],
        "\x01\x7f\x85\u2028\ufeff",
        "a\r\nb",
        "  a \n",
        "\n",
        "|",
        ">",
    ],
    "nothing": [{}, [], "", {"a": {}}],
}


@pytest.mark.parametrize("layout", ["record", "collection"])
@pytest.mark.parametrize("name", VALUES)
def test_what_is_written_is_read(tmp_path: Path, layout: Layout, name: str) -> None:
    value = VALUES[name]
    store = atlas(tmp_path, layout)
    run(store.apply([add("Country", code="FR", name="France", notes=value)]))
    for other in (store, atlas(tmp_path, layout)):
        found = row(other, "Country", "FR")
        assert found is not None
        assert found[5] == value
    file = tmp_path / "Country.yaml" if layout == "collection" else tmp_path / "Country" / "FR.yaml"
    theirs = second(file.read_text())
    assert (theirs[0] if layout == "collection" else theirs)["notes"] == value
    run(store.apply([update("Country", "FR", notes=None)]))
    run(store.apply([update("Country", "FR", notes=value)]))
    found = row(atlas(tmp_path, layout), "Country", "FR")
    assert found is not None
    assert found[5] == value
    run(store.apply([remove("Country", "FR")]))


@pytest.mark.parametrize("layout", ["record", "collection"])
@pytest.mark.parametrize("is_mapping", [False, True])
def test_what_is_deeper_is_refused_before_it_is_written(tmp_path: Path, layout: Layout, is_mapping: bool) -> None:
    store = atlas(tmp_path, layout)
    with pytest.raises(StoreError, match="notes"):
        run(store.apply([add("Country", code="FR", name="x", notes=nested(MAX_DEPTH + 1, is_mapping=is_mapping))]))
    assert run(store.inspect()) == []


@pytest.mark.parametrize("layout", ["record", "collection"])
def test_a_file_of_just_the_size_is_read_and_one_byte_more_is_not_written(tmp_path: Path, layout: Layout) -> None:
    size = len("code: FR\nname: \nneighbours: []\n") + 100 + (3 * len("- ") if layout == "collection" else 0)
    store = atlas(tmp_path, layout, max_file_bytes=size)
    run(store.apply([add("Country", code="FR", name="x" * 100)]))
    assert row(atlas(tmp_path, layout, max_file_bytes=size), "Country", "FR") is not None
    with pytest.raises(LimitExceeded):
        run(store.apply([update("Country", "FR", name="x" * 101)]))
    assert row(store, "Country", "FR") is not None
