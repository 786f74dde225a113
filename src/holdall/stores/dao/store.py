"""A store whose collections are served by DAOs, record by record; it keeps nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from holdall.errors import DeclarationError, Unsupported
from holdall.query import AnyQuery, Kind, Schema, Value
from holdall.store import (
    APPLIED,
    Capabilities,
    Change,
    CommitClass,
    Feature,
    Limits,
    Outcome,
    RecordMethods,
    Rows,
    Verb,
    acting_for,
    defines_method,
    demand_options,
    demand_schema,
    missing_method,
)
from holdall.stores.dao.errors import as_read_error, as_store_error

__all__ = ["DaoStore", "open_dao"]

# Of keys and lists the store sees nothing: they are the DAO's business.
_FEATURES = frozenset({Feature.GENERATED_KEYS, Feature.GENERATED_PARTS, Feature.COMPOSITE_KEYS, Feature.STORED_MANY})


def open_dao(
    name: str, url: str = "dao:", *, collections: Mapping[str, RecordMethods[Any]] | None = None, **options: object
) -> DaoStore:
    """Open the store behind ``dao:``; ``collections`` gives the DAO of each by name.

    Raises DeclarationError for any other option, or anything behind ``dao:``.

    Example: :class:`holdall.dao.DAO`.
    """
    demand_options(("collections",), name, options)
    if url != "dao:":
        raise DeclarationError(f"store {name!r}: a DAO store is opened by 'dao:', not by {url!r}")
    store = DaoStore(name)
    for collection, dao in (collections or {}).items():
        store.admit(collection, dao)
    return store


class DaoStore:
    """Hands each record over to the DAO of its collection. Queries are refused: they are ``@query`` functions.

    Example: :class:`holdall.dao.DAO`.
    """

    def __init__(self, name: str = "dao") -> None:
        self.name = name
        self._daos: dict[str, RecordMethods[Any]] = {}
        self._bound: set[str] = set()

    @property
    def capabilities(self) -> Capabilities:
        """The common capabilities of all its DAOs; no query, as each of them has its own."""
        daos = self._daos.values()
        is_repeatable = bool(daos) and all(dao.commit is CommitClass.IDEMP for dao in daos)
        features = frozenset.intersection(*(dao.features for dao in daos)) if daos else frozenset()
        return Capabilities(
            commit=CommitClass.IDEMP if is_repeatable else CommitClass.ONCE,
            features=_FEATURES | features,
            kinds=frozenset(Kind),
            generated_kinds=frozenset({Kind.INT, Kind.STR}),
            limits=Limits(concurrent_changes=min((dao.concurrent_changes for dao in daos), default=1)),
        )

    def admit(self, collection: str, access: object) -> None:
        """Let this DAO serve the collection; raises DeclarationError where it is no DAO or there is one already."""
        if not isinstance(access, RecordMethods):
            raise DeclarationError(f"{access!r} is no DAO: give an instance of a class that derives from DAO[…]")
        if collection in self._daos:
            raise DeclarationError(f"{type(self._daos[collection]).__name__} serves {collection!r} already")
        self._daos[collection] = access

    def access_of(self, collection: str) -> RecordMethods[Any]:
        """The DAO of a collection; raises Unsupported where it has none."""
        dao = self._daos.get(collection)
        if dao is None:
            raise Unsupported(self.name, f"collection {collection}", "give it a DAO with app.add_dao(...)")
        return dao

    def demand(self, act: str, collection: str) -> None:
        """Raise Unsupported where the DAO does not define what it takes."""
        dao = self.access_of(collection)
        if not defines_method(dao, act):
            raise missing_method(dao, act, self.name)

    def bind(self, schemas: Sequence[Schema]) -> None:
        """Learn these collections; raises DeclarationError where a DAO given by name serves none of them."""
        for schema in schemas:
            features = _FEATURES | self.access_of(schema.name).features
            demand_schema(self.name, msgspec.structs.replace(self.capabilities, features=features), schema)
            self._bound.add(schema.name)
        for collection in self._daos.keys() - self._bound:
            raise DeclarationError(f"store {self.name!r} has a DAO for {collection!r}, which is no collection of it")

    async def fetch_record(self, collection: str, key: Mapping[str, Value], session: object) -> Any:
        """Return the record that the DAO gets for this key, or None.

        Raises what the DAO raises; StoreUnavailable or StoreTimeout for a ConnectionError or a TimeoutError.
        """
        self.demand("get", collection)
        dao = self.access_of(collection)
        try:
            with acting_for(session):
                return await dao.get(**key)
        except (ConnectionError, TimeoutError) as error:
            raise as_read_error(self.name, dao, error) from error

    async def apply_record(self, verb: Verb, collection: str, record: Any, session: object) -> Outcome:
        """Let the DAO add, update or remove the record.

        Raises StoreUnavailable or StoreTimeout with ``is_outcome_unknown`` where nobody knows whether it was done:
        after any error that is no definite no of the DAO.
        """
        self.demand(verb, collection)
        dao = self.access_of(collection)
        try:
            with acting_for(session):
                answer = await getattr(dao, verb.value)(record)
        except Exception as error:
            told = as_store_error(self.name, dao, verb.value, error)
            if told is error:
                raise
            raise told from error
        return APPLIED if answer is None else Outcome(answer=answer)

    async def fetch(self, query: AnyQuery) -> Rows:
        """Refused with Unsupported."""
        self._refuse("queries", f"write a @query function for {query.collection}, or ask for records by key")

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Refused with Unsupported: DAOs take records."""
        self._refuse("changes without records", "only a session can write here")

    async def close(self) -> None:
        """Nothing is held here; resources of a DAO are closed by the code that made it."""

    def _refuse(self, feature: str, advice: str) -> NoReturn:
        raise Unsupported(self.name, feature, advice)
