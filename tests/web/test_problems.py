"""Every error of ours as the problem a client is told of, or as our own failure."""

from __future__ import annotations

import ast
import datetime as dt
import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import msgspec
import pytest

import holdall
import holdall.errors as errors
from holdall import Holdall, Model, field
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


class Told(NamedTuple):
    """The answer to an error, by what was asked: a change, one record, a list. None where the answer is ``failure``."""

    error: Any
    change: Answer | None
    one: Answer | None
    many: Answer | None


Answer: TypeAlias = tuple[int, str]


def same(error: Any, answer: Answer | None) -> Told:
    return Told(error, answer, answer, answer)


def refused(error: Any, answer: Answer) -> Told:
    """What refuses a change cannot be the fault of who only reads."""
    return Told(error, answer, _AWAY, _AWAY)


_AWAY = (503, "unavailable")

EXPECTED: dict[str, Told] = {
    "HoldallError": same(errors.HoldallError(SECRET), None),
    "DeclarationError": same(errors.DeclarationError(SECRET), None),
    "ValidationError": same(
        errors.ValidationError("Book", [FieldError("title", "type", "must be text")]), (422, "invalid")
    ),
    "FrozenError": same(errors.FrozenError("Book", "isbn", "new"), (422, "invalid")),
    "QueryError": same(errors.QueryError(SECRET), (422, "query")),
    "LimitExceeded": Told(errors.LimitExceeded("rows", 7), (422, "limit"), None, (422, "limit")),
    "NotFound": same(errors.NotFound("books", SECRET), (404, "not-found")),
    "NotLoaded": same(errors.NotLoaded("Author", "name"), None),
    "StateError": same(errors.StateError(SECRET), None),
    "Forbidden": same(errors.Forbidden("read", "books"), None),  # needs to know who asked: see rights
    "ActionUnavailable": same(errors.ActionUnavailable("vote", "books", SECRET), None),  # the same
    "StoreError": same(errors.StoreError("main", SECRET), None),
    "Unsupported": Told(
        errors.Unsupported("main", "sorting"), (501, "unsupported"), (501, "unsupported"), (422, "unsupported")
    ),
    "ReadOnly": Told(
        errors.ReadOnly("main", "books"), (501, "unsupported"), (501, "unsupported"), (422, "unsupported")
    ),
    "StoreUnavailable": same(errors.StoreUnavailable("main", SECRET), _AWAY),
    "StoreFull": refused(errors.StoreFull("main", SECRET), (507, "full")),
    "UpstreamError": same(errors.UpstreamError("main", SECRET), (502, "upstream")),
    "StoreTimeout": same(errors.StoreTimeout("main", SECRET), (504, "timeout")),
    "Refused": Told(errors.Refused("a new book is on no loan"), (409, "refused"), None, None),
    "FileMissing": same(errors.FileMissing("main"), (500, "missing-content")),
    "SchemaMismatch": same(errors.SchemaMismatch("main", [SECRET]), None),
    "UnknownFormat": same(errors.UnknownFormat("main", SECRET, 9, 1), None),
    "CorruptRecord": same(errors.CorruptRecord("main", SECRET, SECRET), None),
    "Conflict": refused(errors.Conflict("main", SECRET), (409, "conflict")),
    "UniqueViolation": refused(errors.UniqueViolation("main", "books", ["isbn"]), (409, "unique")),
    "AlreadyExists": refused(errors.AlreadyExists("main", "books", ["id"]), (409, "exists")),
    "CheckViolation": refused(errors.CheckViolation("main", "books", SECRET, ["price"]), (422, "invalid")),
    "ReferenceViolation": refused(errors.ReferenceViolation("main", "books", ["author"]), (422, "invalid")),
    "StillReferenced": refused(
        errors.StillReferenced("main", [Refusal("books", "author", "authors", 2, (SECRET,))]), (409, "reference")
    ),
    "StaleVersion": refused(STALE, (409, "stale")),
    "LockConflict": refused(errors.LockConflict("main", SECRET), (409, "busy")),
    "Reserved": refused(errors.Reserved("main", [RESERVATION], "books"), (409, "busy")),
    "NoThumbnail": same(errors.NoThumbnail("it is no picture that is read"), (422, "no-thumbnail")),
    "UnknownCommand": same(errors.UnknownCommand("loans.lend", SECRET), (404, "not-found")),
    "RevisionError": same(errors.RevisionError("main", SECRET), None),
    "CommitError": same(errors.CommitError(SECRET, RESULT), None),
    "CommitAborted": same(caused(errors.CommitAborted(SECRET, RESULT), STALE), (409, "stale")),
    "CommitPartial": same(
        caused(errors.CommitPartial(SECRET, RESULT), errors.Conflict("main", SECRET)), (503, "partly-done")
    ),
    "CommitPending": same(errors.CommitPending(SECRET, RESULT), (202, "pending")),
    "CommitUnknown": same(errors.CommitUnknown(SECRET, RESULT), (503, "outcome-unknown")),
}
ASKED = {"change": {}, "one": {"is_read": True}, "many": {"is_read": True, "has_query": True}}


def _below(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*map(_below, kind.__subclasses__()))


def test_the_table_is_complete() -> None:
    for module in pkgutil.walk_packages(holdall.__path__, "holdall."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    assert set(EXPECTED) == {
        kind.__name__ for kind in _below(errors.HoldallError) if kind.__module__.startswith("holdall.")
    }


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_answer_says_whose_fault_an_error_is_and_nothing_of_what_it_knows(name: str, asked: str) -> None:
    problem = problem_of(EXPECTED[name].error, **ASKED[asked])
    assert (problem and (problem.status, problem.code)) == getattr(EXPECTED[name], asked)
    if problem is not None:
        document = msgspec.json.decode(problem.document())
        assert document["status"] == problem.status
        assert document["type"] == f"urn:holdall:{problem.code}"
        assert SECRET.encode() not in problem.document()
        assert "main" not in document["detail"]


def test_the_bound_of_a_store_is_not_the_fault_of_who_asks() -> None:
    full = errors.LimitExceeded("records", 7, is_of_store=True)
    for asked in ASKED.values():
        problem = problem_of(full, **asked)
        assert problem is not None
        assert (problem.status, problem.code) == (507, "full")


def test_a_commit_that_took_too_long_is_told_as_such() -> None:
    problem = problem_of(caused(errors.CommitAborted(SECRET, RESULT), TimeoutError()))
    assert problem is not None
    assert (problem.status, problem.code) == (504, "timeout")


def test_what_was_expected_makes_a_difference() -> None:
    stale = problem_of(STALE, is_conditional=True)
    assert stale is not None
    assert stale.status == 412


@pytest.mark.parametrize("error", [errors.StoreUnavailable("main", ""), errors.LockConflict("main", "")])
def test_what_may_be_repeated_says_when(error: errors.HoldallError) -> None:
    problem = problem_of(error)
    assert problem is not None
    assert problem.headers == ((b"retry-after", b"1"),)


def _problems_in_sources() -> set[Answer]:
    """Every status and code that stand together in a call of Problem, a choice between two statuses as both."""
    found: set[Any] = set()
    for path in Path(holdall.__file__).parent.glob("web/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                status, code = node.args[:2]
                assert isinstance(code, ast.Constant)
                choices = [status.body, status.orelse] if isinstance(status, ast.IfExp) else [status]
                found |= {(choice.value, code.value) for choice in choices if isinstance(choice, ast.Constant)}
    return found


def _problems_in_documents() -> set[Answer]:
    text = (Path(__file__).parents[2] / "docs/http.md").read_text()
    rows = re.findall(r"^\| (\d{3}) \| (.+) \|$", text, re.MULTILINE)
    codes = {(int(status), code) for status, told in rows for code in re.findall(r"`([a-z-]+)`", told)}
    return codes - {(500, "instance")}


def test_every_problem_is_in_the_documents() -> None:
    assert _problems_in_sources() == _problems_in_documents()


@pytest.mark.parametrize(
    "asked, operations",
    {
        "change": [
            ("/books", "post"),
            ("/books", "patch"),
            ("/books", "delete"),
            ("/books/{key}", "put"),
            ("/books/{key}", "patch"),
            ("/books/{key}", "delete"),
        ],
        "one": [("/books/{key}", "get")],
        "many": [("/books", "get")],
    }.items(),
)
def test_the_description_has_every_status(asked: str, operations: list[tuple[str, str]]) -> None:
    class Book(Model, collection="books"):
        id: int = field(pk=True)

    app = Holdall("library")
    app.add_store("main", "memory:")
    app.add(Book, store="main")
    paths: Any = app.asgi().openapi()["paths"]
    statuses = {
        str(answer[0])
        for told in EXPECTED.values()
        if (answer := getattr(told, asked)) and (asked == "change" or not isinstance(told.error, errors.CommitError))
    }
    for path, verb in operations:
        assert statuses <= set(paths[path][verb]["responses"])


def test_a_document_is_bounded_and_always_text() -> None:
    wrong = [FieldError("p\ud800" * 10_000, "x", "m" * 10_000)] * 1_000
    document = Problem(422, "invalid", "Wrong.", wrong).document()
    assert len(document) < 100_000
    assert len(msgspec.json.decode(document)["errors"]) == 100
