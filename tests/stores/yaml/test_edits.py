"""Records in hostile formatting, one value changed: every other line stays, and another parser reads the new value."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall.query import FieldSchema, Kind, Schema
from holdall.stores.yaml.edit import Editor
from holdall.stores.yaml.emit import emit_inline
from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.listing import Listing
from holdall.stores.yaml.parse import parse, read
from holdall.stores.yaml.same import same
from holdall.stores.yaml.source import Source
from tests.support import yaml_renderings as hostile
from tests.support.draws import draws
from tests.support.second_yaml_parser import second

Path = hostile.Path
ENDS = ["\n", "\r\n", "mixed"]


_LONG = "word " * 30 + "end"  # too long for a mapping in braces


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from paths(inner, (*path, step))


def replaced(value: Any, path: Path, new: Any) -> Any:
    value = copy.deepcopy(value)
    inner = value
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = new
    return value


def edited(text: str, value: dict[str, Any]) -> str:
    source = Source(text)
    editor = Editor(source.text)
    editor.update(read(source.text), value)
    return source.changed(editor.changes)


def demand_reason(refusal: Unreadable) -> None:
    """An edit may be refused for one reason only."""
    assert "comments inside the value would be lost" in str(refusal)


def ended(random: Random, lines: list[str], ends: str) -> list[str]:
    return [line + (random.choice(["\n", "\r\n"]) if ends == "mixed" else ends) for line in lines]


def lost(before: list[str], after: str) -> list[str]:
    """The lines that are not in the text any more, in order and with their ends."""
    left = iter(after.splitlines(keepends=True) if after.isascii() else split(after))
    return [line for line in before if line not in left]


def split(text: str) -> list[str]:
    pieces = text.split("\n")
    return [piece + "\n" for piece in pieces[:-1]] + pieces[-1:]


def others(lines: list[hostile.Line], written: list[str], path: Path) -> list[str]:
    """The lines that do not belong to the value at a path, nor to the flow collection around it."""
    owners = {line.path for line in lines}
    while path not in owners:
        path = path[:-1]
    return [text for line, text in zip(lines, written, strict=True) if line.path[: len(path)] != path]


def drawn(random: Random) -> tuple[list[hostile.Line], dict[str, Any]]:
    names = random.sample(hostile.NAMES, random.randint(1, 5))
    record = {name: hostile.value(random) for name in names}
    return hostile.render(random, record), record


@settings(max_examples=draws(70, 200))
@given(st.randoms(use_true_random=False), st.sampled_from(ENDS))
def test_one_value_is_changed_and_no_other_line(random: Random, ends: str) -> None:
    lines, record = drawn(random)
    written = ended(random, [line.text for line in lines], ends)
    text = "".join(written)
    found = parse(Source(text).text)
    try:
        assert same(found, second(Source(text).text))
    except Exception as error:  # theirs is stricter about tabs, and ends lines at U+0085 and U+2028
        if isinstance(error, AssertionError) and text.isascii():
            raise
        assert same(found, record)
    path, new = random.choice(list(paths(found))), hostile.value(random)
    expected = replaced(found, path, new)
    try:
        result = edited(text, expected)
    except Unreadable as refusal:
        demand_reason(refusal)
        return
    assert same(parse(Source(result).text), expected)
    assert lost(others(lines, written, path), result) == []
    assert edited(result, expected) == result


SCHEMA = Schema("it", (FieldSchema("id", Kind.INT), FieldSchema("value", Kind.JSON, nullable=True)), ("id",))


@settings(max_examples=draws(40, 80))
@given(
    st.randoms(use_true_random=False),
    st.sampled_from(ENDS),
    st.integers(0, 4),
    st.sampled_from(["", "\ufeff", "# c\n"]),
)
def test_one_record_of_a_list_is_changed_removed_or_added(random: Random, ends: str, count: int, head: str) -> None:
    blocks: list[tuple[list[str], Any]] = []
    indent = random.choice([0, 2])
    for number in range(count):
        lines = hostile.render(random, {"id": number, "value": hostile.value(random)}, indent + 2)
        written = ended(random, [line.text for line in lines], ends)
        blocks.append(([f"{' ' * indent}- {written[0]}", *written[1:]], number))
    text = head + "".join(line for lines, _ in blocks for line in lines)
    listing = Listing.of(SCHEMA, text)
    assert [row[0] for row in listing.rows] == list(range(count))
    gone = {number for number in range(count) if random.random() < 0.3}
    changed = {number for number in range(count) if random.random() < 0.3} - gone
    added = [(count + number, hostile.value(random)) for number in range(random.randrange(3))]
    changes: dict[int, Any] = dict.fromkeys(gone) | {number: (number, hostile.value(random)) for number in changed}
    try:
        result, after = listing.changed(changes, added)
    except Unreadable as refusal:
        demand_reason(refusal)
        return
    expected = [changes.get(n, row) for n, row in enumerate(listing.rows) if n not in gone] + added
    again = Listing.of(SCHEMA, result)
    assert same(again.rows, expected)
    assert same(after.rows, expected)
    assert after.starts == again.starts
    assert after.source.text == again.source.text
    kept = [line for lines, number in blocks if number not in gone | changed for line in lines]
    assert result.startswith(head)
    assert lost(kept, result.removeprefix(head)) == []


@settings(max_examples=draws(100, 300))
@given(st.randoms(use_true_random=False), st.integers(0, 5))
def test_one_record_of_a_list_in_brackets_is_changed_removed_or_added(random: Random, count: int) -> None:
    gaps = ["", " ", "\n", "\n  ", " # c\n", "\n\n # d\n "]
    items = [emit_inline({"id": number, "value": hostile.value(random)}) for number in range(count)]
    inner = ",".join(f"{random.choice(gaps)}{item}{random.choice(gaps[:4])}" for item in items)
    ending = random.choice(["", "\n"]) if count else ""
    comma = random.choice(["", ","]) if count else ""
    head, tail = random.choice(["", "# head\n", "--- "]), random.choice(["", "\n", " # e"])
    text = f"{head}[{inner}{comma}{ending}]{tail}"
    listing = Listing.of(SCHEMA, text)
    assert [row[0] for row in listing.rows] == list(range(count))
    gone = {number for number in range(count) if random.random() < 0.3}
    changed = {number for number in range(count) if random.random() < 0.3} - gone
    added = [(count + number, hostile.value(random)) for number in range(random.randrange(3))]
    changes: dict[int, Any] = dict.fromkeys(gone) | {number: (number, hostile.value(random)) for number in changed}
    result, after = listing.changed(changes, added)
    expected = [changes.get(n, row) for n, row in enumerate(listing.rows) if n not in gone] + added
    again = Listing.of(SCHEMA, result)
    assert same(again.rows, expected)
    assert same(after.rows, expected)
    assert (after.starts, after.is_flow) == (again.starts, again.is_flow)
    if len(gone) < count:
        assert all(items[number] in result for number in range(count) if number not in gone | changed)


@pytest.mark.parametrize("fault", ["comments", "lines", "values"])
def test_what_this_suite_would_find(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An editor that loses comments, touches a neighbour's line, or writes another value is caught."""
    original = Editor.put

    def put(self: Editor, start: int, end: int, text: str) -> None:
        if fault == "comments" and "#" in self.text[end : self.line_end(end)]:
            end = self.line_end(end)
        elif fault == "lines" and self.text[end : end + 1] == "\n":
            end = min(self.line_end(end + 1), len(self.text))
        elif fault == "values":
            text = text.replace("o", "0")
        original(self, start, end, text)

    monkeypatch.setattr(Editor, "put", put)
    test = test_one_value_is_changed_and_no_other_line.hypothesis.inner_test  # type: ignore[attr-defined]

    def find() -> None:
        for seed in range(300):
            test(Random(seed), "\n")

    with pytest.raises((AssertionError, Unreadable)):
        find()


@pytest.mark.parametrize(
    "before, value, after",
    [
        ("a: {b:[1], 'c':2}\n", {"a": {"b": True, "c": 3}}, "a: {b: true, 'c': 3}\n"),
        ("a: {b: 1, c: }\n", {"a": {"b": 1, "c": None, "d": 2}}, "a: {b: 1, c: , d: 2 }\n"),
        ("a: [x,{b:[]}]\n", {"a": ["x", {"b": 0}]}, "a: [x,{b: 0}]\n"),
        ("a:\n  # none yet\nb: 1\n", {"a": "x\ny", "b": 1}, 'a: "x\\ny"\n  # none yet\nb: 1\n'),
        ("a:\n# none yet\nb: 1\n", {"a": "x\ny", "b": 1}, "a: |-\n  x\n  y\n# none yet\nb: 1\n"),
        ("a:\n  - y\n", {"a": ["x", "y"]}, "a:\n  - x\n  - y\n"),
        ("a:\n- b: 1\n", {"a": [{"b": 1}, {"b": 2, "c": [1]}, {}]}, "a:\n- b: 1\n- {b: 2, c: [1]}\n- {}\n"),
        ("a:\n- b: 1\n", {"a": [{"b": 1}, {"b": _LONG, "c": 2}]}, f"a:\n- b: 1\n- b: {_LONG}\n  c: 2\n"),
        ("a: [y]\n", {"a": ["x", "y"]}, "a: [x, y]\n"),
        ("{}\n", {"a": 1}, "{a: 1}\n"),
        ("a: {b, c: 1}\n", {"a": {"b": 2, "c": 1}}, "a: {b: 2, c: 1}\n"),
        ("? a\n: 2\nb: 1\n", {"a": 1, "b": 1}, "? a\n: 1\nb: 1\n"),
        ("a: 1\nb: |\n  x\n  y", {"a": 1, "b": "x", "c": 1}, "a: 1\nb: x\nc: 1\n"),
        ("a: |\n  x", {"a": "x", "b": 1}, "a: |-\n  x\nb: 1\n"),
    ],
)
def test_a_value_is_put_where_every_parser_finds_it(before: str, value: dict[str, Any], after: str) -> None:
    assert edited(before, value) == after
    assert parse(after) == second(after) == value


@pytest.mark.parametrize(
    "before, value, after",
    [
        ("a:\n  - b: 1\n    c: 2\n    d: 3\n", {"a": [{"d": 4}]}, "a:\n  - d: 4\n"),
        ("a:\n  - b: 1  # one\n    # two\n    c: 2\n", {"a": [{"c": 2}]}, "a:\n  - # one\n    # two\n    c: 2\n"),
        ("a:\n- - 1\n  - 2\n", {"a": [[2]]}, "a:\n- - 2\n"),
        ("a: {b: 1, c: 2}\n", {"a": {"c": 2}}, "a: {c: 2}\n"),
        ("a: [1,2 ,  3]\n", {"a": [1, 2]}, "a: [1,2 ]\n"),
        ("a: [1, # one\n  2]\n", {"a": [1]}, "a: [1 # one\n  ]\n"),
        ("a: 1\nb: |\n  x\n  y", {"a": 1}, "a: 1\n"),
    ],
)
def test_a_value_goes_and_leaves_what_others_said(before: str, value: dict[str, Any], after: str) -> None:
    assert edited(before, value) == after
    assert parse(after) == second(after) == value


@pytest.mark.parametrize(
    "before, value, told",
    [
        (
            "b: 1\na: {x: {b: [1, # c\n 2], c: 1}}\n",
            {"b": 1, "a": {"x": {"b": "t", "c": 1}}},
            "line 2: comments inside",
        ),
        ("b: 1\n? a\n", {"b": 1, "a": 1}, "line 2: a name without a colon"),
    ],
)
def test_an_edit_that_would_lose_something_is_refused_by_its_line(
    before: str, value: dict[str, Any], told: str
) -> None:
    with pytest.raises(Unreadable, match=told):
        edited(before, value)
