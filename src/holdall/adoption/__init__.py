"""Adoption: classes that SQLAlchemy maps to tables, as models; and its Selects, as queries of them."""

from holdall.adoption.adopter import SqlAlchemyAdopter, sqlalchemy

__all__ = ["SqlAlchemyAdopter", "sqlalchemy"]
