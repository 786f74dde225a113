"""Reasons why an action is refused: the rule, where the user may read all that it speaks of."""

from __future__ import annotations

from typing import Any

import pytest

from holdall import (
    Action,
    ActionPolicy,
    Context,
    Everyone,
    FieldRights,
    Holdall,
    Model,
    Nobody,
    One,
    Policy,
    Ref,
    Role,
    User,
    field,
)
from holdall.errors import ActionUnavailable

pytestmark = pytest.mark.anyio


class Label(Model):
    id: int = field(pk=True)
    text: str = ""


class Parcel(Model):
    id: int = field(pk=True)
    weight: int = 0
    note: str = ""
    cost: int = 0
    label: Ref[Label | None] = field(default=None)


class Send(Action[Parcel], on=One):
    async def run(self, context: Context, parcel: Parcel) -> None: ...


_HIDDEN = "it is not for you, or not for this record"


@pytest.mark.parametrize(
    "policy, told",
    [
        (ActionPolicy(execute=Role("reader") & (Parcel.note == "x")), 'it is for role reader and note = "x"'),
        (ActionPolicy(execute=Parcel.cost > 3), _HIDDEN),
        (ActionPolicy(execute=(Parcel.note == "x") | ~Role("a") & (Parcel.cost > 3)), _HIDDEN),
        (ActionPolicy(execute=lambda user: False), _HIDDEN),
        (ActionPolicy(execute=Parcel.cost > 3, reason="the parcel is sent"), "the parcel is sent"),
    ],
    ids=["readable", "hidden", "hidden in part", "a function", "given"],
)
def test_the_reason_of_a_refusal_names_no_hidden_field(policy: ActionPolicy, told: str) -> None:
    assert policy.reason_for(lambda path: path != ("cost",)) == told


@pytest.mark.parametrize(
    "rule, told",
    [
        (Parcel.weight > 3, "it is for weight > 3"),
        (Parcel.cost > 3, _HIDDEN),
        (Parcel.label.text == "x", _HIDDEN),
    ],
    ids=["readable", "a hidden field", "a hidden collection"],
)
async def test_a_refusal_tells_the_rule_only_to_who_may_read_what_it_speaks_of(rule: Any, told: str) -> None:
    app = Holdall("post")
    app.add_store("main", "memory:")
    app.add(Label, store="main", policy=Policy(read=Nobody))
    app.add(Parcel, store="main", policy=Policy(read=Everyone, fields={"cost": FieldRights(read=Nobody)}))
    app.add_action(Send, ActionPolicy(see=Everyone, execute=rule))
    async with app.session() as session:
        session.add(Parcel(id=1, label=session.add(Label(id=1))))
    async with app.session(User("eve")) as session:
        with pytest.raises(ActionUnavailable) as caught:
            await session.act(Send(), await session.require(Parcel, 1))
    assert caught.value.reason == told
    await app.close()
