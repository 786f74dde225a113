"""The store for hand-written code: one DAO for each model, which says itself how its records are got and written."""

from holdall.stores.dao.store import DaoStore, open_dao

__all__ = ["DaoStore", "open_dao"]
