"""Classes of SQLModel's and Flask-SQLAlchemy's own tutorials, adopted; and those of SQLAlchemy's unified tutorial."""

import asyncio
from pathlib import Path
from typing import Any, Optional

import flask
import pytest
import sqlalchemy as sa
import sqlmodel
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import orm
from sqlmodel import Field, Relationship, SQLModel

from holdall import Holdall, Model
from holdall.errors import CommitAborted, DeclarationError, ValidationError


# SQLModel evaluates annotations where they stand: those of relationships are quoted alone.
class HeroTeamLink(SQLModel, table=True):
    team_id: int | None = Field(default=None, foreign_key="team.id", primary_key=True)
    hero_id: int | None = Field(default=None, foreign_key="hero.id", primary_key=True)


class Team(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True, max_length=20)
    headquarters: str
    heroes: list["Hero"] = Relationship(back_populates="team")
    friends: list["Hero"] = Relationship(back_populates="teams", link_model=HeroTeamLink)


class Hero(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(index=True)
    secret_name: str = "unknown"
    age: int | None = Field(default=None, index=True, ge=0)
    team_id: int | None = Field(default=None, foreign_key="team.id")
    team: Optional["Team"] = Relationship(back_populates="heroes")
    teams: list["Team"] = Relationship(back_populates="friends", link_model=HeroTeamLink)


class HeroBase(SQLModel):
    name: str


def test_heroes_and_teams_of_sqlmodel(tmp_path: Path) -> None:
    heroes, teams = Model.adopt(Hero), Model.adopt(Team)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'heroes.db'}")
    app = Holdall("heroes")
    app.add_store("main", "sqlalchemy:", engine=engine, metadata=SQLModel.metadata)
    app.add(heroes, teams, store="main")

    async def work() -> None:
        await app.create()
        with sqlmodel.Session(engine) as theirs:
            theirs.add(Hero(name="Deadpond", team=Team(name="Z-Force", headquarters="Sister Margaret's")))
            theirs.commit()
        async with app.session() as ours:
            force = await ours.one(teams.where(teams.name == "Z-Force"))
            spider = ours.add(heroes(name="Spider-Boy", age=16, team=force))
            force.friends.add(spider)  # the list is kept by the class whose column is first in the table of both
            assert spider.secret_name == "unknown"
        async with app.session() as ours:
            team: Any = Hero.team
            found = await ours.query(sqlmodel.select(Hero).join(team).where(Team.name == "Z-Force"))
            assert {each.name for each in found} == {"Deadpond", "Spider-Boy"}
            assert len(await (await ours.one(teams.where())).friends) == 1
        await app.close()

    asyncio.run(work())
    with sqlmodel.Session(engine) as theirs:
        boy = theirs.exec(sqlmodel.select(Hero).where(Hero.name == "Spider-Boy")).one()
        assert boy.team is not None
        assert [each.name for each in boy.teams] == ["Z-Force"]
    engine.dispose()
    with pytest.raises(ValidationError, match="age"):
        heroes(name="Old", age=-1)
    with pytest.raises(ValidationError, match="name"):
        teams(name="x" * 21, headquarters="here")
    with pytest.raises(DeclarationError, match="HeroBase cannot be adopted"):
        Model.adopt(HeroBase)


def test_users_of_flask_sqlalchemy(tmp_path: Path) -> None:
    database = SQLAlchemy()

    class User(database.Model):  # type: ignore[name-defined, misc]
        id = sa.Column(sa.Integer, primary_key=True)
        username = sa.Column(sa.String(80), unique=True, nullable=False)
        email = sa.Column(sa.String(120))

    service = flask.Flask("users")
    service.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'users.db'}"
    database.init_app(service)
    users: Any = Model.adopt(User)
    with service.app_context():
        app = Holdall("users")
        app.add_store("main", "sqlalchemy:", engine=database.engine, metadata=database.metadata)
        app.add(users, store="main")
        database.create_all()
        assert app.sync.create() is None  # type: ignore[func-returns-value]
        database.session.add(User(username="ann"))
        database.session.commit()
        with app.sync.session() as ours:
            ours.add(users(username="bob", email="bob@example.com"))
            assert ours.one(users.where(users.username == "ann")).email is None
        assert [each.username for each in database.session.scalars(sa.select(User).order_by(User.id))] == ["ann", "bob"]
        session = app.sync.session()
        with pytest.raises(CommitAborted), session as ours:
            ours.add(users(username="ann"))
        app.sync.close()
        database.session.remove()
        database.engine.dispose()


class Base(orm.DeclarativeBase):
    pass


class UserAccount(Base):
    __tablename__ = "user_account"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(30))
    fullname: orm.Mapped[str | None]
    addresses: orm.Mapped[list["Address"]] = orm.relationship(back_populates="user", cascade="all, delete-orphan")


class Address(Base):
    __tablename__ = "address"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    email_address: orm.Mapped[str]
    user_id = orm.mapped_column(sa.ForeignKey("user_account.id"))
    user: orm.Mapped[UserAccount] = orm.relationship(back_populates="addresses")


def test_the_unified_tutorial_of_sqlalchemy(tmp_path: Path) -> None:
    users, addresses = Model.adopt(UserAccount), Model.adopt(Address)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'tutorial.db'}")
    app = Holdall("tutorial")
    app.add_store("main", "sqlalchemy:", engine=engine, metadata=Base.metadata)
    app.add(users, addresses, store="main")

    async def work() -> None:
        await app.create()
        with orm.Session(engine) as theirs, theirs.begin():
            theirs.add(UserAccount(name="sandy", addresses=[Address(email_address="sandy@sqlalchemy.org")]))
        async with app.session() as ours:
            sandy = await ours.one(users.where(users.addresses.any(addresses.email_address.contains("sqlalchemy"))))
            ours.add(addresses(email_address="sandy@squirrelpower.org", user=sandy))
        async with app.session() as ours:
            joined = (
                sa.select(Address).join(Address.user).where(UserAccount.name == "sandy").order_by(Address.id.desc())
            )
            found = await ours.query(joined)
            assert [each.email_address for each in found] == ["sandy@squirrelpower.org", "sandy@sqlalchemy.org"]
            ours.remove(await ours.one(users.where()))  # and its addresses, as SQLAlchemy's cascade says
        with orm.Session(engine) as theirs:
            assert theirs.scalar(sa.select(sa.func.count()).select_from(Address)) == 0
        await app.close()

    asyncio.run(work())
    engine.dispose()


class Invoice(Base):
    __tablename__ = "invoice"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    net: orm.Mapped[int]
    gross: orm.Mapped[int] = orm.mapped_column(sa.Computed("net * 2"))
    code: orm.Mapped[str] = orm.mapped_column(server_default=sa.text("(lower('NEW'))"))


def test_values_that_the_server_makes_are_in_the_record(tmp_path: Path) -> None:
    invoices = Model.adopt(Invoice)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'invoices.db'}")
    app = Holdall("invoices")
    app.add_store("main", "sqlalchemy:", engine=engine, metadata=Base.metadata)
    app.add(invoices, store="main")

    async def work() -> None:
        await app.create()
        async with app.session() as ours:
            made = ours.add(invoices(net=21))
            await ours.commit()
            assert (made.gross, made.code) == (42, "new")
            made.net = 4
        async with app.session() as ours:
            assert (await ours.one(invoices.where())).gross == 8
        await app.close()

    asyncio.run(work())
    engine.dispose()
