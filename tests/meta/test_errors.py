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
_LEAVES = [error for error in _CLASSES if not any(error in other.__bases__ for other in _CLASSES)]


@pytest.mark.parametrize("error", _LEAVES)
def test_an_error_is_seen_by_a_test(error: type[errors.HoldallError]) -> None:
    folders = [*(folder for folder in (HOUSE / "tests").iterdir() if folder.name != "meta"), PACKAGE / "testing"]
    used = set().union(*(names_used(folder) for folder in folders if folder.is_dir()))
    assert error.__name__ in used


@pytest.mark.parametrize("error", _LEAVES)
def test_an_error_is_raised_somewhere(error: type[errors.HoldallError]) -> None:
    rooms = (folder for folder in PACKAGE.iterdir() if folder.is_dir() and folder.name != "testing")
    assert error.__name__ in set().union(*(names_used(folder) for folder in rooms))


@pytest.mark.parametrize("error", _CLASSES)
def test_an_error_has_one_root_and_a_docstring(error: type[errors.HoldallError]) -> None:
    assert issubclass(error, errors.HoldallError)
    assert error.__doc__
    assert error.__name__ in errors.__all__
