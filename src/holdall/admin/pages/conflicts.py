"""A save over somebody else's change: theirs, yours and before side by side, and one form that has both merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote

import msgspec
from starlette.responses import Response

from holdall.admin.described import Described, FieldInfo
from holdall.admin.forms import Filled, Typed, filled, groups_of, read_changes, same_value
from holdall.admin.kinds import Kind
from holdall.admin.shown import Shown, shown
from holdall.admin.visit import Refused, Visit
from holdall.admin.widgets import under
from holdall.query import Value

__all__ = ["conflict_page", "settled"]

_CHOICE = "_choose."
_OPEN = "_open"


class Difference(msgspec.Struct, frozen=True):
    """One field in three states. ``side`` says who changed it: "you", "they" or "both"."""

    field: FieldInfo
    before: Shown
    theirs: Shown
    yours: Shown
    side: str
    inputs: list[tuple[str, str]]


def settled(visit: Visit, sent: Typed, fields: Sequence[FieldInfo], before: Mapping[str, Value]) -> bool:
    """Whether somebody chose for each field that both had changed; what they have is then left alone."""
    names = [name for name in sent.own.get(_OPEN, "").split(",") if name]
    choices = {name: sent.own.get(_CHOICE + name) for name in names}
    if any(choice not in ("yours", "theirs") for choice in choices.values()):
        return False
    for field in fields:
        if choices.get(field.name) == "theirs":
            for name in under(sent.inputs, f"f.{field.name}"):
                del sent.inputs[name]
            sent.inputs |= filled([field], before, visit.words).inputs
    return True


class _States(msgspec.Struct, frozen=True):
    """The values of a record as the reader was shown them, as they are now, and those that he has changed."""

    before: Mapping[str, Value]
    theirs: Mapping[str, Value]
    yours: Mapping[str, Value]


async def conflict_page(
    visit: Visit,
    described: Described,
    key: str,
    fields: list[FieldInfo],
    sent: Typed,
    before: Mapping[str, Value],
) -> Response:
    """Show what somebody else has changed meanwhile; nothing is written before its reader has chosen."""
    answer = await visit.ask("GET", f"/{quote(described.collection)}/{key}")
    if answer.status == 404:
        return _gone(visit, described, fields, sent)
    if not answer.is_good:
        raise Refused(answer.status, answer=answer)
    theirs = answer.json
    yours, _ = read_changes(fields, sent, before, visit.words, is_new=False)
    found = [
        _difference(visit, described, key, field, sent, _States(before, theirs, yours))
        for field in fields
        if field.kind is not Kind.FILE
    ]
    open_names = [each.field.name for each in found if each.side == "both"]
    return visit.page(
        "conflict.html",
        409,
        described=described,
        key=key,
        record_name=described.name_of(theirs) or unquote(key),
        differences=[each for each in found if each.side],
        inputs=[pair for each in found for pair in each.inputs],
        open_names=",".join(open_names),
        before=msgspec.json.encode(
            {name: value for name, value in theirs.items() if name in described.by_name}
        ).decode(),
        tag=answer.tag,
        lost_files=sorted(sent.files),
    )


def _difference(
    visit: Visit, described: Described, key: str, field: FieldInfo, sent: Typed, states: _States
) -> Difference:
    name, old, now = field.name, states.before.get(field.name), states.theirs.get(field.name)
    is_yours, is_theirs = name in states.yours, not same_value(old, now)
    is_agreed = is_yours and same_value(states.yours[name], now)
    typed = under(sent.inputs, f"f.{name}")
    kept = typed if is_yours and not is_agreed else filled([field], states.theirs, visit.words).inputs
    inputs = [(place, text) for place, texts in kept.items() for text in texts]
    side = "they" if not is_yours or is_agreed else "both" if is_theirs else "you"
    first, theirs, yours = (
        shown(visit, described, field, value, key=key) for value in (old, now, states.yours.get(name, old))
    )
    return Difference(field, first, theirs, yours, side if is_yours or is_theirs else "", inputs)


def _gone(visit: Visit, described: Described, fields: list[FieldInfo], sent: Typed) -> Response:
    """Show what was typed, as a new record, where the old one was removed."""
    told = visit.words("Somebody has removed this record meanwhile. What you had typed would be a new one.")
    form = Filled(sent.inputs, {"": [told]})
    return visit.page(
        "new.html", 409, described=described, groups=groups_of(described, fields), form=form, has_files=False
    )
