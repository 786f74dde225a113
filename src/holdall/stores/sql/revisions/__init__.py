"""Revisions of the tables of an SQL store, carried out by Alembic."""

from holdall.stores.sql.revisions.revisions import SqlRevisions

__all__ = ["SqlRevisions"]
