from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdall import Holdall, Model, Ref, field
from holdall.errors import FieldError, ValidationError
from holdall.query import FieldSchema, is_of_kind
from tests.support.own_values import FIELDS, RIGHT, Everything, plain

pytestmark = pytest.mark.anyio


def test_every_field_has_a_strategy() -> None:
    assert RIGHT.keys() == FIELDS.keys()


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "other"])
def test_right_values_pass_and_come_back_from_the_border(name: str) -> None:
    made = FIELDS[name]
    assert made.type is not None
    decode = made.type.decode or (lambda value: value)

    @settings(max_examples=20)
    @given(RIGHT[name])
    def holds(value: Any) -> None:
        errors: list[FieldError] = []
        validated = made.validate(value, errors)
        assert not errors
        assert plain(validated) == plain(value)
        border = made.encode(validated)
        assert border is None or is_of_kind(FieldSchema(name, made.kind), border)
        back = None if border is None else decode(border)
        assert plain(back) == plain(value)
        assert type(back) is type(value)

    holds()


@settings(max_examples=20)
@given(st.fixed_dictionaries(RIGHT))
def test_a_whole_record(values: dict[str, Any]) -> None:
    record = Everything(**values)
    codec = Everything.__holdall__.codec
    row = codec.reader(tuple(FIELDS))(record)
    (back,) = codec.records_from([row])
    assert {name: plain(value) for name, value in back.fields.items()} == {
        name: plain(value) for name, value in record.fields.items()
    }
    assert codec.reader(tuple(FIELDS))(back) == row


@settings(max_examples=20)
@given(st.fixed_dictionaries(RIGHT))
def test_json_and_dicts_give_it_again(values: dict[str, Any]) -> None:
    record = Everything(**values)
    names = [name for name in FIELDS if name not in ("hidden", "secret")]  # which JSON does not show
    text = record.to_json()
    assert list(msgspec.json.decode(text)) == list(FIELDS)
    given_json = msgspec.json.decode(text) | {"hidden": str(values["hidden"].cents / 100), "secret": "s"}
    for back in (
        Everything.from_json(msgspec.json.encode(given_json)),
        Everything.from_dict(given_json),
        Everything.from_dict(record.to_dict()),
    ):
        assert {name: plain(getattr(back, name)) for name in names} == {
            name: plain(getattr(record, name)) for name in names
        }
    assert Everything.from_dict(record.to_dict()).secret == record.secret


class Grade(Enum):
    FIRST = "1st"


class Medal(Model):
    grade: Grade = field(pk=True)


class Winner(Model):
    id: int = field(pk=True)
    medal: Ref[Medal]
    others: tuple[Ref[Medal], ...] = ()


def test_references_hold_what_is_kept_of_a_key() -> None:
    for key in (Grade.FIRST, "1st", Medal(grade=Grade.FIRST)):
        winner = Winner(id=1, medal=key, others=[key])  # type: ignore[arg-type]
        assert (winner.medal.key, [other.key for other in winner.others]) == ("1st", ["1st"])
    assert Medal.__holdall__.key_from((Grade.FIRST,), {}) == Medal.__holdall__.key_from(("1st",), {}) == "1st"
    for wrong in ("2nd", 3):
        with pytest.raises(ValidationError):
            Winner(id=1, medal=wrong)


@dataclass(frozen=True)
class Holder:
    names: list[str]


async def test_changes_inside_frozen_objects_are_noticed() -> None:
    class Held(Model):
        id: int = field(pk=True)
        holder: Holder

    app = Holdall("held")
    app.add_store("main", "memory:")
    app.add(Held, store="main")
    async with app.session() as session:
        session.add(Held(id=1, holder=Holder(["a"])))
    async with app.session() as session:
        (await session.require(Held, 1)).holder.names.append("b")
    async with app.session() as session:
        assert (await session.require(Held, 1)).holder == Holder(["a", "b"])
    await app.close()
