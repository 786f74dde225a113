from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdall.stores.yaml.emit import emit_inline
from holdall.stores.yaml.errors import Unreadable
from holdall.stores.yaml.parse import MAX_DEPTH, decode_text, parse, parse_carefully

LAUGHS = "a: &a [x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
tokens = st.sampled_from(
    [*"019-+.eExobnaT_: &*!#~,[]{}'\"\n%|>?\ufeff", "<<", "true", "null", "no", ".inf", ".nan", "00", "0x1"]
)
scalars = st.lists(tokens, max_size=7).map("".join)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return list(map(repr, one)) == list(map(repr, other)) and all(map(same, one.values(), other.values()))
    return type(one) is type(other) and one == other


@settings(max_examples=300)
@given(
    st.sampled_from(
        [
            "a: ",
            "- ",
            "",
            "a: [",
            '{"a":',
            "a:\n  - b: 1\n    c: ",
            'a: "',
            "a: |\n  ",
            "a: b\n  ",
            "['b\n , ",
            "- &x 1\n- ",
        ]
    ),
    scalars,
    st.sampled_from(["", "]", "}", " # x", '"', "', *x, 'e']", '", *x]']),
)
@example("a: ", "1e400", "")
@example("a: ", "-0x1F", "")
@example("a: ", "0b11", "")
@example("a: ", "010", "")
@example("a: ", "!!str 1", "")
@example("a: [", "!", "]")
@example("a: [", "?00", "]")
@example("a: [", "?7", "]")
@example("a: {", "b: 1, ?true", "}")
@example("", "%YAML 1.1\n---\na: no", "")
def test_both_parsers_read_the_same(before: str, scalar: str, after: str) -> None:
    source = before + scalar + after
    try:
        fast = parse(source)
    except Unreadable:
        return
    try:
        careful = parse_carefully(source)
    except Unreadable as error:
        if error.__cause__ is not None:  # its parser is stricter about syntax; our own refusals must be the same
            return
        raise
    assert same(fast, careful)


WORDS = ("a &b", "Help !", "2 *3", "x - &", "Well, *really*", "*bold*", "!", "&c.", "it's *so*: &!", "- *a", "50 %")


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("form", ["{}", "a: {}\nb: 1\n", "- a: {}\n- a: x\n", "a: {{b: {}, c: [1, {}]}}\n"])
def test_words_that_are_no_anchors_go_through_the_fast_parser(
    words: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = form.replace("{}", emit_inline(words)).replace("{{", "{").replace("}}", "}")
    expected = parse_carefully(source)

    def careful(text: str) -> Any:
        raise AssertionError(f"the slow parser was asked for {text!r}")

    monkeypatch.setattr("holdall.stores.yaml.parse.parse_carefully", careful)
    assert parse(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "a: &x 1\nb: *x", "- &x [1]\n- *x", "[&x a, *x]", '{"a":&x 1, b: *x}', "&x a: 1", "a: &x\n  b: 1\nc: *x",
        "? &x a\n: 1", "a: !t 1", "--- !t\na: 1", "--- &x\na: 1", "a:\n- !t\n  b: 1", "a: &x |\n  text\nb: *x",
        "a: 5\" disk\nb: &x 1\nc: 5\" disk", "['5\" , \"', &x d, '\"']", "[\"b\n , \", &x d, \"e\"]",
        "a: |\n  *b*\nc: &x 1", "a: \ue000\nb: &x 1",
    ],
)  # fmt: skip
def test_anchors_and_tags_are_found_wherever_they_may_stand(source: str) -> None:
    with pytest.raises(Unreadable, match=r"anchors|tags|aliases"):
        parse(source)


@pytest.mark.parametrize(
    "source, reason",
    [
        (LAUGHS, "anchors"),
        ("a: 1\nb: *a", "line 2: aliases"),
        ("a: &x 1", "anchors"),
        ("a: !thing 1", "tags"),
        ("a: !!python/object/apply:os.system [id]", "tags"),
        ("a: !!str 1", "tags"),
        ("a: ! 1", "tags|YAML"),
        ("%YAML 1.1\n---\na: yes", "directives"),
        ("%TAG ! tag:x,2000:\n---\na: 1", "directives"),
        ("a: 1\na: 2", "line 2.*twice"),
        ("a: {b: 1, b: 2}", "twice"),
        ("a: 1\n---\nb: 2", "second document"),
        ("{a: 1}: 2", "cannot be a name"),
        ("a: [1, 2", "line 1"),
        ("\ta: 1", "line 1"),
        ("a: 'x", "line 1"),
        ("a: \"\\q\"", "line 1"),
        ("[" * 10_000 + "]" * 10_000, "nested deeper"),
        ("[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1), "nested deeper"),
        ("a: !x " + "[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1), "tags"),
        ("\n".join("  " * level + "a:" for level in range(50)) + " 1", "nested deeper"),
    ],
)  # fmt: skip
def test_what_is_refused(source: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        parse(source)


def test_no_more_values_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdall.stores.yaml.parse.MAX_NODES", 1000)
    for source in ("[" + "0," * 1000 + "0]", "[0x1, " + "0," * 1000 + "0]"):
        with pytest.raises(Unreadable, match="more than 1000 values"):
            parse(source)


def test_the_deepest_that_is_read() -> None:
    source = "[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH
    assert parse(source) == parse_carefully(source)


@pytest.mark.parametrize(
    "source", ["[" * (MAX_DEPTH + 1) + "1" + "]" * (MAX_DEPTH + 1), "a: 1\na: 2", "a: {b: 1, b: 2}"]
)
def test_the_careful_parser_has_the_same_limits(source: str) -> None:
    with pytest.raises(Unreadable):
        parse_carefully(source)


@pytest.mark.parametrize(
    "raw, reason",
    [(b"a: \xff", "byte 3 is not UTF-8"), (b"a: b\nc: \0", "line 2 holds a NUL"), ("a: b".encode("utf-16"), "UTF-8")],
)
def test_bytes_that_are_no_text(raw: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        decode_text(raw)


def test_what_is_read() -> None:
    assert parse(decode_text("\ufeffa: 1".encode())) == {"a": 1}
    assert parse("") is None
    assert parse("# nothing\n") is None
    assert parse("a: AT&T\nb: 2 * 3\nc: wow!\nd: '&x'\ne: \"*y\"") == {
        "a": "AT&T", "b": "2 * 3", "c": "wow!", "d": "&x", "e": "*y",
    }  # fmt: skip
    assert parse("a: 9223372036854775807\nb: 18446744073709551616\nc: 0o17\nd: 0x1F\ne: .5") == {
        "a": 2**63 - 1, "b": 2**64, "c": 15, "d": 31, "e": 0.5,
    }  # fmt: skip
    assert parse("country: no\nstate: on\nat: 12:30\nn: 1_000") == {
        "country": "no", "state": "on", "at": "12:30", "n": "1_000",
    }  # fmt: skip
