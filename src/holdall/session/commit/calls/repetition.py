"""Calls that only have members come to lists and go from them, made again where somebody else was faster.

The members that come and go do so in the list as it is then, too, so such a call takes the version that it finds. Its
record keeps the version that was read, and does not pass for what is stored now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from holdall.errors import StaleVersion
from holdall.query import AnyQuery, Query
from holdall.session.binding import Binding
from holdall.session.references.key_conditions import having_keys
from holdall.session.turns import Turn, Turns
from holdall.store import Change, Members, Outcome, Store, Verb

__all__ = ["Repetition"]

_TIMES = 20
_SECONDS = 5.0  # that one waits for others of this process


class Repetition:
    """One such call; ``outcome`` is that of the last time, unless one ``is_under_way``."""

    def __init__(self, binding: Binding, turns: Turns, change: Change, refused: Outcome) -> None:
        self.outcome = refused
        self.is_under_way = False
        self._binding = binding
        self._turn = Turn(turns)
        self._change = change

    @staticmethod
    def is_due(binding: Binding, change: Change, outcome: Outcome) -> bool:
        """Whether the call was refused for a version that it need not insist on."""
        version = binding.schema.version
        return (
            isinstance(outcome.error, StaleVersion)
            and change.verb is Verb.UPDATE
            and change.version is not None
            and change.expected is None
            and all(
                isinstance(value, Members)
                for name, value in zip(change.fields, change.values, strict=True)
                if name != version
            )
        )

    async def run(self, apply: Callable[[Store, list[Change]], Awaitable[Sequence[Outcome]]]) -> None:
        """Make the call until nobody was faster, or the record is gone. Raises what ``apply`` and the store raise."""
        binding = self._binding
        try:
            for _ in range(_TIMES):
                await self._turn.take(binding.collection, self._change.key, _SECONDS)
                change = await self._renewed()
                if change is None:
                    return
                self.is_under_way = True
                (self.outcome,) = await apply(binding.store, [change])
                self.is_under_way = False
                if not isinstance(self.outcome.error, StaleVersion):
                    return
        except TimeoutError:
            return
        finally:
            self._turn.end()

    async def _renewed(self) -> Change | None:
        """The change of the lists as they are stored now; None where the record is gone."""
        binding, change, names = self._binding, self._change, self._change.fields
        query: AnyQuery = Query(binding.collection, having_keys(binding, [change.key]))
        rows = await binding.store.fetch(query)
        if not rows:
            return None
        row, values = dict(zip(binding.all_fields, rows[0], strict=True)), []
        for name, value in zip(names, change.values, strict=True):
            if isinstance(value, Members):
                values.append(Members.of(value.applied_to(row[name]), row[name]))
            else:
                values.append(row[name] + 1)
        version = binding.schema.version
        assert version is not None
        return msgspec.structs.replace(change, values=tuple(values), version=row[version])
