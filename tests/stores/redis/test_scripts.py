"""Python and Lua name the same places in the same order."""

from __future__ import annotations

import re
from importlib.resources import files
from itertools import chain
from typing import Any, NamedTuple

import pytest

from holdall.stores.redis import asked, scripts, sent

_FOLDER = files("holdall.stores.redis")
_SENT: list[Any] = [getattr(sent, name) for name in sent.__all__]
_SHARED: dict[str, list[Any]] = {
    "places": _SENT,
    "load": [asked.LoadKeys, asked.LoadAsked, asked.ByKeys, asked.ByRanges, asked.ByPage, asked.Alternative],
    "size": [asked.SizeKeys, asked.SizeAsked],
    "count": [asked.CountKeys, asked.CountAsked],
    "append": [asked.AppendKeys, asked.AppendAsked],
    "renew": [asked.RenewAsked],
    "forget": [asked.ForgetKeys],
    "besides": [asked.MarkKeys, asked.LookKeys, asked.IndexKeys],
    "mark": [asked.MarkAsked],
    "look": [asked.LookHead, asked.LookRecord, asked.Looked],
    "purge": [asked.PurgeAsked],
    "index": [asked.IndexHead, asked.IndexRecord],
}
"""By the script, or the part of scripts, that names them: the arrays that it shares with Python."""

_USING = {*_SHARED, "finding", "check", "members", "write", "is_held", "prepare", "commit"}
_PARTS = {path.name.removesuffix(".lua") for path in _FOLDER.iterdir() if path.name.endswith(".lua")}
_OF_THEIR_OWN = {
    "apply",
    "counting",
    "fence",
    "fields",
    "held",
    "prepared",
    "read_mark",
    "rollback",
}  # which share no array, or one place


def _source(part: str) -> str:
    """A part without its comments."""
    return re.sub(r"--.*", "", (_FOLDER / f"{part}.lua").read_text())


def _named(source: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for names, numbers in re.findall(r"^local ([A-Z_, ]+) = ([\d, ]+)$", source, re.MULTILINE):
        found.update(zip(names.split(", "), map(int, numbers.split(", ")), strict=True))
    return found


def _misplaced(kind: type[NamedTuple], source: str) -> list[str]:
    """The fields whose places the source names otherwise, or not at all."""
    names = _named(source)
    return [field for place, field in enumerate(kind._fields, 1) if names.get(field.upper()) != place]


@pytest.mark.parametrize(
    "part, kind",
    [(part, kind) for part, kinds in _SHARED.items() for kind in kinds],
    ids=lambda found: found if isinstance(found, str) else found.__name__,
)
def test_places(part: str, kind: type[NamedTuple]) -> None:
    assert _misplaced(kind, _source(part)) == []


def test_a_place_that_is_named_otherwise_is_found() -> None:
    source = _source("load").replace("KEY, WANTED, SEPARATORS", "KEY, SEPARATORS, WANTED")
    assert _misplaced(asked.Alternative, source) == ["wanted", "separators"]


@pytest.mark.parametrize("part", _SHARED)
def test_no_place_is_named_that_is_not_sent(part: str) -> None:
    fields = [field.upper() for kind in _SHARED[part] for field in kind._fields]
    names = _named(_source(part))
    assert names.keys() == set(fields)
    assert part != "places" or len(fields) == len(names)  # there each name is of one array


def test_every_array_of_python_is_named_by_a_script() -> None:
    shared = set(chain.from_iterable(_SHARED.values()))
    tuples = {getattr(module, name) for module in (asked, sent) for name in module.__all__ if name != "Where"}
    assert tuples == shared


def test_every_part_shares_places_or_has_none() -> None:
    assert _USING | _OF_THEIR_OWN == _PARTS


@pytest.mark.parametrize("part", sorted(_USING))
def test_no_place_is_told_by_its_number(part: str) -> None:
    arrays = r"\b(?:collection|run|head|rule|index|place|where|alternative|best|record|KEYS)\[\d+\]"
    found = re.findall(arrays, _source(part))
    if part not in ("places", "look", "index"):  # whose ARGV are packed arrays, one or two
        found += re.findall(r"\bARGV\[\d+\]", _source(part))
    assert found == []


@pytest.mark.parametrize(
    "name", [name for name in scripts.__all__ if isinstance(getattr(scripts, name), scripts.Script)]
)
def test_what_is_sent_to_the_server_has_numbers(name: str) -> None:
    source = getattr(scripts, name).source.decode()
    assert not _named(source)
    assert not re.findall(r"\[[A-Z][A-Z_]*\]", source)


def test_no_name_of_a_place_is_sent_with_what_is_written() -> None:
    source = scripts.COMMIT.source.decode()
    assert not [name for name in _named(_source("places")) if re.search(rf"\b{name}\b", source)]


def test_what_names_no_place_stays_as_it_is() -> None:
    assert scripts.numbered("return KEYS[1]") == "return KEYS[1]"
