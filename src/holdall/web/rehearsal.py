"""Rehearsals: a write is planned, tried where its store has transactions, and taken back; the plan is the answer."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any

import msgspec

from holdall.errors import FieldError, ValidationError
from holdall.policy import Right
from holdall.query import Key
from holdall.session import Plan, Session
from holdall.store import Transactional, Verb
from holdall.web.preferences import Preferences
from holdall.web.reply import PLAN, Reply, json_reply

__all__ = ["rehearse", "rehearsed"]

_VERBS = {Verb.ADD: Right.CREATE, Verb.UPDATE: Right.UPDATE, Verb.REMOVE: Right.DELETE}


class _TakenBackError(Exception):
    """Ends a transaction that is not to last."""


async def rehearse(session: Session, numbers: dict[str, int] | None = None) -> dict[str, Any]:
    """Do all that a commit would but let it last, and return its plan. Raises what the commit would.

    ``numbers`` tells by collection how many records a change of all that a filter means would have.
    """
    plan = await session.expand(tell=True)
    steps = [(each.verb, each.binding, (numbers or {}).get(each.binding.collection, 0)) for each in plan.bulk] + [
        (batch.verb, batch.binding, len(batch.records))
        for step in plan.steps
        for batch in step.batches
        if not batch.is_check
    ]
    told = [
        {"act": _VERBS[verb].value, "collection": binding.collection, "records": number}
        for verb, binding, number in steps
        if binding.policy.allows(Right.READ, session.user)  # of others nothing is told
    ]
    wanted = _targets(session, plan)
    if len(plan.stores) == 1 and isinstance(store := plan.stores[0], Transactional):
        try:
            async with session.transaction(store.name):
                await session.flush()
                raise _TakenBackError
        except _TakenBackError:
            pass
        await _demand_targets(session, wanted)  # which databases look for at the very end
    session.rollback()
    return {"plan": told, "guarantee": plan.guarantee.value}


def _targets(session: Session, plan: Plan) -> dict[tuple[Any, Key], str]:
    """The stored records that references lead to which are to be written, each with the name of the reference."""
    wanted: dict[tuple[Any, Key], str] = {}
    for batch in [each for step in plan.steps for each in step.batches if each.verb is not Verb.REMOVE]:
        written = [each for each in batch.binding.relationships if each.field.root.name in batch.fields]
        for relationship, record in product(written, batch.records):
            model, field = relationship.target.model, relationship.field
            keys = field.encode(field.get(record))
            for key in keys if field.form is not None else (keys,):
                if key is not None and session.context.records.find(model, key) is None:
                    wanted[model, key] = field.name
    return wanted


async def _demand_targets(session: Session, wanted: dict[tuple[Any, Key], str]) -> None:
    """Raise ValidationError for references that lead to no record."""
    found = await asyncio.gather(
        *(session.get(model, *(key if isinstance(key, tuple) else (key,))) for model, key in wanted)
    )
    missing = sorted({name for name, record in zip(wanted.values(), found, strict=True) if record is None})
    if missing:
        breaches = [FieldError(name, "reference", "refers to a record that does not exist") for name in missing]
        raise ValidationError("rehearsal", breaches)


async def rehearsed(session: Session, preferences: Preferences, numbers: dict[str, int] | None = None) -> Reply:
    """The answer to a write that is only rehearsed."""
    body = msgspec.json.encode(await rehearse(session, numbers))
    return json_reply(200, body, *preferences.headers, media_type=PLAN)
