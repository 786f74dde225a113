"""The reader of SQLAlchemy's classes that models find by the entry point ``holdall.adopters``."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from holdall.adoption.mapped import read_mapped
from holdall.adoption.selects import query_of
from holdall.model import AdoptedClass
from holdall.query import AnyQuery, Value

__all__ = ["SqlAlchemyAdopter", "sqlalchemy"]


class SqlAlchemyAdopter:
    """Reads declarative and imperatively mapped classes, those of SQLModel and Flask-SQLAlchemy among them.

    >>> from sqlalchemy import Column, Integer, Text, select
    >>> from sqlalchemy.orm import declarative_base
    >>> class Book(declarative_base()):
    ...     __tablename__ = "book"
    ...     id = Column(Integer, primary_key=True)
    ...     title = Column(Text)
    >>> [field.name for field in SqlAlchemyAdopter().read(Book, ()).fields]
    ['id', 'title']
    >>> from holdall import Model
    >>> SqlAlchemyAdopter().query(select(Book).limit(3), {Book: Model.adopt(Book)}).max_rows
    3
    """

    def read(self, source: type[object], leave_out: Collection[str]) -> AdoptedClass | None:
        """Return what the class says but for the attributes left out; None for one that is not mapped to a table."""
        return read_mapped(source, frozenset(leave_out))

    def query(self, statement: object, models: Mapping[Value, Value]) -> AnyQuery | None:
        """Return the query that a Select stands for, of the models by the classes they adopt; None for what is no
        statement. Raises QueryError for one that is no query of one such class.
        """
        return query_of(statement, models)


sqlalchemy = SqlAlchemyAdopter()
"""The one that models find."""
