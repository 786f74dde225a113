"""A withheld value tells nothing, whatever is done with it; it can be kept, shown and copied."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from holdall.errors import Forbidden
from holdall.model import WITHHELD

VALUE: Any = WITHHELD


@pytest.mark.parametrize(
    "use",
    [
        bool, int, float, len, list, abs, round, sorted, iter, math.floor, sum, max,
        lambda value: value + 1, lambda value: 1 + value, lambda value: value - 1, lambda value: 2 * value,
        lambda value: value / 2, lambda value: 1 // value, lambda value: value % 2, lambda value: 2**value,
        lambda value: value | {1}, lambda value: {1} & value, lambda value: -value,
        lambda value: value < 1, lambda value: value > 1, lambda value: value >= "a",
        lambda value: "a" in value, lambda value: value[0], lambda value: "text"[value],
        lambda value: value.upper(), lambda value: value.year,
        lambda value: setattr(value, "year", 1), lambda value: delattr(value, "year"),
        lambda value: value.__setitem__(0, 1), lambda value: value.__delitem__(0),
    ],
)  # fmt: skip
def test_a_use_that_would_tell_something_is_refused(use: Callable[[Any], object]) -> None:
    with pytest.raises(Forbidden, match="withheld"):
        use(VALUE)


def test_keeping_showing_and_copying_it_tells_nothing() -> None:
    assert f"{VALUE}" == repr(VALUE) == "<withheld>"
    assert copy.copy(VALUE) is copy.deepcopy(VALUE) is pickle.loads(pickle.dumps(VALUE)) is WITHHELD
    assert VALUE == WITHHELD
    assert VALUE != 0
    assert not hasattr(VALUE, "__html__")
