"""All changes of a session noted, before they are planned: those that its user may not make are refused."""

from __future__ import annotations

from holdall.session.commit.plan.presets import apply_presets
from holdall.session.commit.plan.rights import demand_sight
from holdall.session.context import SessionContext
from holdall.session.foreign import take_keys_of_others

__all__ = ["collect_changes", "collected", "judge_records"]


def collect_changes(context: SessionContext) -> bool:
    """Note all changes, and return whether there are any. Raises Forbidden, and ValidationError for references that the
    user may not give.
    """
    context.records.collect()
    if context.records.is_untouched():
        return False
    take_keys_of_others(context.records)
    if not context.user.unrestricted:
        is_trusted = context.writer.unrestricted
        if context.bindings.has_field_rights and context.records.new:
            apply_presets(context.bindings, context.user, context.records.new.values(), is_trusted=is_trusted)
        if not is_trusted:
            demand_sight(context.records, context.bindings, context.user)
    return True


async def collected(context: SessionContext) -> bool:
    """Note all changes, and return whether there are any; new references to records that the user may not see are
    refused, too, see ``Judging``.
    """
    if not collect_changes(context):
        return False
    judging = context.judging
    if judging is not None:
        await judging.demand_references()
    return True


async def judge_records(context: SessionContext) -> None:
    """Refuse changes of records that the user may not make; see ``Judging``."""
    judging = context.judging
    if judging is not None:
        await judging.demand_records()
