"""The books that are kept in several stores at once, and how a store of each kind is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from holdall import Holdall, Model, field
from holdall.session import Compensate

__all__ = ["ACCOUNTS", "ENTRIES", "KINDS", "World"]


_LEASE_SECONDS = 0.05  # of one that was killed, nobody need wait longer


class SqliteEntry(Model):
    id: str = field(pk=True, length=(1, 60))
    amount: int


class SqliteAccount(Model):
    id: str = field(pk=True, length=(1, 60))
    total: int
    version: int = field(version=True)


class PostgresEntry(Model):
    id: str = field(pk=True, length=(1, 60))
    amount: int


class PostgresAccount(Model):
    id: str = field(pk=True, length=(1, 60))
    total: int
    version: int = field(version=True)


class RedisEntry(Model):
    id: str = field(pk=True, length=(1, 60))
    amount: int


class RedisAccount(Model):
    id: str = field(pk=True, length=(1, 60))
    total: int
    version: int = field(version=True)


class YamlEntry(Model):
    id: str = field(pk=True, length=(1, 60))
    amount: int


class YamlAccount(Model):
    id: str = field(pk=True, length=(1, 60))
    total: int
    version: int = field(version=True)


class IdempEntry(Model):
    id: str = field(pk=True, length=(1, 60))
    amount: int


class IdempAccount(Model):
    id: str = field(pk=True, length=(1, 60))
    total: int
    version: int = field(version=True)


class OnceEntry(Model):
    id: str = field(pk=True, length=(1, 60))
    amount: int


ENTRIES: Mapping[str, Any] = {
    "sqlite": SqliteEntry,
    "postgres": PostgresEntry,
    "redis": RedisEntry,
    "yaml": YamlEntry,
    "idemp": IdempEntry,
    "once": OnceEntry,
}
ACCOUNTS: Mapping[str, Any] = {
    "sqlite": SqliteAccount,
    "postgres": PostgresAccount,
    "redis": RedisAccount,
    "yaml": YamlAccount,
    "idemp": IdempAccount,
}
KINDS = tuple(ENTRIES)


class World(msgspec.Struct, frozen=True):
    """Stores of these kinds, empty to begin with. ``urls`` are servers, by kind; ``api`` is where the APIs listen."""

    name: str
    kinds: tuple[str, ...]
    folder: str
    urls: dict[str, str] = {}
    api: str = ""

    def app(self) -> Holdall:
        """The application over all of them."""
        app = Holdall(self.name, journal=f"sqlite:///{Path(self.folder) / 'journal.db'}", lease=_LEASE_SECONDS)
        for kind in self.kinds:
            self._add_store(app, kind)
            app.add(ENTRIES[kind], store=kind, compensation=Compensate.INVERSE if kind == "idemp" else None)
            if kind in ACCOUNTS:
                app.add(ACCOUNTS[kind], store=kind, compensation=Compensate.INVERSE if kind == "idemp" else None)
        return app

    def _add_store(self, app: Holdall, kind: str) -> None:
        match kind:
            case "sqlite":
                app.add_store(kind, f"sqlite:///{Path(self.folder) / 'books.db'}")
            case "postgres":
                app.add_store(kind, self.urls[kind], connections=3)
            case "redis":
                app.add_store(kind, self.urls[kind], prefix=self.name, scan_limit=10_000)
            case "yaml":
                app.add_store(kind, f"yaml:{Path(self.folder) / 'books'}", layout="collection")
            case _:
                self._add_api(app, kind)

    def _add_api(self, app: Holdall, kind: str) -> None:
        from holdall.query import Op
        from holdall.stores.rest import BodyVersion, Call, Filters, RestCollection

        call = Call(idempotency_key="Idempotency-Key") if kind == "idemp" else Call()
        declared = {}
        for model in (books[kind] for books in (ENTRIES, ACCOUNTS) if kind in books):
            name = model.__holdall__.collection
            declared[name] = RestCollection(
                path=f"/{kind}/{self.name}/{name}/{{id}}",
                add=call,
                update=call,
                remove=call,
                version=BodyVersion(is_sent=True) if model.__holdall__.version is not None else None,
                filters=Filters(operators={Op.IN: "id", Op.EQ: "id"}),
            )
        app.add_store(kind, self.api, commit=kind, collections=declared)
