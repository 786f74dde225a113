from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from holdall import Holdall, Model, field
from holdall.query import Op
from holdall.stores.rest import Filters, Offset, RestCollection


class Pets(Model):
    full_name: str = field(column="full-name")
    kind: Literal["cat", "dog"]
    born: date | None = None
    tags: list[str] | None = None
    owner: dict[str, Any] | None = None
    id: int = field(pk=True, generated=True)
    seen: datetime | None = None


class Photos(Model):
    pet_id: int = field(column="petId", pk=True)
    id: str = field(pk=True)
    url: str


# visits is left out:
#   /pets/{petId}/visits/{visit-id}: no property of its records is the key 'visit-id'


# logs is left out:
#   /logs: the document does not say how the list is paged; declare paging=


app = Holdall("app")
app.add_store(
    "main",
    "http:///api",
    collections={
        "pets": RestCollection(
            path="/pets/{key}",
            list_path="/pets",
            read_only=frozenset({"id", "seen"}),
            list_at="items",
            total_at="total",
            paging=Offset(),
            filters=Filters(operators={Op.EQ: "{field}"}, fields={"kind": frozenset({Op.EQ})}, is_exact=False),
            keys="server",
        ),
        "photos": RestCollection(
            path="/pets/{pet_id}/photos/{id}",
            list_path="/pets/{pet_id}/photos",
            add=None,
            update=None,
            in_path=frozenset({"pet_id"}),
        ),
    },
)
app.add(Pets, Photos, store="main")
