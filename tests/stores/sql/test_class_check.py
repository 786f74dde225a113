"""The look at the classes of stored values is the same in C and in Python, and tells exactly what does not belong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdall.stores.sql.class_check import check_by, class_check_in_python

LETTERS = "isbf.ISBF!"


class Text(str):
    __slots__ = ()


VALUES: list[Any] = [
    None, True, 0, 1, -(2**63), 2**70, 10**400, 0.0, -0.0, 1.5, float("nan"), float("inf"), float("-inf"), "", "a",
    Text("a"), b"", b"x", bytearray(b"x"), Decimal(1), (), [],
]  # fmt: skip
_HELD = {"i": (int,), "s": (str,), "b": (bytes,), "f": (int, float), ".": (), "!": ()}


def belongs(letter: str, value: Any) -> bool:
    """What the letters mean, said once more and slowly."""
    if value is None:
        return letter in "isbf."
    if letter in ".!":
        return True
    return type(value) in _HELD[letter.lower()] and not (type(value) is float and value - value != 0)


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize("value", VALUES, ids=map(str, range(len(VALUES))))
def test_a_letter_says_which_values_belong(letter: str, value: Any) -> None:
    for check in (check_by(letter), class_check_in_python(letter)):
        assert check([(value,)]) is belongs(letter, value)


@given(
    st.text(LETTERS, min_size=1, max_size=5).flatmap(
        lambda code: st.tuples(st.just(code), st.lists(st.tuples(*[st.sampled_from(VALUES) for _ in code]), max_size=4))
    )
)
@example(("is", [(1, "a"), (None, None)]))
@example(("I", [(1,), (None,)]))
def test_every_row_is_looked_at(drawn: tuple[str, list[tuple[Any, ...]]]) -> None:
    code, rows = drawn
    wanted = all(belongs(letter, value) for row in rows for letter, value in zip(code, row, strict=True))
    for check in (check_by(code), class_check_in_python(code)):
        assert check(rows) is wanted


@pytest.mark.parametrize("make", [iter, tuple, lambda rows: [list(row) for row in rows]])
def test_rows_of_any_shape_are_looked_at(make: Any) -> None:
    check = check_by("is")
    assert check(make([(1, "a"), (2, None)]))
    assert not check(make([(1, "a"), ("2", None)]))


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="unpack"):
        check_by("is")([(1,)])
