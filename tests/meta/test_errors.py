"""Every error is there for a reason: the package raises it, and a test has seen it."""

from __future__ import annotations

import pytest

from holdall import errors
from tests.meta.sources import HOUSE, PACKAGE, names_used

_CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, errors.HoldallError) and value.__module__ == errors.__name__
]
_LEAVES = {error.__name__ for error in _CLASSES if not any(error in other.__bases__ for other in _CLASSES)}


def _seen_by_tests() -> set[str]:
    folders = [*(folder for folder in (HOUSE / "tests").iterdir() if folder.name != "meta"), PACKAGE / "testing"]
    return set().union(*(names_used(folder) for folder in folders if folder.is_dir()))


def _raised() -> set[str]:
    return set().union(*(names_used(room) for room in PACKAGE.iterdir() if room.is_dir() and room.name != "testing"))


def test_every_error_is_seen_by_a_test() -> None:
    assert _LEAVES - _seen_by_tests() == set()


def test_every_error_is_raised_somewhere() -> None:
    assert _LEAVES - _raised() == set()


@pytest.mark.parametrize("error", _CLASSES)
def test_an_error_is_exported_and_says_when_it_comes(error: type[errors.HoldallError]) -> None:
    assert error.__name__ in errors.__all__
    assert error.__doc__
