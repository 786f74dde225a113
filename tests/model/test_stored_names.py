"""Names under which fields and collections are stored, as models declare them."""

from __future__ import annotations

from typing import Any

import pytest

from holdall.errors import DeclarationError
from holdall.model import Many, Model, Ref, back, field, schema_of
from holdall.query import LinkTable, Schema

MODEL: Any = type(Model)


class Place(Model, table="tblPlace", schema="stock"):
    room: str = field(pk=True, column="Room No.")
    number: int = field(pk=True)


class Owned(Model, abstract=True, schema="people"):
    owner: str = field(column="OWNER")


class Item(Owned, table="Items 2", collection="items"):
    id: int = field(pk=True, generated=True, column="ItemID")
    place: Ref[Place | None] = field(default=None, column=("Place_Room", "Place_No"))
    seen: tuple[Ref[Place], ...] = field(default=(), link=LinkTable("seen", owner=("item",)))


class Shelf(Model):
    id: int = field(pk=True)
    books: Many[Volume] = back("shelf")


class Volume(Model):
    id: int = field(pk=True)
    shelf: Ref[Shelf]


def schema(model: type[Model]) -> Schema:
    return schema_of(model, model.__holdall__.collection, lambda target: target.__holdall__.collection)


def test_columns_tables_and_schemas_of_a_database() -> None:
    items, places = schema(Item), schema(Place)
    assert (items.name, items.stored_name, items.namespace) == ("items", "Items 2", "people")
    assert (places.name, places.stored_name, places.namespace) == ("place", "tblPlace", "stock")
    assert {field.name: field.columns for field in items.fields} == {
        "owner": ("OWNER",),
        "id": ("ItemID",),
        "place": ("Place_Room", "Place_No"),
        "seen": (),
    }
    assert [part.column for part in items.field("place").target_key] == ["Room No.", "number"]
    assert items.field("seen").link == LinkTable("seen", owner=("item",))


def test_without_them_the_names_are_the_models() -> None:
    found = schema(Volume)
    assert (found.stored_name, found.namespace) == ("volume", None)
    assert [field.column for field in found.stored] == ["id", "shelf"]


@pytest.mark.parametrize("name", ["", "a\0b", 7])
def test_a_name_is_a_text_that_is_not_empty(name: Any) -> None:
    with pytest.raises(DeclarationError, match=r"Odd\.text: column must be a name"):
        MODEL("Odd", (Model,), {"__annotations__": {"text": str}, "text": field(column=(name,)), "__module__": "x"})
    with pytest.raises(DeclarationError, match="Odd: schema must be a name"):
        MODEL("Odd", (Model,), {"__module__": "x"}, schema=name)


def test_a_link_belongs_to_a_list_of_references() -> None:
    with pytest.raises(DeclarationError, match=r"Odd\.text: link belongs to a list of references"):

        class Odd(Model):
            id: int = field(pk=True)
            text: str = field(link=LinkTable("texts"))


@pytest.mark.parametrize("option", ["db_table", "table_name", "tablename"])
def test_other_libraries_words_lead_to_ours(option: str) -> None:
    with pytest.raises(DeclarationError, match=f"Odd: a model takes no '{option}'; write table="):
        MODEL("Odd", (Model,), {"__module__": "x"}, **{option: "odd"})
    with pytest.raises(DeclarationError, match=r"field\(\) takes no 'db_column'; write column"):
        field(db_column="x")  # type: ignore[call-overload]
