"""From a URL and options to a MongoDB store, without asking the server."""

from __future__ import annotations

import msgspec

from holdall.errors import DeclarationError
from holdall.store import PoolOptions, options_of
from holdall.stores.mongo.collection import MongoCollection
from holdall.stores.mongo.connection import Address, Connection
from holdall.stores.mongo.layout import Layouts
from holdall.stores.mongo.reading import Bounds
from holdall.stores.mongo.store import MongoStore, StandaloneMongoStore

__all__ = ["MongoOptions", "open_mongo"]


class MongoOptions(PoolOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a MongoDB database is used; see ``PoolOptions`` for the words that are not named here.

    ``transactions`` says whether the deployment has them: a replica set or a sharded cluster has, a single server has
    not. Left out, it is taken from the URL (``replicaSet=``, several hosts, or ``mongodb+srv``); the first use looks.
    ``timeout`` bounds each call, ``connect_timeout`` finding a server as well. ``max_keys`` bounds the keys that a
    condition through a reference may bring, ``max_rows`` the records that are sorted outside the database.
    ``collections`` holds options of single collections.

    Example: :func:`open_mongo`.
    """

    transactions: bool | None = None
    connections: int = 20
    timeout: float = 30.0
    idle_timeout: float | None = None
    max_keys: int = 100_000
    max_rows: int = 100_000
    collections: dict[str, MongoCollection] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.max_keys, self.max_rows) <= 0:
            raise DeclarationError("the bounds of a MongoDB store must be above zero")


def open_mongo(name: str, url: str, **options: object) -> MongoStore | StandaloneMongoStore:
    """Open the store at ``mongodb://host:port/database`` or ``mongodb+srv://host/database``; no connection is made.

    Parameters of the URL (``replicaSet``, ``tls``, ``authSource`` …) go to the driver; the options are those of
    ``MongoOptions``. Raises DeclarationError for a URL without a database or a wrong option.

    >>> store = open_mongo("main", "mongodb://127.0.0.1:27017/library?replicaSet=rs0", timeout=10.0)
    >>> type(store).__name__
    'MongoStore'
    """
    given = options_of(MongoOptions, name, options)
    address = Address.of(name, url)
    has_transactions = address.may_have_transactions if given.transactions is None else given.transactions
    connection = Connection(
        name,
        address,
        needs_transactions=has_transactions,
        options=given,
        idle_timeout=given.idle_timeout,
    )
    layouts = Layouts(name, given.collections)
    kind = MongoStore if has_transactions else StandaloneMongoStore
    return kind(name, connection, layouts, Bounds(given.max_keys, given.max_rows), given.connections)
