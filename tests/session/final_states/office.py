"""People, their rooms, superiors and passports: records that hold each other's values, and what a dictionary says.

A state is a dictionary of rows by model and key. ``drawn`` gives the next one, ``is_legal`` says whether a store may
hold it, ``edit`` makes of the difference the edits of a session. Nothing here asks any store.
"""

from __future__ import annotations

from random import Random
from typing import Any

from holdall import Model, Ref, Session, back, field

__all__ = ["MODELS", "Office", "drawn", "edit", "is_legal", "row_of"]


class Desk(Model):
    code: str = field(pk=True)
    label: str | None = field(default=None, unique=True)


class Person(Model, unique=[("room", "seat")]):
    id: int = field(pk=True)
    email: str = field(unique=True)
    nick: str | None = field(default=None, unique=True)
    room: str = field(default="a")
    seat: int = field(default=0)
    desk: Ref[Desk | None] = field(default=None, index=True)
    boss: Ref[Person | None] = field(default=None, index=True)
    passport: Ref[Passport | None] = back("owner")
    version: int = field(version=True)


class Passport(Model):
    id: int = field(pk=True)
    owner: Ref[Person]  # unique, as its other end is single


MODELS: list[Any] = [Desk, Person, Passport]
FIELDS: dict[Any, tuple[str, ...]] = {
    Desk: ("label",),
    Person: ("email", "nick", "room", "seat", "desk", "boss"),
    Passport: ("owner",),
}
UNIQUE: dict[Any, list[tuple[str, ...]]] = {
    Desk: [("label",)],
    Person: [("email",), ("nick",), ("room", "seat")],
    Passport: [("owner",)],
}
REFERENCES: dict[Any, dict[str, Any]] = {Desk: {}, Person: {"desk": Desk, "boss": Person}, Passport: {"owner": Person}}
KEY_OF: dict[Any, str] = {Desk: "code", Person: "id", Passport: "id"}
KEYS: dict[Any, list[Any]] = {Desk: ["x", "y", "z"], Person: [1, 2, 3, 4, 5], Passport: [1, 2, 3, 4]}

Row = dict[str, Any]
Office = dict[Any, dict[Any, Row]]


def is_legal(office: Office) -> bool:
    """Whether values are unique, but for missing ones, and every reference leads to a record."""
    for model, rows in office.items():
        for rule in UNIQUE[model]:
            held = [tuple([row[name] for name in rule]) for row in rows.values()]
            given = [values for values in held if None not in values]
            if len(set(given)) < len(given):
                return False
        for name, target in REFERENCES[model].items():
            if any(row[name] is not None and row[name] not in office[target] for row in rows.values()):
                return False
    return True


def drawn(office: Office, rng: Random) -> Office:
    """Another state near this one, legal or not: values are handed round, records go, come, and are replaced."""
    after = {model: {key: dict(row) for key, row in rows.items()} for model, rows in office.items()}
    for _ in range(rng.randint(1, 4)):
        rng.choice((_rotate, _rotate, _replace, _change, _change, _change, _leave))(after, rng)
    return after


def _rotate(office: Office, rng: Random) -> None:
    """Let some records of a model hand a value round."""
    model = rng.choice(MODELS)
    rule = rng.choice(UNIQUE[model])
    keys = rng.sample(sorted(office[model]), min(len(office[model]), rng.randint(2, 4)))
    held = [[office[model][key][name] for name in rule] for key in keys]
    for key, values in zip(keys, held[1:] + held[:1], strict=True):
        office[model][key].update(zip(rule, values, strict=True))


def _replace(office: Office, rng: Random) -> None:
    """Let a record go, and another, or a new one of its key, take what it had."""
    model = rng.choice(MODELS)
    if office[model]:
        gone = rng.choice(sorted(office[model]))
        row = office[model].pop(gone)
        key = rng.choice(KEYS[model])
        if rng.random() < 0.8:
            for name, target in REFERENCES[model].items():
                if row[name] not in office[target]:
                    row[name] = None if name != "owner" else rng.choice(KEYS[Person])
            office[model][key] = row


def _change(office: Office, rng: Random) -> None:
    model = rng.choice(MODELS)
    key = rng.choice(KEYS[model])
    row = office[model].setdefault(key, _new(model, rng))
    name = rng.choice(FIELDS[model])
    row[name] = _new(model, rng)[name]


def _leave(office: Office, rng: Random) -> None:
    """Let some people go, and mostly what refers to them, so that circles go together."""
    for key in rng.sample(sorted(office[Person]), min(len(office[Person]), rng.randint(1, 2))):
        del office[Person][key]
    if rng.random() < 0.8:
        for row in office[Person].values():
            row["boss"] = row["boss"] if row["boss"] in office[Person] else None
        office[Passport] = {key: row for key, row in office[Passport].items() if row["owner"] in office[Person]}


def _new(model: Any, rng: Random) -> Row:
    if model is Desk:
        return {"label": rng.choice((None, "n", "s", "w"))}
    if model is Passport:
        return {"owner": rng.choice(KEYS[Person])}
    return {
        "email": rng.choice("abcdefgh"),
        "nick": rng.choice((None, "i", "j", "k", "l")),
        "room": rng.choice("ab"),
        "seat": rng.randint(0, 3),
        "desk": rng.choice((None, *KEYS[Desk])),
        "boss": rng.choice((None, *KEYS[Person])),
    }


async def edit(session: Session, before: Office, after: Office, rng: Random) -> None:
    """Turn one state into the other, in any order of edits."""
    steps: list[tuple[Any, Any]] = [(model, key) for model in MODELS for key in {*before[model], *after[model]}]
    steps = sorted(steps, key=repr)
    rng.shuffle(steps)
    for model, key in steps:
        old, new = before[model].get(key, {}), after[model].get(key, {})
        if old == new:
            continue
        if not old:
            session.add(model(**{KEY_OF[model]: key}, **new))
            continue
        record = await session.require(model, key)
        if not new:
            session.remove(record)
        elif rng.random() < 0.3:  # all of it anew
            session.remove(record)
            session.add(model(**{KEY_OF[model]: key}, **new))
        else:
            for name in FIELDS[model]:
                if old[name] != new[name]:
                    setattr(record, name, new[name])


def row_of(record: Any) -> Row:
    """The row of a record, as a state has it."""
    references = REFERENCES[type(record)]
    return {
        name: (value.key if value is not None else None) if name in references else value
        for name in FIELDS[type(record)]
        for value in (getattr(record, name),)
    }
