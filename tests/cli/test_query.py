"""``holdall query``: tables for people, lines for programs, the rights of a user, and bounds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.terminal import Said, invoke

_LIBRARY = r"""
from holdall import Everyone, FieldRights, Holdall, Model, Policy, Role, field

class Book(Model, collection="books"):
    id: int = field(pk=True)
    title: str
    pages: int = 0
    remark: str = field(default="")

app = Holdall("library")
app.add_store("main", "memory:")
app.add(Book, store="main", policy=Policy(
    read=Everyone, write=Role("clerk"), fields={"remark": FieldRights(read=Role("clerk"))}
))
with app.sync.session() as s:
    s.add_all([Book(id=n, title=f"b{n}", pages=n * 10, remark="hush") for n in range(60)])
    s.add(Book(id=99, title="\x1b[31mred\n" + "x" * 99, pages=-1))
app.sync.close()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("query")
    (made / "library.py").write_text(_LIBRARY)
    return made


def asked(folder: Path, *arguments: str) -> Said:
    return invoke(folder, "query", "library:app", *arguments)


def test_a_table_has_a_header_and_a_row_for_each_record(folder: Path) -> None:
    said = asked(folder, "books where pages > 560 sort -pages only id, title")
    assert (said.code, said.errors) == (0, "")
    assert said.output.splitlines() == ["id  title", "--  -----", "59  b59", "58  b58", "57  b57"]


def test_a_table_without_a_limit_is_bounded_and_says_so(folder: Path) -> None:
    said = asked(folder, "books")
    assert len(said.output.splitlines()) == 52
    assert said.errors == "50 of 61 rows: give the query a limit, or ask for --json or --csv\n"
    assert len(asked(folder, "books limit 55").output.splitlines()) == 57


def test_lines_of_json_and_csv_have_all(folder: Path) -> None:
    lines = asked(folder, "books where pages >= 0", "--json").output.splitlines()
    assert json.loads(lines[1]) == {"id": 1, "title": "b1", "pages": 10, "remark": "hush"}
    assert len(lines) == 60
    assert asked(folder, "books where id < 2 only title, pages", "--csv").output == "title,pages\nb0,0\nb1,10\n"
    assert asked(folder, "books where id < 2", "--count").output == "2\n"


def test_groups_have_the_columns_of_their_query(folder: Path) -> None:
    said = asked(folder, "books group pages sort pages limit 2", "--json")
    assert [json.loads(line) for line in said.output.splitlines()] == [{"pages": -1}, {"pages": 0}]


def test_a_value_says_nothing_to_the_terminal(folder: Path) -> None:
    output = asked(folder, "books where pages < 0").output
    assert "\x1b" not in output
    assert "\\x1b[31mred\\nxxx" in output
    assert "…" in output


def test_a_user_sees_what_he_may(folder: Path) -> None:
    assert "remark" not in asked(folder, "books where id = 1", "--as", "ann").output
    assert "hush" in asked(folder, "books where id = 1", "--as", "cleo", "--role", "clerk").output
    refused = asked(folder, 'books where remark = "hush"', "--as", "ann")
    assert (refused.code, refused.output) == (2, "")
    assert "has no field 'remark'" in refused.errors
    assert "hush" not in refused.errors


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("book",), "there is no collection 'book'; did you mean books?"),
        (("books where pags > 1",), "has no field 'pags'"),
        (("books where title = 'b1'",), "text is written in double quotes"),
        (('books where title = "b1',), "begins a text that does not end"),
        (("books where id = 1 & id = 2",), "write and"),
        (("books where id = 1 | id = 2",), "write or"),
        (("books where !id",), "write not"),
        (("books where",), "expected"),
        (("books", "--json", "--csv"), "choose one"),
        (("books", "--role", "clerk"), "of the user that --as names"),
    ],
)
def test_refusals_say_what_to_write(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    refused = asked(folder, *arguments)
    assert (refused.code, refused.output) == (2, "")
    assert said in refused.errors


_SHOP = r"""
import msgspec
from decimal import Decimal
from holdall import BlobFile, Holdall, Model, Ref, field, file

class City(Model, collection="cities"):
    id: int = field(pk=True)
    name: str

class Address(msgspec.Struct):
    city: Ref[City]

class Order(Model, collection="orders"):
    id: int = field(pk=True)
    address: Address
    price: Decimal = Decimal("1.50")
    note: BlobFile | None = file()

app = Holdall("shop")
app.add_store("main", "memory:")
app.add(City, Order, store="main")
app.add_selection("sent", Order.where().only(Order.id, Order.address, Order.address.city.name))
with app.sync.session() as s:
    s.add_all([City(id=1, name="Paris"), City(id=2, name="Rome")])
    s.add(Order(id=1, address=Address(1), note=BlobFile("hush", name="n")))
    s.add(Order(id=2, address=Address(2)))
app.sync.close()
"""


def test_references_inside_values_lead_on_and_are_shown_as_keys(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(_SHOP)

    def told(*arguments: str) -> list[str]:
        said = invoke(tmp_path, *arguments)
        assert (said.code, said.errors) == (0, "")
        return said.output.splitlines()

    rome = 'orders where address.city.name = "Rome"'
    assert told("query", "shop:app", rome)[2].split() == ["2", '{"city":2}', "1.50"]
    assert told("query", "shop:app", rome, "--csv") == ["id,address,price,note", '2,"{""city"":2}",1.50,']
    assert json.loads(told("query", "shop:app", "orders limit 1", "--json")[0])["note"]["name"] == "n"
    assert '""name"":""n""' in told("query", "shop:app", "orders only note", "--csv")[1]
    some = f"{rome} only id, address, address.city"
    assert told("query", "shop:app", some)[2].split() == ["2", '{"city":2}', "2"]
    line = json.loads(told("query", "shop:app", some, "--json")[0])
    assert line == {"id": 2, "address": {"city": 2}, "address.city": 2}
    assert (
        told("select", "shop:app", "orders", "sent", "--format", "csv", "--sort", "-id")[1] == '2,"{""city"":2}",Rome'
    )
    assert told("query", "shop:app", "orders group address.city only address.city, rows()", "--csv")[1:] == [
        "1,1",
        "2,1",
    ]
    where = ("export", "shop:app", "orders", "rome.ndjson", "--where", 'address.city.name = "Rome"', "--columns", "id")
    assert told(*where) == ["orders: 1 records in rome.ndjson"]
