"""Every error a driver can raise has a meaning; a new one in a new version fails here."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import apsw
import asyncmy.errors
import asyncpg
import pytest

from holdall.errors import AlreadyExists, HoldallError, QueryError, ReferenceViolation, UniqueViolation, ValidationError
from holdall.stores.sql.errors import MYSQL, SQLITE, Meaning, error_of, postgresql_meaning, violation_of
from holdall.stores.sql.layout import Rule


def test_every_apsw_error_is_mapped() -> None:
    names = {name for name, kind in vars(apsw).items() if inspect.isclass(kind) and issubclass(kind, apsw.Error)}
    assert len(names) > 30
    assert names == set(SQLITE)


def _states() -> Iterator[tuple[str, str]]:
    for name, kind in vars(asyncpg.exceptions).items():
        state = getattr(kind, "sqlstate", None)
        if state is not None and issubclass(kind, asyncpg.PostgresError):
            yield name, state


def test_every_sqlstate_of_asyncpg_is_mapped() -> None:
    states = list(_states())
    assert len(states) > 200
    assert [name for name, state in states if postgresql_meaning(state) is None] == []


def _kind(number: int) -> type[Exception]:
    """The class asyncmy raises for an error packet with this number."""
    try:
        asyncmy.errors.raise_mysql_exception(b"\xff" + number.to_bytes(2, "little") + b"#HY000message")
    except Exception as error:
        return type(error)
    raise AssertionError("no error was raised")


def test_every_error_number_asyncmy_gives_a_class_is_mapped() -> None:
    given = {number: _kind(number) for number in range(1000, 4100)}
    usual = {asyncmy.errors.OperationalError, asyncmy.errors.InternalError}
    told = [number for number, kind in given.items() if kind not in usual]
    assert len(told) > 30
    assert [number for number in told if number not in MYSQL] == []


@pytest.mark.parametrize("meaning", list(Meaning))
@pytest.mark.parametrize("collection", [None, "book"])
def test_every_meaning_has_an_error(meaning: Meaning, collection: str | None) -> None:
    error = error_of(meaning, "main", "X", collection, 3)
    assert isinstance(error, HoldallError)
    assert "{}" not in str(error)


def test_a_bad_value_is_the_querys_or_the_records() -> None:
    assert isinstance(error_of(Meaning.VALUE, "main", "X"), QueryError)
    assert isinstance(error_of(Meaning.VALUE, "main", "X", "book"), ValidationError)


@pytest.mark.parametrize(
    "kind, expected", [("key", AlreadyExists), ("unique", UniqueViolation), ("reference", ReferenceViolation)]
)
def test_broken_rules(kind: str, expected: Any) -> None:
    error = violation_of("main", Rule(kind, "book", ("isbn",)), 4)
    assert type(error) is expected
    assert (error.position, error.store) == (4, "main")
