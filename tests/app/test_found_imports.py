"""Imports that find records by unique fields, leave files of records alone, and say what is wrong with a header."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdall import Everyone, FieldRights, File, Holdall, Model, Nobody, Policy, User, field, file
from holdall.errors import QueryError, ValidationError
from tests.support.local_stores import LOCAL, local_url

pytestmark = pytest.mark.anyio


class Town(Model, collection="towns"):
    id: int = field(pk=True)
    name: str


async def test_files_of_records_are_described_and_not_imported(tmp_path: Path) -> None:
    class Scan(Model, collection="scans"):
        id: int = field(pk=True)
        page: File | None = file("pages")
        version: int = field(version=True)

    app, rows = Holdall("archive"), tmp_path / "scans.csv"
    app.add_store("main", "memory:")
    app.add_files("pages", "memory:")
    app.add(Scan, store="main")
    async with app.session() as session:
        session.add_all([Scan(id=1, page=File("text", name="a.txt")), Scan(id=2)])
    await app.export_records(Scan.where(), rows)
    report = await app.import_records(Scan, rows, upsert=True)
    assert (report.unchanged, report.changed, report.failed) == (2, 0, 0)
    async with app.session() as session:
        session.remove(await session.require(Scan, 1))
    report = await app.import_records(Scan, rows, upsert=True)
    assert [each.errors[0].message.partition(":")[2] for each in report.failures] == [
        " name it in skip=, and give the record its file afterwards"
    ]
    assert (await app.import_records(Scan, rows, upsert=True, skip=["page"])).created == 1
    await app.close()


async def test_a_header_without_commas_is_told(tmp_path: Path) -> None:
    app, rows = Holdall("world"), tmp_path / "towns.csv"
    app.add_store("main", "memory:")
    app.add(Town, store="main")
    rows.write_text("name;country\nParis;FR\n")
    with pytest.raises(ValidationError, match="values are separated by commas"):
        await app.import_records(Town, rows)
    await app.close()


@pytest.mark.parametrize("kind", LOCAL)
async def test_records_are_found_by_what_is_unique(kind: str, tmp_path: Path) -> None:
    class Item(Model, collection="items", unique=[("shop", "number")]):
        id: int = field(pk=True, generated=True)
        sku: str = field(unique=True)
        shop: str = ""
        number: int = 0
        stock: int = 0

    app, rows = Holdall("shop"), tmp_path / "items.csv"
    app.add_store("main", local_url(kind, tmp_path))
    app.add(Item, store="main")
    await app.create()
    async with app.session() as session:
        saw = session.add(Item(sku="saw", shop="a", number=1))
    rows.write_text("sku,shop,number,stock\nsaw,a,1,5\naxe,a,2,6\naxe,a,2,7\n")
    report = await app.import_records(Item, rows, upsert=True, by=["sku"])
    assert (report.created, report.changed, report.failed) == (1, 2, 0)
    assert (await app.import_records(Item, rows, upsert=True, by=["number", "shop"], batch=1)).changed == 2
    async with app.session() as session:
        found = await session.query(Item.where().sort(Item.sku))
        assert [(each.sku, each.stock) for each in found] == [("axe", 7), ("saw", 5)]
    rows.write_text(f"id,sku,stock\n{saw.id + 7},saw,9\n{saw.id},saw,9\n")
    report = await app.import_records(Item, rows, upsert=True, by=["sku"])
    assert ([each.errors[0].path for each in report.failures], report.changed) == (["id"], 1)
    rows.write_text("shop,stock\na,9\n")
    report = await app.import_records(Item, rows, upsert=True, by=["sku"])
    assert [(each.errors[0].path, each.errors[0].code) for each in report.failures] == [("sku", "required")]
    for by, upsert, told in (
        (["stock"], True, "told apart by one of: id; sku; number, shop"),
        (["sku"], False, "upsert"),
    ):
        with pytest.raises(QueryError, match=told):
            await app.import_records(Item, rows, upsert=upsert, by=by)
    await app.close()


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_hidden_field_finds_no_records(tmp_path: Path, is_there: bool) -> None:
    class Item(Model, collection="items"):
        id: int = field(pk=True, generated=True)
        sku: str = field(unique=True)
        stock: int = 0

    app, rows = Holdall("shop"), tmp_path / "items.ndjson"
    app.add_store("main", "memory:")
    hidden = {"sku": FieldRights(read=Nobody, write=Everyone)}
    app.add(Item, store="main", policy=Policy(read=Everyone, write=Everyone, fields=hidden))
    if is_there:
        async with app.session() as session:
            session.add(Item(sku="saw", stock=1))
    rows.write_text('{"sku": "saw", "stock": 5}\n')
    report = await app.import_records(Item, rows, upsert=True, by=["sku"], user=User("ann"))
    assert [error.message for each in report.failures for error in each.errors] == [
        "items has no field 'sku'; it has id, stock"
    ]
    assert (report.created, report.changed) == (0, 0)
    await app.close()
