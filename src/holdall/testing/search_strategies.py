"""Hypothesis strategies for full-text search: texts of words, and what is searched for in them."""

from __future__ import annotations

from hypothesis import strategies as st

from holdall.errors import QueryError
from holdall.query import read_search

__all__ = ["sought_words", "texts_of_words"]

_WORDS = (
    "left", "Left", "LEFT", "lefty", "hand", "Hand", "a", "A", "2", "x1", "1e3",
    "été", "Été", "ÉTÉ", "Straße", "STRASSE", "strasse", "ﬁn", "fin", "ΑΣ", "ας",
    "Жук", "жук", "日本語", "日本", "क्षि", "می‌خواهم", "m²", "naïve",
)  # fmt: skip
_BETWEEN = (
    " ", "  ", "\n", "\t", "-", "--", "_", ".", ", ", "'", "\u2019", '"', "|", " | ", "/", "\\", "%", "&", "!",
    " & ", ":*", "*", "<->", "(", ")", "\u00a0", "\u3000", "—", "…", "。", "🎒", "€", "+",
)  # fmt: skip


def texts_of_words() -> st.SearchStrategy[str]:
    """Texts of a few words, known ones, with all kinds of signs between them.

    >>> from hypothesis import given
    >>> from holdall.query.search import document
    >>> @given(texts_of_words())
    ... def test_no_text_fails(text):
    ...     document([text])
    """
    parts = st.lists(st.tuples(st.sampled_from(_WORDS), st.sampled_from(_BETWEEN)), max_size=5)
    return st.builds(lambda before, pairs: before + "".join(map("".join, pairs)), st.sampled_from(_BETWEEN), parts)


def sought_words() -> st.SearchStrategy[str]:
    """Words to search for in such texts: phrases and beginnings, too, some of them not to be there.

    Example: :func:`texts_of_words`.
    """
    words = st.sampled_from(_WORDS)
    begun = st.builds(lambda word, length: f"{word[:length]}*", words, st.integers(1, 4))
    phrase = st.lists(words, min_size=2, max_size=3)
    joined = st.builds(lambda some, between: between.join(some), phrase, st.sampled_from("-_.'|&"))
    quoted = phrase.map(lambda some: f'"{" ".join(some)}"')
    one = st.one_of(words, begun, joined, quoted)
    part = st.builds(lambda sign, what: sign + what, st.sampled_from(("", "", "-")), one)
    return st.lists(part, min_size=1, max_size=3).map(" ".join).filter(_is_sought)


def _is_sought(text: str) -> bool:
    try:
        return bool(read_search(text))
    except QueryError:
        return False
