"""Every error the driver can raise has a meaning; a new one in a new version fails here."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any

import bson.errors
import pymongo.errors
import pytest
from pymongo import helpers_shared
from pymongo.errors import AutoReconnect, BulkWriteError, OperationFailure, ServerSelectionTimeoutError

from holdall.errors import HoldallError, QueryError, StoreError, StoreTimeout, StoreUnavailable, ValidationError
from holdall.stores.mongo.errors import CLASSES, CODES, Meaning, error_of, is_unsure, meaning_of


def _errors(module: ModuleType) -> set[str]:
    found = {name for name, kind in vars(module).items() if inspect.isclass(kind) and issubclass(kind, Exception)}
    assert len(found) > 4
    return found


def test_every_error_of_the_driver_is_mapped() -> None:
    raised = _errors(pymongo.errors) | _errors(bson.errors)
    assert raised == set(CLASSES) - {"UnicodeEncodeError", "OverflowError"}


def test_every_code_the_driver_treats_on_its_own_is_mapped() -> None:
    known: set[int] = {*helpers_shared._NOT_PRIMARY_CODES, *helpers_shared._RETRYABLE_ERROR_CODES}
    known |= {*helpers_shared._SHUTDOWN_CODES, helpers_shared._REAUTHENTICATION_REQUIRED_CODE}
    assert len(known) > 10
    assert known - set(CODES) == set()


def _with(code: int, kind: Any = OperationFailure) -> OperationFailure:
    error: OperationFailure = kind("x", code, {"code": code})
    return error


_EXAMPLES: dict[Meaning, Exception] = {
    Meaning.UNIQUE: _with(11000),
    Meaning.RULE: _with(121),
    Meaning.RETRY: _with(112),
    Meaning.VALUE: OverflowError("too large"),
    Meaning.SCHEMA: _with(26),
    Meaning.TIMEOUT: _with(50),
    Meaning.UNAVAILABLE: AutoReconnect("gone"),
    Meaning.FULL: _with(14031),
    Meaning.CORRUPT: bson.errors.InvalidBSON("x"),
    Meaning.DENIED: _with(13),
    Meaning.NO_TRANSACTIONS: _with(20),
    Meaning.DEFECT: _with(99_999),
}


@pytest.mark.parametrize("meaning", list(Meaning))
@pytest.mark.parametrize("is_writing", [False, True])
def test_every_meaning_has_an_error_that_repeats_nothing(meaning: Meaning, is_writing: bool) -> None:
    example = _EXAMPLES[meaning]
    assert meaning_of(example) is meaning
    error = error_of("main", example, collection="book", is_writing=is_writing)
    assert isinstance(error, HoldallError)
    assert str(example) not in str(error).split()
    assert "{}" not in str(error)


def test_a_bad_value_is_the_querys_or_the_records() -> None:
    assert isinstance(error_of("main", OverflowError()), QueryError)
    assert isinstance(error_of("main", OverflowError(), collection="book", is_writing=True), ValidationError)


def test_a_bulks_error_means_what_its_first_refusal_means() -> None:
    assert meaning_of(BulkWriteError({"writeErrors": [{"code": 11000}]})) is Meaning.UNIQUE
    assert meaning_of(BulkWriteError({"writeErrors": [], "writeConcernErrors": [{"code": 64}]})) is Meaning.UNAVAILABLE
    assert meaning_of(BulkWriteError({"writeErrors": []})) is Meaning.DEFECT


@pytest.mark.parametrize(
    "error, unsure",
    [
        (AutoReconnect("lost"), True),
        (AutoReconnect("lost", {"errorLabels": ["NoWritesPerformed"]}), False),
        (ServerSelectionTimeoutError("nobody there"), False),
        (_with(91), True),
        (_with(11000), False),
        (_with(13), False),
    ],
)
def test_only_a_write_that_may_have_arrived_is_unsure(error: Exception, unsure: bool) -> None:
    assert is_unsure(error) is unsure
    for is_writing in (False, True):
        ours: StoreError | HoldallError = error_of("main", error, is_writing=is_writing)
        if isinstance(ours, StoreUnavailable | StoreTimeout):
            assert ours.is_outcome_unknown is (unsure and is_writing)
