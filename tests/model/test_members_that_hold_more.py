"""Lists and dicts within objects: an empty one fits at once, and every other one is looked at."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from holdall import Model, field
from holdall.errors import ValidationError


class Label(msgspec.Struct, frozen=True):
    text: str
    notes: dict[str, str] = {}
    marks: list[int] = []


class Parcel(Model):
    id: int = field(pk=True)
    label: Label


@pytest.mark.parametrize("label", [Label("a"), Label("a", {}, []), Label("a", {"b": "c"}, [1])])
def test_what_fits_is_taken(label: Label) -> None:
    assert Parcel(id=1, label=label).label == label


@pytest.mark.parametrize(
    "given, path",
    [
        ({"notes": []}, "label.notes"),
        ({"marks": {}}, "label.marks"),
        ({"notes": {"b": 1}}, "label.notes.b"),
        ({"marks": ["x"]}, "label.marks.0"),
        ({"notes": None}, "label.notes"),
        ({"text": 1}, "label.text"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any], path: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Parcel(id=1, label=Label(**({"text": "a"} | given)))
    assert [each.path for each in caught.value.errors] == [path]
