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
    if kind is sent.RunSent:
        assert kind._fields[1] == "collection"
    assert found == list(range(1, len(kind._fields) + 1))


def test_no_place_is_named_that_is_not_sent() -> None:
    fields = [field.upper() for name in sent.__all__ for field in getattr(sent, name)._fields]
    assert sorted(fields) == sorted(_named())


@pytest.mark.parametrize("name", sorted(set(scripts.__all__) - {"Script"}))
def test_no_place_is_told_by_its_number(name: str) -> None:
    """In the scripts that use names: what is indexed by a number there is something else."""
    script: scripts.Script = getattr(scripts, name)
    source = script.source.decode()
    if "local BESIDE" in source:
        assert not re.findall(r"\b(?:collection|run|head|rule|index|place)\[\d+\]", source)
