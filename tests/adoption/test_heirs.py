"""Classes that stand between others, and classes that inherit: adopted, or refused with the way that leads there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import ForeignKey
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.pool import StaticPool

from holdall import Holdall, Model, Ref, field
from holdall.errors import DeclarationError

pytestmark = pytest.mark.anyio


class Base(DeclarativeBase):
    pass


class Membership(Base):
    """An association object, as SQLAlchemy's documentation has it."""

    __tablename__ = "membership"
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    club_id: Mapped[int] = mapped_column(ForeignKey("club.id"), primary_key=True)
    role: Mapped[str] = mapped_column(sa.String(20), default="member")
    person: Mapped[Person] = relationship(back_populates="memberships")
    club: Mapped[Club] = relationship(back_populates="memberships")


class Person(Base):
    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    memberships: Mapped[list[Membership]] = relationship(back_populates="person", cascade="all, delete-orphan")
    clubs: AssociationProxy[list[Club]] = association_proxy("memberships", "club")


class Club(Base):
    __tablename__ = "club"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    memberships: Mapped[list[Membership]] = relationship(back_populates="club")


class Employee(Base):
    __tablename__ = "employee"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "employee"}  # noqa: RUF012


class Manager(Employee):
    budget: Mapped[int | None]
    __mapper_args__ = {"polymorphic_identity": "manager"}  # noqa: RUF012


class Engineer(Employee):
    __tablename__ = "engineer"
    id: Mapped[int] = mapped_column(ForeignKey("employee.id"), primary_key=True)
    language: Mapped[str]
    __mapper_args__ = {"polymorphic_identity": "engineer"}  # noqa: RUF012


OurMembership, OurPerson, OurClub = map(Model.adopt, (Membership, Person, Club))


class Staff(Model, adopt=Employee):
    """The root, with the column of an heir that shares its table."""

    kind: str
    name: str
    budget: int | None = field(default=None)


class Skill(Model, table="engineer"):
    """What an heir has in a table of its own."""

    employee: Ref[Staff] = field(pk=True, column="id")
    language: str


@pytest.fixture
def engine() -> Iterator[sa.Engine]:
    made = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    Base.metadata.create_all(made)
    yield made
    made.dispose()


def _app(engine: sa.Engine, *models: Any) -> Holdall:
    app = Holdall("staff")
    app.add_store("main", "sqlalchemy:", engine=engine)
    app.add(*models, store="main")
    return app


async def test_association_objects_have_keys_of_references(engine: sa.Engine) -> None:
    app = _app(engine, OurMembership, OurPerson, OurClub)
    assert await app.inspect() == {}
    async with app.session() as s:
        ann, chess, go = OurPerson(name="Ann"), OurClub(name="chess"), OurClub(name="go")
        s.add_all([ann, chess, go, OurMembership(person=ann, club=chess, role="head")])
        s.add(OurMembership(person=ann, club=go))
    with Session(engine) as theirs:
        person = theirs.scalars(sa.select(Person)).one()
        assert [(each.role, each.club.name) for each in person.memberships] == [("head", "chess"), ("member", "go")]
        assert [club.name for club in person.clubs] == ["chess", "go"]
        person.memberships[1].role = "guest"
        theirs.commit()
    async with app.session() as s:
        found = await s.one(sa.select(Membership).join(Club).where(Club.name == "go"))
        assert (found.role, (await found.club).name) == ("guest", "go")
        assert await s.require(OurMembership, ann.id, go.id) is found
        s.remove(await s.require(OurPerson, ann.id))  # and its memberships, as SQLAlchemy's cascade has it
    with Session(engine) as theirs:
        counts = [theirs.scalar(sa.select(sa.func.count()).select_from(each)) for each in (Person, Membership, Club)]
    assert counts == [0, 0, 2]
    await app.close()


def test_heirs_are_refused_with_the_way_that_leads_there() -> None:
    with pytest.raises(DeclarationError) as refused:
        Model.adopt(Manager)
    assert "adopt Employee, which has the rows of all its heirs" in str(refused.value)
    assert "its own columns (budget) are fields to declare in the body of that model" in str(refused.value)
    with pytest.raises(DeclarationError) as refused:
        Model.adopt(Engineer)
    told = "adopt Employee, which has the rows of all its heirs, and declare a model of its own table (engineer)"
    assert told in str(refused.value)


async def test_that_way_reads_and_writes_what_heirs_are(engine: sa.Engine) -> None:
    app = _app(engine, Staff, Skill)
    assert await app.inspect() == {}
    with Session(engine) as theirs:
        theirs.add_all([Manager(name="Ann", budget=5), Engineer(name="Bob", language="C")])
        theirs.commit()
    async with app.session() as s:
        found = await s.query(Staff.where().sort(Staff.name))
        assert [(each.kind, each.name, each.budget) for each in found] == [
            ("manager", "Ann", 5),
            ("engineer", "Bob", None),
        ]
        skill = await s.one(Skill.where(Skill.employee.name == "Bob"))
        assert skill.language == "C"
        found[0].budget, skill.language = 6, "Rust"
        carl = s.add(Staff(name="Carl", kind="engineer"))
        s.add(Skill(employee=carl, language="Ada"))
    with Session(engine) as theirs:
        assert theirs.scalars(sa.select(Manager.budget)).one() == 6
        assert [each.language for each in theirs.scalars(sa.select(Engineer).order_by(Engineer.name))] == [
            "Rust",
            "Ada",
        ]
    await app.close()
