"""Accounts and their entries, kept in several stores at once: what a commit over them moves from one to the next.

Each commit leaves an entry of its own, with a unique id, in every store that it writes. So it can be told exactly what
was written by halves, was lost or was applied twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from holdall import Holdall, Many, Model, field

__all__ = ["FIRST_BALANCE", "KINDS", "MARKS", "VARIANTS", "Arena", "Books"]

KINDS = ("sqlite", "postgresql", "mariadb", "mongo", "redis", "yaml")
VARIANTS = ("versions", "entries", "linked")
"""With versions; without versions; with versions, lists of references and unique values."""

FIRST_BALANCE = 100
MARKS = 6  # records that lists of references lead to


class Entry0(Model):
    id: str = field(pk=True, length=(1, 60))
    account: int
    amount: int


class Entry1(Model):
    id: str = field(pk=True, length=(1, 60))
    account: int
    amount: int


class Entry2(Model):
    id: str = field(pk=True, length=(1, 60))
    account: int
    amount: int


class Account0(Model):
    id: int = field(pk=True)
    balance: int
    version: int = field(version=True)


class Account1(Model):
    id: int = field(pk=True)
    balance: int
    version: int = field(version=True)


class Account2(Model):
    id: int = field(pk=True)
    balance: int
    version: int = field(version=True)


class Loose0(Model):
    id: int = field(pk=True)
    note: str = field(default="", length=(0, 60))


class Loose1(Model):
    id: int = field(pk=True)
    note: str = field(default="", length=(0, 60))


class Loose2(Model):
    id: int = field(pk=True)
    note: str = field(default="", length=(0, 60))


class Mark0(Model):
    id: int = field(pk=True)


class Mark1(Model):
    id: int = field(pk=True)


class Mark2(Model):
    id: int = field(pk=True)


class Linked0(Model):
    id: int = field(pk=True)
    balance: int
    slot: str | None = field(default=None, length=(0, 20), unique=True)
    marks: Many[Mark0] = field(default=())
    version: int = field(version=True)


class Linked1(Model):
    id: int = field(pk=True)
    balance: int
    slot: str | None = field(default=None, length=(0, 20), unique=True)
    marks: Many[Mark1] = field(default=())
    version: int = field(version=True)


class Linked2(Model):
    id: int = field(pk=True)
    balance: int
    slot: str | None = field(default=None, length=(0, 20), unique=True)
    marks: Many[Mark2] = field(default=())
    version: int = field(version=True)


class Books(msgspec.Struct, frozen=True):
    """The models of one store."""

    entry: Any
    account: Any
    loose: Any
    mark: Any
    linked: Any

    def subject(self, variant: str) -> Any:
        """The model whose records commits of this variant change."""
        return {"versions": self.account, "entries": self.loose, "linked": self.linked}[variant]


SIDES = (
    Books(Entry0, Account0, Loose0, Mark0, Linked0),
    Books(Entry1, Account1, Loose1, Mark1, Linked1),
    Books(Entry2, Account2, Loose2, Mark2, Linked2),
)


class Arena(msgspec.Struct, frozen=True):
    """Two or three stores, empty to begin with; ``urls`` and ``kinds`` run in parallel.

    ``records`` is how many accounts each store has; ``lease`` in seconds, None for the default; ``layout`` is that of
    YAML.
    """

    name: str
    kinds: tuple[str, ...]
    urls: tuple[str, ...]
    folder: str
    variant: str = "versions"
    records: int = 10
    lease: float | None = None
    layout: str = "record"

    @property
    def sides(self) -> Sequence[int]:
        """The number of each store."""
        return range(len(self.kinds))

    @property
    def versioned(self) -> bool:
        """Whether its records have balances and versions."""
        return self.variant != "entries"

    def books(self, side: int) -> Books:
        """The models of a store."""
        return SIDES[side]

    def app(self) -> Holdall:
        """The application over all of them."""
        options: dict[str, Any] = {} if self.lease is None else {"lease": self.lease}
        app = Holdall(self.name, journal=f"sqlite:///{Path(self.folder) / 'journal.db'}", **options)
        for side, kind in enumerate(self.kinds):
            app.add_store(f"{kind}{side}", self.urls[side], **self._options(kind, side))
            books = self.books(side)
            app.add(books.entry, store=f"{kind}{side}")
            if self.variant == "linked":
                app.add(books.mark, store=f"{kind}{side}")
            app.add(books.subject(self.variant), store=f"{kind}{side}")
        return app

    def prefix(self, side: int) -> str:
        """What the names of its keys in Redis begin with."""
        return f"{self.name}-{side}"

    def _options(self, kind: str, side: int) -> Mapping[str, Any]:
        match kind:
            case "redis":
                return {"prefix": self.prefix(side), "scan_limit": 1_000_000}
            case "postgresql" | "mariadb":
                return {"connections": 5}
            case "yaml":
                return {"layout": self.layout}
        return {}

    async def begin(self, app: Holdall) -> None:
        """Create all of it, each store by itself: every account with the same balance, and no entries."""
        await app.create()
        for side in self.sides:
            books = self.books(side)
            async with app.session() as session:
                if self.variant == "linked":
                    session.add_all(books.mark(id=number) for number in range(MARKS))
                model = books.subject(self.variant)
                values: dict[str, Any] = {"balance": FIRST_BALANCE} if self.versioned else {}
                session.add_all(model(id=number, **values) for number in range(self.records))
