"""The patterns made of users' text, tried with Python's own engine, and the range of a prefix."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdall.errors import LimitExceeded
from holdall.stores.mongo.text import MAX_TEXT, containing, containing_any_case, ending, prefix_end
from holdall.testing.pool import TEXT_ALPHABET

# Where lower case depends on language or neighbours, stores may differ (see holdall.query.Op).
_UNSURE = "\u0130\u03a3\u03c2\u03c3\u0307"
_LETTERS = st.text(TEXT_ALPHABET + "()[]{}*+?|^$#&~-\n kK\u212a\u017fsSßẞ", max_size=5)


@given(_LETTERS, _LETTERS)
@example("a\n", "a")
@example("K", "\u212a")
@example("s", "\u017f")
def test_patterns_mean_what_the_operators_mean(text: str, part: str) -> None:
    for hay in (text, text + part, part + text, text + part.upper()):
        assert bool(re.search(containing(part), hay)) is (part in hay)
        assert bool(re.search(ending(part), hay)) is hay.endswith(part)
        assert bool(re.search(containing_any_case(part), hay)) is (part.lower() in hay.lower())


@given(st.characters(exclude_categories=["Cs"], exclude_characters=_UNSURE + "\0"))
def test_letter_case_is_that_of_lower(letter: str) -> None:
    for other in {letter, letter.lower(), letter.upper(), letter.casefold(), letter.swapcase()}:
        if not set(other) & set(_UNSURE):
            assert bool(re.search(containing_any_case(letter), other)) is (letter.lower() in other.lower())


@given(st.text(max_size=4), st.text(max_size=6))
@example("\ud7ff", "\ud7ffa")
@example("\U0010ffff", "\U0010ffffa")
@example("", "a")
def test_a_prefix_is_a_range(prefix: str, text: str) -> None:
    end = prefix_end(prefix)
    for other in (text, prefix + text):
        assert (prefix <= other and (end is None or other < end)) is other.startswith(prefix)


def test_what_is_looked_for_is_bounded() -> None:
    assert containing("x" * MAX_TEXT)
    for pattern in (containing, ending, containing_any_case):
        with pytest.raises(LimitExceeded):
            pattern("x" * (MAX_TEXT + 1))
