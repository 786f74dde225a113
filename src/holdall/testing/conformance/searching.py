"""Full-text search, against ``evaluate``: words, phrases, beginnings, in any letter case, alone and with others."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from holdall.errors import LimitExceeded, QueryError
from holdall.query import (
    Call,
    Compare,
    Condition,
    Constant,
    Not,
    Of,
    Op,
    Or,
    Query,
    Term,
    both,
    formula,
    parse_condition,
    parse_query,
)
from holdall.store import Feature
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.generated import drawn_alike
from holdall.testing.conformance.requires import requires
from holdall.testing.search_strategies import sought_words, texts_of_words

__all__ = ["Searching"]


class Searching:
    """Answers of ``fetch`` to conditions of full-text search."""

    search_examples = 40
    """How many searches a test draws."""

    @requires(Feature.EXPRESSIONS, Feature.FILTER)
    def test_words(self, case: Case) -> None:
        """Words of stored texts, in any letter case, missing texts among them."""
        case.load()
        for words in (
            "a",
            "A",
            "b a",
            "a_b",
            "it's",
            '"s it"',
            "émi*",
            "ÉMILE",
            "жу*",
            "日本語",
            "bag",
            "-a",
            "quoted -null",
            "1e3",
        ):
            found = searched(words, Of(("some_str",)), Of(("maybe_str",)))
            case.expect_keys("sample", found, Not(found), searched(words, Of(("maybe_str",))))

    @requires(Feature.EXPRESSIONS, Feature.FILTER)
    def test_any_words(self, case: Case) -> None:
        """Words drawn at random, in any text."""
        case.load()
        drawn_alike(case, "words", _searches, self.search_examples, lambda some: case.expect_keys("sample", *some))

    @requires(Feature.EXPRESSIONS, Feature.FILTER, Feature.RELATIONS)
    def test_words_through_references(self, case: Case) -> None:
        """Words in texts of records that are referred to, and in records of a Many."""
        case.load()
        case.expect_keys("book", parse_condition('search("a*", title, author.name) = true'))
        if case.declares(Feature.MANY_CONDITIONS):
            case.expect_keys("author", parse_condition('some books (search("a* -b", title) = true)'))

    @requires(Feature.EXPRESSIONS, Feature.FILTER, Feature.SORT, Feature.PROJECTION)
    def test_pages_of_words(self, case: Case) -> None:
        """Found records, sorted and in parts; and whether they are found, as a column."""
        case.load()
        case.expect(parse_query('sample where search("a", some_str) = true and id > 2 sort -id limit 3 only id'))
        case.expect(parse_query('sample sort search("a", some_str), id limit 9 only id, search("a", some_str)'))

    @requires(Feature.EXPRESSIONS, Feature.FILTER)
    def test_bounds_of_words(self, case: Case) -> None:
        """Long texts and long words, where what is searched ends."""
        case.load()
        long = f"{'x' * 201} hand {'y' * 200}"
        searches = (
            ("hand", "left " * 20_000 + "hand"),  # once: the time MariaDB takes grows with the square of the words
            ("left hand", "left " * 2_000 + "hand"),
            ("hand", long),
            (f'"hand {"y" * 200}"', long),
            ("hand", "é" * 100_000 + " hand"),
        )
        wanted = [both(Compare(("id",), Op.EQ, 1), searched(words, Constant(text))) for words, text in searches]
        case.expect_keys("sample", *wanted)

    @requires(Feature.EXPRESSIONS, Feature.FILTER)
    def test_wrong_searches(self, case: Case) -> None:
        """A search without a word, or in what is no text, is refused before it is sent."""
        case.load()
        for text in ('search("", some_str) = true', 'search("- *", some_str) = true', 'search("a", some_int) = true'):
            with pytest.raises(QueryError):
                case.fetch(Query("sample", parse_condition(text)))
        with pytest.raises(LimitExceeded):
            case.fetch(Query("sample", searched("a" * 501, Of(("some_str",)))))


def _searches() -> st.SearchStrategy[list[Condition]]:
    def conditions(words: str, other: str, text: str) -> list[Condition]:
        known, wrapped = Of(("maybe_str",)), Call("concat", (Of(("some_str",)), Constant(text)))
        return [
            searched(words, known, Constant(text)),
            Or((searched(words, wrapped), searched(other, known))),
            both(Not(searched(words, wrapped, known)), Not(searched(other, Constant(text)))),
        ]

    return st.builds(conditions, sought_words(), sought_words(), texts_of_words())


def searched(words: str, *texts: Term) -> Condition:
    """The condition that words are found in these texts."""
    return Compare((formula(Call("search", (Constant(words), *texts))),), Op.EQ, True)
