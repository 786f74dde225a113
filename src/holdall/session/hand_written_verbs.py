"""The verbs of a session for hand-written code: DAOs, records that they give, results of query functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from holdall.model import Model
from holdall.policy import Policy
from holdall.session.changing import Changing
from holdall.session.context import M
from holdall.session.dao.dao import DAO
from holdall.session.dao.query_call import QueryCall
from holdall.session.dao_verbs import DaoVerbs

__all__ = ["HandWrittenVerbs"]


class HandWrittenVerbs:
    """The part of :class:`Session` for hand-written code."""

    _changing: Changing
    _dao: DaoVerbs

    def register_dao(self, *daos: DAO[Any], policy: Policy | None = None) -> None:
        """Let DAOs serve their models in this session alone; ``app.add_dao`` does it for all.

        Raises DeclarationError where a model has its store already or a DAO names none. Example: :class:`DaoVerbs`.
        """
        self._dao.register_dao(daos, policy)

    def get_dao(self, model: type[M]) -> DAO[M]:
        """Return the DAO of a model; raises StateError where it has none. Example: :class:`DaoVerbs`."""
        return self._dao.get_dao(model)

    def register_model(self, record: Model, force: bool = False) -> bool:
        """Take an unbound record, and those it refers to, as stored; False where it is here already. With ``force``,
        another with its key leaves the session. Example: :class:`DaoVerbs`.
        """
        return self._dao.register_model(record, force)

    def unregister_model(self, record: Model) -> None:
        """Let go of a record; the same as ``unregister``. Example: :class:`DaoVerbs`."""
        self._changing.unregister(record)

    async def register_query(self, query: QueryCall[M], models: Iterable[M], force: bool = False) -> list[M]:
        """Remember a result of a query function; with ``force``, in place of another. Example: :class:`DaoVerbs`."""
        return await self._dao.register_query(query, models, force)

    def update_cache(self) -> None:
        """File new records under their current keys, so that ``get`` finds them. Example: :class:`DaoVerbs`."""
        self._dao.update_cache()
