"""Python and Lua name the same places in the same order."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import NamedTuple

import pytest

from holdall.stores.redis import scripts, sent

_PLACES = (files("holdall.stores.redis") / "places.lua").read_text()


def _named() -> dict[str, int]:
    found: dict[str, int] = {}
    for names, numbers in re.findall(r"^local ([A-Z_, ]+) = ([\d, ]+)$", _PLACES, re.MULTILINE):
        found.update(zip(names.split(", "), map(int, numbers.split(", ")), strict=True))
    return found


@pytest.mark.parametrize("kind", [getattr(sent, name) for name in sent.__all__])
def test_places(kind: type[NamedTuple]) -> None:
    names = _named()
    found = [names.get(field.upper()) for field in kind._fields]
    assert found == list(range(1, len(kind._fields) + 1))


def test_no_place_is_named_that_is_not_sent() -> None:
    fields = [field.upper() for name in sent.__all__ for field in getattr(sent, name)._fields]
    assert sorted(fields) == sorted(_named())


@pytest.mark.parametrize("part", ["finding", "check", "members", "write", "is_held", "prepare", "commit"])
def test_no_place_is_told_by_its_number(part: str) -> None:
    source = (files("holdall.stores.redis") / f"{part}.lua").read_text()
    assert not re.findall(r"\b(?:collection|run|head|rule|index|place)\[\d+\]", source)


def test_what_is_sent_to_the_server_has_numbers() -> None:
    source = scripts.COMMIT.source.decode()
    assert not [name for name in _named() if re.search(rf"\b{name}\b", source)]
    assert scripts.numbered("return KEYS[1]") == "return KEYS[1]"
