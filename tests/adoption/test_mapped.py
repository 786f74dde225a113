"""What is taken over from a mapped class, and what is refused, all of it at once."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import ForeignKey
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    column_property,
    composite,
    mapped_column,
    relationship,
    synonym,
)

from holdall import Frozen, Model, OnDelete, field
from holdall.errors import DeclarationError, ValidationError
from holdall.query import Generated, Kind, LinkTable
from tests.support import shop_orm as orm

Maker, Licence, Tag, Category, Product = map(Model.adopt, orm.CLASSES)


class Base(DeclarativeBase):
    pass


def _options(model: Any, name: str) -> Any:
    return model.__holdall__.by_name[name].options


def test_columns_become_fields_in_their_order() -> None:
    assert [each.name for each in Product.__holdall__.fields] == [
        *("id", "title", "maker", "category", "pages", "stock", "is_new", "status", "level", "colour", "weight"),
        *("price", "made_on", "opens", "seen", "warranty", "image", "token", "data", "created", "changed", "version"),
        "tags",
    ]


def test_keys_and_versions() -> None:
    declaration = Product.__holdall__
    assert declaration.key == (declaration.by_name["id"],)
    assert declaration.by_name["id"].generated is Generated.STORE
    assert declaration.version is declaration.by_name["version"]
    assert declaration.table == "product"
    assert Tag.__holdall__.by_name["name"].generated is Generated.NO


def test_kinds_and_nulls() -> None:
    kinds = {each.name: (each.kind, each.nullable) for each in Product.__holdall__.fields}
    assert kinds["title"] == (Kind.STR, False)
    assert kinds["price"] == (Kind.DECIMAL, True)
    assert kinds["status"] == (Kind.STR, False)
    assert kinds["level"] == (Kind.INT, False)
    assert kinds["colour"] == (Kind.STR, True)
    assert kinds["token"] == (Kind.UUID, False)
    assert kinds["warranty"] == (Kind.TIMEDELTA, True)
    assert kinds["maker"] == (Kind.REF, False)
    assert kinds["category"] == (Kind.REF, True)


def test_defaults_of_python_and_of_the_server() -> None:
    made = Product(title="Pen", maker=1)
    assert (made.pages, made.stock, made.is_new) == (0, 7, True)
    assert (made.status, made.level) == (orm.Status.OPEN, orm.Level.LOW)
    assert isinstance(made.token, uuid.UUID)
    assert made.token != Product(title="Pen", maker=1).token
    assert _options(Product, "created").auto_now == "create"
    assert _options(Product, "changed").auto_now == "write"


def test_rules_and_names_of_columns() -> None:
    with pytest.raises(ValidationError) as raised:
        Product(title="x" * 51, maker=1, price=Decimal("1.234"))
    assert {error.path for error in raised.value.errors} == {"title", "price"}
    assert _options(Product, "title").columns == ("Product Title",)
    assert _options(Product, "maker").columns == ("maker_id",)
    assert _options(Maker, "name").unique
    assert _options(Product, "pages").index
    assert Product.__holdall__.unique == (("title", "maker"),)


def test_references_and_what_becomes_of_them() -> None:
    assert _options(Product, "maker").on_delete is OnDelete.CASCADE  # SQLAlchemy's "delete"
    assert _options(Product, "category").on_delete is OnDelete.UNLINK  # the database's SET NULL
    assert _options(Category, "parent").on_delete is OnDelete.UNLINK  # SQLAlchemy empties it
    assert _options(Licence, "maker").on_delete is OnDelete.CASCADE  # the database's CASCADE
    assert _options(Maker, "products").back == "maker"
    assert Maker.__holdall__.by_name["licence"].is_single
    assert _options(Product, "tags").link == LinkTable("product_tag", ("product_id",), ("tag_name",))
    assert _options(Tag, "products").back == "tags"


def test_the_body_of_a_class_comes_first() -> None:
    class Labelled(Model, adopt=orm.Product, leave_out=["data", "category"], collection="labelled"):
        title: str
        pages: int = field(default=3, ge=1)
        picture: bytes | None = field(default=None, column="image", frozen=Frozen.UPDATE)

        @property
        def label(self) -> str:
            return f"{self.title}, {self.pages}"

    given: dict[str, Any] = {"title": "Pen", "maker": 1}
    made = Labelled(**given)
    assert made.label == "Pen, 3"
    names = {each.name for each in Labelled.__holdall__.fields}
    assert {"picture", "category_id"} <= names
    assert not {"image", "data", "category"} & names
    assert _options(Labelled, "title").columns == ("Product Title",)
    assert Labelled.__holdall__.collection == "labelled"


def test_an_annotation_that_says_otherwise_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"Maker\.name: the annotation says otherwise than its column, .* str"):

        class Wrong(Model, adopt=orm.Maker):
            name: int


def test_everything_that_cannot_be_carried_over_is_told_at_once() -> None:
    class Folded(sa.TypeDecorator[str]):
        impl = sa.String
        cache_ok = True

        def bind_expression(self, bindparam: sa.BindParameter[str]) -> sa.ColumnElement[str]:
            return sa.func.lower(bindparam)

    class Odd(Base):
        __tablename__ = "odd"
        id: Mapped[int] = mapped_column(primary_key=True)
        blob: Mapped[Any] = mapped_column(sa.PickleType)
        name: Mapped[str] = mapped_column(Folded(20))
        place: Mapped[str] = mapped_column(postgresql.TSVECTOR)
        made: Mapped[str] = mapped_column(default=lambda context: context.get_current_parameters()["id"])
        stamp: Mapped[int] = mapped_column(onupdate=lambda: 3)
        number: Mapped[int] = mapped_column(server_onupdate=sa.FetchedValue())
        fields: Mapped[str]

    with pytest.raises(DeclarationError) as raised:
        Model.adopt(Odd)
    told = str(raised.value)
    for name in ("blob", "name", "place", "made", "stamp", "number", "fields"):
        assert f"\n  Odd.{name}: " in told
    assert "every model has a fields of its own" in told
    left = Model.adopt(Odd, leave_out=("blob", "name", "place", "made", "stamp", "number", "fields"))
    assert [each.name for each in left.__holdall__.fields] == ["id"]


def test_left_out_by_rule_are_values_that_no_column_holds() -> None:
    class Person(Base):
        __tablename__ = "person"
        id: Mapped[int] = mapped_column(primary_key=True)
        first: Mapped[str] = mapped_column()
        last: Mapped[str] = mapped_column()
        full = column_property(first + " " + last)
        surname: Mapped[str] = synonym("last")
        both: Mapped[tuple[str, str]] = composite(lambda first, last: (first, last), "first", "last")
        total: Mapped[int] = mapped_column(sa.Computed("id + 1"))
        number: Mapped[int] = mapped_column(server_default=sa.text("nextval('s')"))

        @hybrid_property
        def initial(self) -> str:
            return self.first[:1]

    assert [each.name for each in Model.adopt(Person).__holdall__.fields] == ["id", "first", "last", "total", "number"]
    assert _options(Model.adopt(Person), "total").server_computed
    assert _options(Model.adopt(Person), "number").server_default


def test_heirs_that_share_a_table_are_refused_and_their_root_is_not() -> None:
    class Employee(Base):
        __tablename__ = "employee"
        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "employee"}  # noqa: RUF012

    class Manager(Employee):
        __mapper_args__ = {"polymorphic_identity": "manager"}  # noqa: RUF012

    class Engineer(Employee):
        __tablename__ = "engineer"
        id: Mapped[int] = mapped_column(ForeignKey("employee.id"), primary_key=True)
        __mapper_args__ = {"polymorphic_identity": "engineer"}  # noqa: RUF012

    assert Model.adopt(Employee)().kind == "employee"
    with pytest.raises(DeclarationError, match="Manager: it shares the table of Employee"):
        Model.adopt(Manager)
    with pytest.raises(DeclarationError, match="Engineer: it has a part of its columns in the table of Employee"):
        Model.adopt(Engineer)


def test_references_that_no_field_can_be() -> None:
    class Country(Base):
        __tablename__ = "country"
        code: Mapped[str] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(unique=True)

    class City(Base):
        __tablename__ = "city"
        id: Mapped[int] = mapped_column(primary_key=True)
        country_name: Mapped[str] = mapped_column(ForeignKey("country.name"))
        country: Mapped[Country] = relationship()

    with pytest.raises(DeclarationError, match=r"City\.country: leads to columns of Country that are not its key"):
        Model.adopt(City)
    assert "country_name" in Model.adopt(City, leave_out=["country"]).__holdall__.by_name


def test_a_relationship_to_many_without_a_way_back_makes_one() -> None:
    class Parent(Base):
        __tablename__ = "parent"
        id: Mapped[int] = mapped_column(primary_key=True)
        children: Mapped[list[Child]] = relationship()

    class Child(Base):
        __tablename__ = "child"
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int] = mapped_column(ForeignKey("parent.id"))

    assert [each.name for each in Model.adopt(Child).__holdall__.fields] == ["id", "parent"]
    assert _options(Model.adopt(Parent), "children").back == "parent"


def test_composite_keys_and_references_to_them() -> None:
    class Order(Base):
        __tablename__ = "order"
        year: Mapped[int] = mapped_column(primary_key=True)
        number: Mapped[int] = mapped_column(primary_key=True)

    class Line(Base):
        __tablename__ = "line"
        __table_args__ = (sa.ForeignKeyConstraint(["y", "n"], ["order.year", "order.number"]),)
        id: Mapped[int] = mapped_column(primary_key=True)
        y: Mapped[int]
        n: Mapped[int]
        order: Mapped[Order] = relationship()

    model = Model.adopt(Line)
    assert _options(model, "order").columns == ("y", "n")
    assert [each.name for each in Model.adopt(Order).__holdall__.key] == ["year", "number"]


def test_defaults_of_dataclasses() -> None:
    class DataBase(MappedAsDataclass, DeclarativeBase):
        pass

    class Note(DataBase):
        __tablename__ = "note"
        id: Mapped[int] = mapped_column(primary_key=True, init=False)
        text: Mapped[str] = mapped_column(default="empty")
        parts: Mapped[list[str]] = mapped_column(sa.JSON, default_factory=list)

    made = Model.adopt(Note)()
    assert (made.text, made.parts) == ("empty", [])
    assert made.parts is not Model.adopt(Note)().parts


def test_classes_of_another_kind() -> None:
    class Plain:
        pass

    for wrong in (Plain, Base):
        with pytest.raises(DeclarationError, match="cannot be adopted: a class that SQLAlchemy maps to a table can"):
            Model.adopt(wrong)
    with pytest.raises(DeclarationError, match="adopt takes a class, not a int"):
        Model.adopt(3)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="leave_out names 'colour', which Maker has not"):
        Model.adopt(orm.Maker, leave_out=["colour"])


def test_tables_in_a_schema_and_explicit_tables() -> None:
    class Invoice(Base):
        __table__ = sa.Table(
            "Invoice",
            Base.metadata,
            sa.Column("Id", sa.Integer, primary_key=True),
            sa.Column("Made", sa.DateTime(timezone=True), nullable=False),
            schema="billing",
        )

    declaration = Model.adopt(Invoice).__holdall__
    assert (declaration.table, declaration.namespace) == ("Invoice", "billing")
    assert [each.name for each in declaration.fields] == ["Id", "Made"]


def test_records_are_of_the_model_and_never_of_the_class() -> None:
    made = Maker(name="Acme")
    assert made.id is None
    assert isinstance(made, Model)
    assert not isinstance(made, orm.Maker)
