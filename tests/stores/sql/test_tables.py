from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.mysql.asyncmy import MySQLDialect_asyncmy

from holdall.errors import DeclarationError, QueryError
from holdall.query import FieldSchema, Generated, Kind, LinkTable, ManyForm, Schema
from holdall.stores.sql import open_sql
from holdall.stores.sql.columns import identifier
from holdall.stores.sql.dialect import POSTGRESQL, SQLITE, Dialect
from holdall.stores.sql.layout import Rule
from holdall.stores.sql.tables import Tables
from holdall.testing.conformance.world import SCHEMAS

MYSQL = Dialect.of(MySQLDialect_asyncmy())
ID = FieldSchema("id", Kind.INT, generated=Generated.STORE)


def bound(*schemas: Schema, dialect: Dialect = SQLITE) -> Tables:
    tables = Tables(dialect)
    tables.bind(schemas)
    return tables


def ddl(tables: Tables, name: str) -> str:
    table = tables.metadata.tables[name]
    return str(sa.schema.CreateTable(table).compile(dialect=tables.dialect.sqlalchemy))


def test_a_composite_reference_takes_a_column_for_each_part() -> None:
    layout = bound(*SCHEMAS.values()).layout("book")
    assert layout.columns("shelf") == ("shelf_room", "shelf_number")
    assert layout.columns("author") == ("author",)
    assert "seen_on" not in layout.leaves
    assert [leaf.name for leaf in layout.links["seen_on"].target] == ["target_room", "target_number"]
    assert layout.links["seen_on"].position == "position"
    assert layout.links["sold_in"].position is None
    assert (layout.version, layout.generated) == (None, None)


def test_a_nested_composite_key_is_flattened() -> None:
    inner = (FieldSchema("a", Kind.INT), FieldSchema("b", Kind.STR))
    middle = (FieldSchema("c", Kind.INT), FieldSchema("inner", Kind.REF, target="Inner", target_key=inner))
    ref = FieldSchema("ref", Kind.REF, nullable=True, target="Middle", target_key=middle)
    leaves = bound(Schema("Outer", (ID, ref), ("id",))).layout("Outer").leaves["ref"]
    assert [leaf.name for leaf in leaves] == ["ref_c", "ref_inner_a", "ref_inner_b"]
    assert [leaf.pick((1, (2, "x"))) for leaf in leaves] == [1, 2, "x"]
    assert all(leaf.field.nullable for leaf in leaves)


def test_a_foreign_key_appears_when_its_target_is_bound() -> None:
    tables = bound(SCHEMAS["author"])
    assert "country" not in str([key.target_fullname for key in tables.metadata.tables["author"].foreign_keys])
    tables.bind([SCHEMAS["country"]])
    assert "country.code" in [key.target_fullname for key in tables.metadata.tables["author"].foreign_keys]


def test_every_constraint_tells_its_fields() -> None:
    tables = bound(*SCHEMAS.values())
    assert tables.metadata.tables
    assert tables.rule("pk_shelf") == Rule("key", "shelf", ("room", "number"))
    assert tables.rule("uq_book_series_volume") == Rule("unique", "book", ("series", "volume"))
    assert tables.rule("fk_book_shelf") == Rule("reference", "book", ("shelf",))
    assert tables.rule("fk_book_seen_on_seen_on") == Rule("reference", "book", ("seen_on",))
    assert tables.rule("nobody's") is None
    assert tables.rule_of_columns("book", ["volume", "series"]) == Rule("unique", "book", ("series", "volume"))
    assert tables.rule_of_columns("shelf", ["room", "number"]) == Rule("key", "shelf", ("room", "number"))
    assert tables.rule_of_columns("book", ["title"]) is None


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL, MYSQL])
def test_names_that_clash_or_are_too_long_stay_apart(dialect: Dialect) -> None:
    names = ["Group", "group", "GROUP", "group_2", "x" * 80 + "1", "x" * 80 + "2", "order", 'a"b`%s:c', "é" * 40]
    fields = (ID, *(FieldSchema(name, Kind.INT) for name in names))
    tables = bound(Schema("select", fields, ("id",), unique=((names[4], names[5]),)), dialect=dialect)
    columns = [tables.layout("select").columns(name)[0] for name in names]
    assert len({column.casefold() for column in columns}) == len(names)
    assert all(len(column.encode()) <= 63 for column in columns)
    assert tables.layout("select").columns("Group") == ("Group",)
    assert all(len(str(item.name)) <= 63 for item in tables.metadata.tables["select"].constraints if item.name)
    assert ddl(tables, "select")


def test_an_identifier_is_kept_or_cut_with_a_digest() -> None:
    assert identifier("book") == "book"
    assert identifier("sqlite_master") == "_sqlite_master"
    assert identifier("y" * 61) != identifier("y" * 62)


def test_two_collections_of_one_name_are_refused() -> None:
    with pytest.raises(DeclarationError, match="BOOK"):
        bound(Schema("book", (ID,), ("id",)), Schema("BOOK", (ID,), ("id",))).layout("book")


def test_only_one_integer_of_a_key_is_counted() -> None:
    counted = FieldSchema("other", Kind.INT, generated=Generated.STORE)
    for other, key in ((counted, ("id", "other")), (FieldSchema("other", Kind.INT), ("other",))):
        with pytest.raises(DeclarationError, match="one integer of the key"):
            bound(Schema("pair", (ID, other), key))


@pytest.mark.parametrize("kind", [Kind.JSON, Kind.MANY])
def test_what_has_no_order_cannot_be_indexed(kind: Kind) -> None:
    many = FieldSchema("data", kind, target="x", target_key=(ID,), form=ManyForm.SET)
    for unique, indexes in (((("data",),), ()), ((), (("data",),))):
        with pytest.raises(DeclarationError, match="data"):
            bound(Schema("note", (ID, many), ("id",), unique=unique, indexes=indexes))


def test_what_is_not_bound_has_no_layout() -> None:
    with pytest.raises(QueryError, match="nothing"):
        bound(SCHEMAS["country"]).layout("nothing")


def test_a_reference_that_does_not_fit_its_target_is_refused() -> None:
    ref = FieldSchema("shelf", Kind.REF, target="shelf", target_key=(FieldSchema("room", Kind.STR),))
    with pytest.raises(DeclarationError, match="shelf"):
        bound(Schema("box", (ID, ref), ("id",)), SCHEMAS["shelf"], SCHEMAS["author"]).layout("box")


def test_text_is_compared_by_code_point_everywhere() -> None:
    country = SCHEMAS["country"]
    assert "collate" not in ddl(bound(country), "country").lower()
    assert '"name" TEXT COLLATE "C" NOT NULL' in ddl(bound(country, dialect=POSTGRESQL), "country")
    text = ddl(bound(country, dialect=MYSQL), "country")
    assert "`code` VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin" in text
    assert "`name` LONGTEXT" in text


def test_keys_of_many_texts_fit_into_an_index() -> None:
    key = tuple(FieldSchema(name, Kind.STR, max_length=1000) for name in "abcd")
    text = ddl(bound(Schema("wide", key, tuple("abcd")), dialect=MYSQL), "wide")
    assert text.count("VARCHAR(192)") == 4


def test_references_wait_for_the_end_of_the_transaction_where_they_can() -> None:
    assert ddl(bound(*SCHEMAS.values()), "book").count("DEFERRABLE INITIALLY DEFERRED") == 2
    assert "DEFERRABLE" not in ddl(bound(*SCHEMAS.values(), dialect=MYSQL), "book")


def test_generated_keys_are_never_given_twice() -> None:
    assert "AUTOINCREMENT" in ddl(bound(SCHEMAS["author"]), "author")
    assert "GENERATED BY DEFAULT AS IDENTITY" in ddl(bound(SCHEMAS["author"], dialect=POSTGRESQL), "author")
    assert "AUTO_INCREMENT" in ddl(bound(SCHEMAS["author"], dialect=MYSQL), "author")
    plain = Schema("plain", (FieldSchema("id", Kind.INT),), ("id",))
    assert "SERIAL" not in ddl(bound(plain, dialect=POSTGRESQL), "plain")
    assert "AUTO_INCREMENT" not in ddl(bound(plain, dialect=MYSQL), "plain")


def test_link_rows_go_with_their_owner() -> None:
    many = FieldSchema("tags", Kind.MANY, target="tag", target_key=(ID,), form=ManyForm.LIST)
    text = ddl(bound(Schema("note", (ID, many), ("id",))), "note_tags")
    assert 'FOREIGN KEY("owner_id") REFERENCES "note" ("id") ON DELETE CASCADE' in text
    assert "tag" not in text.replace("tags", "")


def test_indexes_whose_names_run_together_are_two() -> None:
    indexed = (FieldSchema("id", Kind.INT), FieldSchema("b_c", Kind.STR), FieldSchema("c", Kind.STR))
    tables = Tables(SQLITE)
    tables.bind(
        [Schema("a", indexed, ("id",), indexes=(("b_c",),)), Schema("a_b", indexed, ("id",), indexes=(("c",),))]
    )
    names = [index.name for table in tables.metadata.tables.values() for index in table.indexes]
    assert len(set(names)) == len(names) == 2
    again = Tables(SQLITE)
    again.bind(list(reversed(tables.schemas.values())))
    assert {index.name for table in again.metadata.tables.values() for index in table.indexes} == set(names)


def test_names_as_long_as_databases_take_are_kept_whole() -> None:
    assert identifier("n" * 63) == "n" * 63
    assert len(identifier("n" * 64)) == 63


_SERVERS = {"postgresql": "postgresql://u@127.0.0.1/x", "mariadb": "mariadb://u@127.0.0.1/x", "sqlite": "sqlite://"}


@pytest.mark.parametrize(
    "server, name, told",
    [
        ("postgresql", "x" * 63, ""),
        ("postgresql", "x" * 64, "keeps 63 bytes of a name, and this has 64"),
        ("postgresql", "é" * 32, "keeps 63 bytes of a name, and this has 64"),
        ("postgresql", "ends ", ""),
        ("postgresql", "😀", ""),
        ("mariadb", "é" * 64, ""),
        ("mariadb", "x" * 65, "take names of 64 characters, and this has 65"),
        ("mariadb", "ends ", "no name that ends with a space"),
        ("mariadb", "a😀", "no character beyond"),
        ("sqlite", "x" * 200, ""),
        ("sqlite", "a\0b", "NUL"),
    ],
)
def test_a_declared_name_that_the_database_would_change_or_refuse_is_refused(server: str, name: str, told: str) -> None:
    """PostgreSQL cuts names without a word: the column was made, and not found again."""
    key = FieldSchema("id", Kind.INT)
    link = LinkTable(name, ("o",), ("t",))
    for schema in (
        Schema("thing", (key, FieldSchema("note", Kind.STR, columns=(name,))), ("id",)),
        Schema("thing", (key,), ("id",), table=name),
        Schema(
            "thing",
            (key, FieldSchema("note", Kind.MANY, target="thing", target_key=(key,), form=ManyForm.LIST, link=link)),
            ("id",),
        ),
    ):
        store = open_sql("main", _SERVERS[server])
        if told:
            with pytest.raises(DeclarationError, match=f"thing.*{told}"):
                store.bind([schema])
        else:
            store.bind([schema])


def test_a_column_that_every_table_of_postgresql_has_is_refused_by_its_field() -> None:
    key = FieldSchema("id", Kind.INT)
    for field in (FieldSchema("xmin", Kind.INT), FieldSchema("note", Kind.INT, columns=("ctid",))):
        store = open_sql("main", _SERVERS["postgresql"])
        with pytest.raises(DeclarationError, match=rf"thing\.{field.name}: PostgreSQL has a column"):
            store.bind([Schema("thing", (key, field), ("id",))])
        open_sql("main", _SERVERS["mariadb"]).bind([Schema("thing", (key, field), ("id",))])
