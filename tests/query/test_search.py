from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdall.errors import LimitExceeded, QueryError
from holdall.query import Kind, Schema, Table, evaluate, format_condition, parse_condition, parse_query, read_search
from holdall.query.schema import FieldSchema
from holdall.query.search import MAX_DOCUMENT, MAX_SEARCHED, document, searcher
from holdall.query.separators import SEPARATORS
from holdall.testing.search_strategies import sought_words, texts_of_words

BOOKS = Table(
    Schema(
        "book",
        (FieldSchema("id", Kind.INT), FieldSchema("title", Kind.STR), FieldSchema("blurb", Kind.STR, nullable=True)),
        ("id",),
    ),
    [(1, "The Left Hand of Darkness", "An envoy, on Winter."), (2, "Straße", None), (3, "Left-handed", "a hand")],
)


@pytest.mark.parametrize(
    "words, found",
    [
        ("left hand", [1, 3]),
        ('"left hand"', [1]),
        ('"LEFT   hand', [1]),
        ("hand*", [1, 3]),
        ('"hand an"', []),  # from one text into the next
        ("left -winter", [3]),
        ('hand -"left hand"', [3]),
        ("-hand*", [2]),
        ("left-handed", [3]),
        ("strasse", [2]),
        ("STRA*", [2]),
        ("han", []),
        ("the of an", [1]),
    ],
)
def test_what_is_found(words: str, found: list[int]) -> None:
    query = parse_query(f"book where search({quoted(words)}, title, blurb) = true only id")
    assert [row[0] for row in evaluate(query, {"book": BOOKS})] == found


@given(sought_words(), st.lists(st.none() | texts_of_words(), min_size=1, max_size=3))
def test_what_is_found_is_said_by_every_word(words: str, texts: list[str | None]) -> None:
    cut = [re.split(r"[^\w\u0300-\u036f]+|_", (text or "").casefold()) for text in texts]
    if any(character in (text or "") + words for text in texts for character in "\u200cिक्ष²"):
        return  # which Python's own words do not have
    search = read_search(words)

    def is_in(asked: tuple[str, ...], is_begun: bool, some: list[str]) -> bool:
        some = [word for word in some if word]
        for start in range(len(some) - len(asked) + 1):
            part = some[start : start + len(asked)]
            is_last = part[-1].startswith(asked[-1]) if is_begun else part[-1] == asked[-1]
            if is_last and tuple(part[:-1]) == asked[:-1]:
                return True
        return False

    wanted = all(any(is_in(each.words, each.is_beginning, some) for some in cut) for each in search.wanted)
    unwanted = any(any(is_in(each.words, each.is_beginning, some) for some in cut) for each in search.unwanted)
    assert searcher(words)(texts) is (wanted and not unwanted)


@given(sought_words())
def test_the_text_form_is_read_back(words: str) -> None:
    condition = parse_condition(f"search({quoted(words)}, title) = true")
    assert parse_condition(format_condition(condition)) == condition


@pytest.mark.parametrize("words", ["", " ", "-", '""', "* - *", "…"])
def test_a_search_without_a_word_is_refused(words: str) -> None:
    with pytest.raises(QueryError, match="at least one word"):
        read_search(words)


def test_bounds_are_kept() -> None:
    with pytest.raises(LimitExceeded):
        read_search("a" * 501)
    with pytest.raises(LimitExceeded):
        read_search("a" * 201)
    with pytest.raises(QueryError, match="surrogate"):
        read_search("a\ud800")
    assert searcher("end")(["x" * (MAX_SEARCHED - 4) + " end"])
    assert not searcher("end")(["x" * (MAX_SEARCHED - 3) + " end"])
    assert len(document(["ab " * 40_000] * 9)) == MAX_DOCUMENT + 1
    assert document(["a" * 201 + " b"]) == " b "


def test_separators_are_signs_and_blanks_and_no_letters() -> None:
    codes = {code for first, last in SEPARATORS for code in range(first, last + 1)}
    assert all(one[1] < other[0] for one, other in pairwise(SEPARATORS))
    for code in range(0x10000):
        kind = unicodedata.category(chr(code))
        if kind[0] in "LMN":
            assert code not in codes, hex(code)
        elif kind in ("Zs", "Po", "Pd", "Sc", "Cc") and not 0x1100 <= code < 0x1360:
            assert code in codes, hex(code)


@pytest.mark.parametrize(
    "text",
    ["search(title, title) = true", 'search("a") = true', 'search("a", id) = true', "search(1, title) = true"],
)
def test_a_search_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(QueryError):
        evaluate(parse_query(f"book where {text}"), {"book": BOOKS})


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
