"""Every error of ours as the problem a client is told of, or as our own failure."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

import holdall.errors as errors
from holdall.errors import FieldError, Refusal
from holdall.store import Reservation
from holdall.web import Problem
from holdall.web.problem import problem_of

SECRET = "swordfish"


class _Result:
    tasks = ()


def caused(error: Exception, cause: Exception) -> Any:
    error.__cause__ = cause
    return error


RESULT: Any = _Result()
STALE = errors.StaleVersion("main", "books", SECRET)
RESERVATION = Reservation(SECRET, SECRET, "1", SECRET, SECRET, dt.datetime.max.replace(tzinfo=dt.UTC))

EXPECTED: dict[str, tuple[Any, int | None]] = {
    "HoldallError": (errors.HoldallError(SECRET), None),
    "DeclarationError": (errors.DeclarationError(SECRET), None),
    "ValidationError": (errors.ValidationError("Book", [FieldError("title", "type", "must be text")]), 422),
    "FrozenError": (errors.FrozenError("Book", "isbn", "new"), 422),
    "QueryError": (errors.QueryError(SECRET), 422),
    "LimitExceeded": (errors.LimitExceeded("rows", 7), 422),
    "NotFound": (errors.NotFound("books", SECRET), 404),
    "NotLoaded": (errors.NotLoaded("Author", "name"), None),
    "StateError": (errors.StateError(SECRET), 409),
    "Forbidden": (errors.Forbidden("read", "books"), None),  # needs to know who asked: see rights
    "StoreError": (errors.StoreError("main", SECRET), None),
    "Unsupported": (errors.Unsupported("main", "sorting"), 501),
    "StoreUnavailable": (errors.StoreUnavailable("main", SECRET), 503),
    "UpstreamError": (errors.UpstreamError("main", SECRET), 502),
    "StoreTimeout": (errors.StoreTimeout("main", SECRET), 504),
    "SchemaMismatch": (errors.SchemaMismatch("main", [SECRET]), None),
    "UnknownFormat": (errors.UnknownFormat("main", SECRET, 9, 1), None),
    "CorruptRecord": (errors.CorruptRecord("main", SECRET, SECRET), None),
    "Conflict": (errors.Conflict("main", SECRET), 409),
    "UniqueViolation": (errors.UniqueViolation("main", "books", ["isbn"]), 409),
    "AlreadyExists": (errors.AlreadyExists("main", "books", ["id"]), 409),
    "ReferenceViolation": (errors.ReferenceViolation("main", "books", ["author"]), 409),
    "StillReferenced": (errors.StillReferenced("main", [Refusal("books", "author", "authors", 2, (SECRET,))]), 409),
    "StaleVersion": (STALE, 409),
    "LockConflict": (errors.LockConflict("main", SECRET), 409),
    "Reserved": (errors.Reserved("main", [RESERVATION], "books"), 409),
    "CommitError": (errors.CommitError(SECRET, RESULT), None),
    "CommitAborted": (caused(errors.CommitAborted(SECRET, RESULT), STALE), 409),
    "CommitPartial": (caused(errors.CommitPartial(SECRET, RESULT), errors.Conflict("main", SECRET)), 503),
    "CommitPending": (errors.CommitPending(SECRET, RESULT), 202),
    "CommitUnknown": (errors.CommitUnknown(SECRET, RESULT), 503),
}


def test_the_table_is_complete() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert set(EXPECTED) == {value.__name__ for value in classes if issubclass(value, errors.HoldallError)}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_error_is_told_without_what_it_knows(name: str) -> None:
    error, status = EXPECTED[name]
    problem = problem_of(error)
    assert (problem.status if problem else None) == status
    if problem is not None:
        document = msgspec.json.decode(problem.document())
        assert document["status"] == status
        assert document["type"].startswith("urn:holdall:")
        assert SECRET.encode() not in problem.document()
        assert "main" not in document["detail"]


def test_what_was_expected_and_asked_makes_a_difference() -> None:
    stale = problem_of(STALE, is_conditional=True)
    assert stale is not None
    assert stale.status == 412
    unsupported = problem_of(errors.Unsupported("main", "sorting"), is_read=True)
    assert unsupported is not None
    assert unsupported.status == 422
    unavailable = problem_of(errors.StoreUnavailable("main", ""))
    assert unavailable is not None
    assert unavailable.headers == ((b"retry-after", b"1"),)


def test_a_document_is_bounded_and_always_text() -> None:
    wrong = [FieldError("p\ud800" * 10_000, "x", "m" * 10_000)] * 1_000
    document = Problem(422, "invalid", "Wrong.", wrong).document()
    assert len(document) < 100_000
    assert len(msgspec.json.decode(document)["errors"]) == 100
