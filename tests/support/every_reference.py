"""A model with a reference of every kind, and what it must do, told with plain dicts."""

from __future__ import annotations

import copy
from typing import Any

from holdall import Fill, Holdall, Many, Model, OnDelete, Ref, back, field
from tests.support.library import OPEN


class Author(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("author", on_delete=OnDelete.CASCADE)


class Shelf(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("shelf", fill=Fill.STORED, on_delete=OnDelete.UNLINK)
    version: int = field(version=True)


class Tag(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("tags", on_delete=OnDelete.UNLINK)


class Genre(Model):
    id: int = field(pk=True)
    books: Many[Book] = back("genres", fill=Fill.STORED)


class Book(Model):
    id: int = field(pk=True)
    author: Ref[Author]
    shelf: Ref[Shelf | None] = field(default=None)
    tags: Many[Tag] = field(default=())
    genres: Many[Genre] = field(default=())
    version: int = field(version=True)


class Person(Model):
    id: int = field(pk=True)
    passport: Ref[Passport | None] = back("owner", on_delete=OnDelete.CASCADE)
    locker: Ref[Locker | None] = back("owner", fill=Fill.STORED, on_delete=OnDelete.UNLINK)


class Passport(Model):
    id: int = field(pk=True)
    owner: Ref[Person | None] = field(default=None)


class Locker(Model):
    id: int = field(pk=True)
    owner: Ref[Person | None] = field(default=None)


class Node(Model):
    id: int = field(pk=True)
    parent: Ref[Node | None] = field(default=None)
    children: Many[Node] = back("parent", on_delete=OnDelete.CASCADE)


class Team(Model):
    id: int = field(pk=True)
    captain: Ref[Player | None] = field(default=None, on_delete=OnDelete.UNLINK)
    players: Many[Player] = back("team", on_delete=OnDelete.CASCADE)


class Player(Model):
    id: int = field(pk=True)
    team: Ref[Team]
    mentor: Ref[Player | None] = field(default=None)


MODELS: list[Any] = [Author, Shelf, Tag, Genre, Book, Person, Passport, Locker, Node, Team, Player]
_APART = ["memory", "files", "table", "memory", "table", "files", "table", "memory", "files", "table", "memory"]
_TURNED = ["table", "table", "memory", "files", "files", "memory", "memory", "files", "table", "files", "table"]
LAYOUTS = {
    "together": dict.fromkeys(MODELS, "table"),
    "apart": dict(zip(MODELS, _APART, strict=True)),
    "turned": dict(zip(MODELS, _TURNED, strict=True)),
}
FRONTS = {
    (Book, "author"): (Author, "books", OnDelete.CASCADE),
    (Book, "shelf"): (Shelf, "books", OnDelete.UNLINK),
    (Book, "tags"): (Tag, "books", OnDelete.UNLINK),
    (Book, "genres"): (Genre, "books", OnDelete.RESTRICT),
    (Passport, "owner"): (Person, "passport", OnDelete.CASCADE),
    (Locker, "owner"): (Person, "locker", OnDelete.UNLINK),
    (Node, "parent"): (Node, "children", OnDelete.CASCADE),
    (Team, "captain"): (Player, None, OnDelete.UNLINK),
    (Player, "team"): (Team, "players", OnDelete.CASCADE),
    (Player, "mentor"): (Player, None, OnDelete.RESTRICT),
}
"""Every stored reference: where it leads, its other end, what a removal does."""

STORED = {(Shelf, "books"), (Genre, "books"), (Person, "locker")}
SINGLE = {(Passport, "owner"), (Locker, "owner")}
MANY = {(Book, "tags"), (Book, "genres")}
REQUIRED = {(Book, "author"), (Player, "team")}


def club(layout: str, folder: Any) -> Holdall:
    app = Holdall("club")
    OPEN.append(app)
    app.add_store("memory", "memory:")
    app.add_store("table", f"sqlite:///{folder}/{layout}.db")
    app.add_store("files", f"yaml:{folder}/{layout}")
    for model, store in LAYOUTS[layout].items():
        app.add(model, store=store)
    return app


class Refused(Exception):
    """What the oracle says of a commit that must not happen."""


class Oracle:
    """The fronts of all references: model → key → field → key or list of keys."""

    def __init__(self) -> None:
        self.stored: dict[Any, dict[int, dict[str, Any]]] = {model: {} for model in MODELS}
        self.now = copy.deepcopy(self.stored)

    def rollback(self) -> None:
        self.now = copy.deepcopy(self.stored)

    def holders(self, model: Any, name: str, key: int) -> list[int]:
        """Who refers to the key in what is there now."""
        many = (model, name) in MANY
        return [own for own, row in self.now[model].items() if (key in row[name] if many else row[name] == key)]

    def leads(self, model: Any, name: str, own: int, key: int) -> bool:
        return own in self.holders(model, name, key)

    def point(self, model: Any, name: str, own: int, key: int) -> None:
        row = self.now[model][own]
        if (model, name) not in MANY:
            row[name] = key
        elif key not in row[name]:
            row[name] = [*row[name], key]

    def cut(self, model: Any, name: str, own: int, key: int) -> None:
        row = self.now[model][own]
        if (model, name) in MANY:
            row[name] = [item for item in row[name] if item != key]
        elif row[name] == key:
            row[name] = None

    def commit(self) -> None:
        """Do what the rules say, or raise Refused and leave everything as it was stored."""
        before, now = self.stored, self.now
        removed = {model: set(before[model]) - set(now[model]) for model in MODELS}
        added = {model: set(now[model]) - set(before[model]) for model in MODELS}

        try:
            self._cascade(removed)
            self._give_way(added)
            self._restrict_and_unlink(removed)
            self._exist()
        except Refused:
            self.rollback()
            raise
        self.stored = copy.deepcopy(now)

    def stood(self, model: Any, name: str, own: int, key: int) -> bool:
        """Whether the record refers to the key as it is stored; if it does not, a reference to it is a new one."""
        row = self.stored[model].get(own)
        return row is not None and (key in row[name] if (model, name) in MANY else row[name] == key)

    def _cascade(self, removed: Any) -> None:
        """Remove what refers to what is removed and did so before. New references are left, for ``_exist`` to find."""
        pending = [(model, key) for model in MODELS for key in removed[model]]
        while pending:
            target, key = pending.pop()
            for (model, name), (leads, _, rule) in FRONTS.items():
                if leads is target and rule is OnDelete.CASCADE:
                    for own in self.holders(model, name, key):
                        if self.stood(model, name, own, key):
                            del self.now[model][own]
                            removed[model].add(own)
                            pending.append((model, own))

    def _give_way(self, added: Any) -> None:
        for model, name in SINGLE:
            takers: dict[int, int] = {}
            for own, row in self.now[model].items():
                is_changed = own in added[model] or self.stored[model][own][name] != row[name]
                if row[name] is not None and is_changed:
                    if row[name] in takers:
                        raise Refused
                    takers[row[name]] = own
            for own, row in self.now[model].items():
                if takers.get(row[name], own) != own:
                    row[name] = None

    def _restrict_and_unlink(self, removed: Any) -> None:
        for (model, name), (target, _, rule) in FRONTS.items():
            for key in removed[target]:
                for own in self.holders(model, name, key):
                    if rule is OnDelete.RESTRICT:
                        raise Refused
                    if self.stood(model, name, own, key):
                        self.cut(model, name, own, key)

    def _exist(self) -> None:
        """Refuse references to what is not there: also new ones to what is removed, whatever their rule says."""
        for (model, name), (target, _, _) in FRONTS.items():
            for row in self.now[model].values():
                keys = row[name] if (model, name) in MANY else [row[name]]
                if any(key is not None and key not in self.now[target] for key in keys):
                    raise Refused

    def lists(self, model: Any, name: str) -> dict[int, list[int]]:
        """What a stored other end must hold, sorted."""
        front = next(front for front, (target, back_name, _) in FRONTS.items() if (target, back_name) == (model, name))
        return {key: sorted(self.holders(*front, key)) for key in self.now[model]}
