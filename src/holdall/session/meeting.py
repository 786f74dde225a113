"""Records that meet a rule as they are stored, looked at in the name of the program itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdall.policy import SYSTEM
from holdall.query import ALWAYS, Condition, Key, Row
from holdall.session.binding import Binding
from holdall.session.bindings import Bindings
from holdall.session.dao.dao_records import DaoRecords
from holdall.session.references.deciding import Deciding, Subject
from holdall.session.references.related_reader import RelatedReader
from holdall.session.references.semi_joins import SemiJoins

__all__ = ["keys_meeting", "rows_meeting"]


async def rows_meeting(deciding: Deciding, binding: Binding, condition: Condition, rows: Mapping[Key, Row]) -> set[Key]:
    """The keys of those rows that meet the condition."""
    met = await deciding.meet(condition, [Subject(binding, row) for row in rows.values()])
    return {key for key, is_met in zip(rows, met, strict=True) if is_met}


async def keys_meeting(
    bindings: Bindings, dao_records: DaoRecords, binding: Binding, condition: Condition, keys: Sequence[Key]
) -> set[Key]:
    """The keys of stored records that meet a condition now, looked at in the name of the program itself.

    Example: :class:`Session`.
    """
    if condition == ALWAYS:
        return set(keys)
    related = RelatedReader(SemiJoins(bindings, SYSTEM), dao_records)
    deciding = Deciding(bindings, None, SemiJoins(bindings, SYSTEM, joins=False))
    return await rows_meeting(deciding, binding, condition, await related.whole_rows(binding, keys))
