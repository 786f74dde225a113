"""Examples of bodies in the document: made of schemas, and accepted by the model or left out."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest

from holdall import JSON, Everyone, Ge, Gt, Holdall, Le, Length, Lt, Model, Pattern, Policy, field
from holdall.model import text_matching


def _creation(*models: type[Model]) -> dict[str, Any]:
    """The body that the document shows for creating a record of the last of these."""
    app = Holdall("samples")
    app.add_store("main", "memory:")
    app.add(*models, store="main", policy=Policy(read=Everyone, write=Everyone))
    paths: Any = app.asgi().openapi()["paths"]
    content = paths[f"/{models[-1].__holdall__.collection}"]["post"]["requestBody"]["content"]["application/json"]
    return content.get("example", {})  # type: ignore[no-any-return]


class Sample(Model):
    id: int = field(pk=True, generated=True)
    at: dt.datetime
    on: dt.date
    took: dt.timedelta
    token: UUID
    price: Decimal
    blob: bytes
    is_new: bool
    anything: JSON
    pair: tuple[int, str]


class Bounded(Model):
    id: int = field(pk=True, generated=True)
    share: Annotated[float, Gt(0), Lt(1)]
    below: Annotated[int, Le(-5)]
    above: Annotated[int, Gt(7)]
    least: Annotated[int, Ge(30)]
    negative: Annotated[int, Lt(0)]
    long: Annotated[str, Length(10)]
    short: Annotated[str, Length(0, 2)]
    code: Annotated[str, Pattern(r"(?:ab|cd)-[^a]\d{2}")]


class Impossible(Model):
    id: int = field(pk=True, generated=True)
    number: Annotated[int, Gt(0), Lt(1)]


class Odd(Model):
    id: int = field(pk=True, generated=True)
    text: Annotated[str, Pattern(r"(?<=x)(a)\1")]


def test_every_kind_has_one() -> None:
    assert _creation(Sample) == {
        "at": "2026-01-31T12:00:00Z",
        "on": "2026-01-31",
        "took": "PT1H30M",
        "token": "01890a5d-ac96-774b-bcce-b302099a8057",
        "price": "1.5",
        "blob": "AAAA",
        "is_new": True,
        "pair": [1, "text"],
    }


def test_rules_are_kept() -> None:
    made = _creation(Bounded)
    assert made.pop("code") == "ab-A11"
    assert made == {
        "share": 0.5,
        "below": -5,
        "above": 8,
        "least": 30,
        "negative": -1,
        "long": "texttextte",
        "short": "te",
    }


@pytest.mark.parametrize("model", [Impossible, Odd])
def test_there_is_none_where_none_is_plain(model: type[Model]) -> None:
    assert _creation(model) == {}


@pytest.mark.parametrize(
    "pattern", [r"^a+$", r"(?>ab)c?", r"x|y", r"[^aA1]\s\w", r"[a-c]{3}", r".\D", r"^(?=a)a\b", r"\S"]
)
def test_a_text_meets_its_pattern(pattern: str) -> None:
    text = text_matching(pattern)
    assert text is not None
    assert re.search(pattern, text)


@pytest.mark.parametrize("pattern", [r"(a)\1", "(", "(?=b)a"])
def test_no_text_is_made_up_for_others(pattern: str) -> None:
    assert text_matching(pattern) is None
