from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall.stores.yaml import block_text, edit, flow, markers, parse, patterns, plain, quoted
from tests.stores.yaml.test_parse import FRAGMENTS


def _patterns() -> Iterator[re.Pattern[str]]:
    for module in (block_text, edit, flow, markers, parse, plain, quoted):
        for found in vars(module).values():
            pattern = getattr(found, "__self__", found)
            if isinstance(pattern, re.Pattern):
                yield pattern
    yield from (block_text._lines(width) for width in (0, 2))


def _usual(pattern: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(patterns._POSSESSIVE.sub(r")\1", pattern.pattern), pattern.flags)


@given(st.lists(st.sampled_from([*FRAGMENTS, "'", "\t"]), max_size=12).map("".join))
def test_a_pattern_means_the_same_where_groups_are_repeated_in_the_usual_way(text: str) -> None:
    for pattern in _patterns():
        found, usual = pattern.match(text), _usual(pattern).match(text)
        assert (found and found.regs) == (usual and usual.regs), pattern.pattern


def test_the_usual_way_is_taken_where_python_loses_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_IS_SOUND", False)
    assert patterns.compiled(r"(?:ab++)*+(?:c)?+ac").pattern == r"(?:ab++)*(?:c)?ac"


def test_places_are_kept_after_groups_that_are_repeated_in_part() -> None:
    pattern = patterns.compiled(r"(?:ab++)*+ac")
    assert pattern.match("abac") is not None
