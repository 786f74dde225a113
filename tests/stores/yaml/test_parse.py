from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.flow import MAX_DEPTH
from holdall.stores.yaml.parse import parse
from holdall.stores.yaml.source import Source, decoded
from tests.support.draws import draws
from tests.support.second_yaml_parser import identical, second

LAUGHS = "a: &a [x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
FRAGMENTS = [
    *"ab019-+.~:#,[]{}|>?é%@\\",
    "\n",
    "\n",
    "\n",
    " ",
    "  ",
    "    ",
    "- ",
    ": ",
    "? ",
    ", ",
    "# c",
    "a: ",
    "b: ",
    "- a: ",
    "key: v\n",
    "- x\n",
    "\n\n",
    "'x'",
    "'it''s'",
    '"q"',
    '"a\\n b"',
    "'over\n  lines'",
    '"over\n\n  lines"',
    '"esc\\\n  x"',
    "|-",
    "|+",
    "|2",
    ">-",
    ">+",
    "08:30",
    "1.50",
    "0x1F",
    "null",
    "true",
    ".inf",
    "over\n  lines",
    "---\n",
    "...\n",
    "... x",
]


def reading(text: str) -> Any:
    return parse(Source(text).text)


@settings(max_examples=draws(400, 1000))
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
@example("a: 'x'# c\n")
@example("- a: |+\n\n    x\n\n- b\n")
@example("? a\n: - b\n  - c\n")
@example("{a: , b, ? c : d, 'e':f}")
def test_a_second_parser_reads_the_same(text: str) -> None:
    try:
        ours = reading(text)
    except Unreadable:
        return
    try:
        theirs = second(text)
    except Exception:  # refused, by whatever error
        return
    if text.endswith("...\n") and ("|" in text or ">" in text):
        return  # theirs takes the end of the document for a line of a block scalar
    if "{:" in text or ",:" in text:
        return  # theirs takes the colon for a name that is empty
    assert identical(ours, theirs)


@pytest.mark.parametrize(
    "text",
    [
        "a: AT&T\nb: 2 * 3\nc: wow!\nd: '&x'\ne: \"*y\"\n",
        "- *\n",
        "a:   # c\n  - 1\n# d\n  - 2\n",
        "-\n  a: 1\n-\n  a: 2\n",
        "- - a\n  - b\n- c: d\n  e: f\n",
        "a: [1, {b: c}, # d\n  'e']\n",
        "a: {\n}\n",
        "a: b\n  c\n\n  d # e\n",
        "a: >-\n  one\n  two\n\n  three\n   x\n  y\nb: |\n  lit\n\nc: >+\n\n  x\n\n",
        "a: |2\n    x\n  y\n",
        "a: |\n  x",
        "? a\n: b\n? c\n",
        "---\n- 1\n...\n# end\n",
        "--- # c\na: 1\n",
        "--- [1,\n 2]\n",
        'a: "\\x41\\u00e9\\U0001F600\\/\\_\\N"\n',
        "\"a\": 1\n'b c': 2\n",
        "a:\n- b\n-\n  - c\nd: e\n",
        "- a\n  b\n- c: |-\n    d\n  e: f\n",
        "http://x: y\na:b: c\n",
        '{a: [b: c, d], "e":f}\n',
        "a: -\n  b\n",
    ],
)
def test_what_is_written_in_unusual_ways(text: str) -> None:
    try:
        expected = second(text)
    except Exception:
        expected = None
    try:
        found = reading(text)
    except Unreadable:
        found = None
    assert identical(found, expected)


@pytest.mark.parametrize(
    "source, reason",
    [
        (LAUGHS, "anchors"),
        ("a: 1\nb: *a", "line 2: aliases"),
        ("a: &x 1", "anchors"),
        ("- &x [1]\n- *x", "anchors"),
        ("a: &x |\n  text\nb: *x", "anchors"),
        ("? &x a\n: 1", "anchors"),
        ("[&x a, *x]", "anchors"),
        ("a: !thing 1", "tags"),
        ("a: !!python/object/apply:os.system [id]", "tags"),
        ("a: ! 1", "tags"),
        ("--- !t\na: 1", "tags"),
        ("%YAML 1.1\n---\na: yes", "directives"),
        ("# c\n%TAG ! tag:x,2000:\n---\na: 1", "directives"),
        ("a: 1\na: 2", "line 2.*twice"),
        ("a: {b: 1, b: 2}", "twice"),
        ("a: 1\n---\nb: 2", "line 2: a second document"),
        ("---\na: 1\n---\nb: 2", "line 3: a second document"),
        ("a: 1\n...\nb: 2", "line 3: a second document"),
        ("a: 1\n... b", "line 2: behind"),
        ("a: 1\n... b\n", "line 2: behind"),
        ("...\n...\tb", "line 2: behind"),
        ("{a: 1}: 2", "cannot be a name"),
        ("? [a]\n: 2", "cannot be a name"),
        ("a: [1, 2", "line 1"),
        ("\ta: 1", "line 1: a tab"),
        ("a:\n\tb: 1", "line 2: a tab"),
        ("a: 'x", "line 1"),
        ("a: 1\nb: \"\\q\"", "line 2.*escape"),
        ("a: b: c", "line 1: a colon"),
        ("a: b\n c: d", "line 2: a colon"),
        ("a: 1\n  b: 2", "line 2"),
        ("  a: 1\n b: 2", "line 2"),
        ("a: @x", "cannot begin with @"),
        ("a: 'b' c", "something follows"),
        ("a: |x\n  b", "after | or >"),
        ("[" * 10_000 + "]" * 10_000, "nested deeper"),
        ("[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1), "nested deeper"),
        ("- " * 100 + "1", "nested deeper"),
        ("\n".join("  " * level + "a:" for level in range(60)) + " 1", "nested deeper"),
        ("a: b\0", "NUL"),
        ("a: 1\nb: \x07", "line 2 holds a control character"),
    ],
)  # fmt: skip
def test_what_is_refused(source: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        reading(source)


def test_the_deepest_that_is_read() -> None:
    deepest: Any = 1
    for _ in range(MAX_DEPTH):
        deepest = [deepest]
    assert reading("[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH) == deepest
    assert reading("- " * MAX_DEPTH + "1") == deepest


@pytest.mark.parametrize("raw", [b"a: \xff", "a: b".encode("utf-16")])
def test_bytes_that_are_no_text(raw: bytes) -> None:
    with pytest.raises(Unreadable, match=r"byte \d is not UTF-8"):
        decoded(raw)


def test_what_is_read() -> None:
    assert reading("\ufeffa: 1") == {"a": 1}
    assert reading("") is None
    assert reading("# nothing\n") is None
    assert reading("a: 9223372036854775807\nb: 18446744073709551616\nc: 0o17\nd: 0x1F\ne: .5") == {
        "a": 2**63 - 1, "b": 2**64, "c": 15, "d": 31, "e": 0.5,
    }  # fmt: skip
    assert reading("country: no\nstate: on\nat: 12:30\nn: 1_000") == {
        "country": "no", "state": "on", "at": "12:30", "n": "1_000",
    }  # fmt: skip
    assert reading('a: "\\ud83d\\ude00"') == {"a": "\U0001f600"}
    assert reading("a: 12.50")["a"].text == "12.50"
    assert reading("name: foo\t# c\nat: 08:30\t# *x*\n") == {"name": "foo", "at": "08:30"}


@pytest.mark.parametrize("character", ["\x85", "\u2028", "\u2029"])
def test_only_line_feeds_and_carriage_returns_end_lines(character: str) -> None:
    assert reading(f"# was:{character}name: old\n") is None
    assert reading(f"text: |\n  a{character}name: x\n") == {"text": f"a{character}name: x\n"}
    assert reading(f'text: "Hello {character} World"\n') == {"text": f"Hello {character} World"}
    assert reading(f"text: a{character} b\n") == {"text": f"a{character} b"}


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_every_line_end_is_one(end: str) -> None:
    text = 'a: b\n  c\nd: |\n  e\n\n  f\ng: "h\\\n  i\n\n  j"\nk: [1,\n  2] # l\n'
    assert reading(text.replace("\n", end)) == reading(text)
    assert reading(text.replace("\n", end, 3)) == reading(text)
