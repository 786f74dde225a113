"""Names under which a store that keeps each field in one place cannot keep them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdall.errors import DeclarationError
from holdall.query import FieldSchema, Kind, Schema
from holdall.store import open_store
from holdall.stores.rest import RestCollection

_PART = (FieldSchema("room", Kind.STR), FieldSchema("number", Kind.INT))
_STORES: dict[str, dict[str, Any]] = {
    "yaml:FOLDER": {},
    "redis://127.0.0.1:1": {},
    "mongodb://127.0.0.1:1/x": {},
    "https://api.test": {"collections": {"box": RestCollection(path="/boxes/{id}")}},
}


def _schema(**columns: tuple[str, ...]) -> Schema:
    fields = (
        FieldSchema("id", Kind.INT),
        FieldSchema("name", Kind.STR, columns=columns.get("name", ())),
        FieldSchema("note", Kind.STR, nullable=True, columns=columns.get("note", ())),
        FieldSchema("shelf", Kind.REF, True, target="shelf", target_key=_PART, columns=columns.get("shelf", ())),
    )
    return Schema("box", fields, ("id",))


@pytest.mark.parametrize("url", _STORES)
@pytest.mark.parametrize(
    "columns, told",
    [
        ({"shelf": ("room", "number")}, "box.shelf: store 'main' keeps the field in one place; name one column"),
        ({"name": ("Title",), "note": ("Title",)}, "box.note: box.name is stored as 'Title', too"),
        ({"name": ("note",)}, "box.note: box.name is stored as 'note', too"),
    ],
)
def test_two_names_for_one_place_or_two_places_of_one_name(
    url: str, columns: dict[str, tuple[str, ...]], told: str, tmp_path: Path
) -> None:
    store = open_store("main", url.replace("FOLDER", str(tmp_path)), **_STORES[url])
    with pytest.raises(DeclarationError, match=told):
        store.bind([_schema(**columns)])
    store.bind([_schema(name=("Title",), note=("name",))])
