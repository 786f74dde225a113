"""The target brought after the source: noted records are read anew and written, until both sides are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from holdall.app.moving.comparing import BothSides
from holdall.app.moving.mover import Mover
from holdall.app.moving.note import key_of_note
from holdall.app.moving.pace import Pace
from holdall.errors import StaleVersion, StateError, UniqueViolation
from holdall.query import ALWAYS, AnyQuery, Key, Query, Row, SortKey
from holdall.session import Binding, store_within
from holdall.store import Change, Verb

__all__ = ["CatchingUp"]

_ROUNDS = 20
_ROUNDS_BESIDE = 10  # in which notes are followed while writers go on
_FEW = 100  # notes that are left to a last round, as writers go on
_APART = 20  # records whose values the target is asked for, where one of them has a value of another


class CatchingUp:
    """Brings the target of one move after its source."""

    def __init__(self, sides: BothSides, mover: Mover, notes: Binding, pace: Pace) -> None:
        self._sides = sides
        self._mover = mover
        self._notes = notes
        self._source = store_within(notes.store)
        self._pace = pace
        self._most = max(pace.most, _FEW)  # notes that are followed in one round

    async def clear_target(self) -> None:
        """Remove the records that the target had before the collection left it, but for those that come again.

        Others may refer to these by foreign keys.
        """
        target = self._sides.target
        async for rows in self._sides.pages(target, self._pace):
            await self._pace.each([*rows], self._clear)

    async def _clear(self, keys: Sequence[Key]) -> None:
        kept = await self._sides.rows(self._sides.source, keys)
        await self._remove([key for key in keys if key not in kept])

    async def take_back(self) -> None:
        """Remove from the target what was copied; what others have added there stays."""
        await self.follow()
        async for rows in self._sides.pages(self._sides.source, self._pace):
            await self._pace.each([*rows], self._take_back)

    async def _take_back(self, keys: Sequence[Key]) -> None:
        await self._remove(await self._sides.rows(self._sides.target, keys))

    async def _remove(self, keys: Iterable[Key]) -> None:
        await self._mover.write([Change(Verb.REMOVE, self._sides.target.collection, key) for key in keys])

    async def follow(self, *, is_closed: bool = False) -> None:
        """Follow the changes that are noted: all, or as long as writers go on, until few are left.

        Writers may be faster than this: some rounds are enough then, and others come later.
        """
        rounds = 0
        while notes := await self._next_notes():
            rounds += 1
            is_last = not is_closed and (len(notes) < self._most or rounds == _ROUNDS_BESIDE)
            keys = list(dict.fromkeys([key_of_note(self._sides.source, row) for row in notes]))
            await self._pace.each(keys, partial(self.bring, followed=self._mover.position.followed + len(notes)))
            try:
                await self._pace.each(notes, self.forget)
            except StaleVersion:  # a former run had just removed some
                continue
            if is_last:
                return

    async def forget(self, notes: Sequence[Row]) -> None:
        """Remove these notes. Raises StaleVersion where one is gone."""
        await self._source.apply([Change(Verb.REMOVE, self._notes.collection, row[0]) for row in notes])

    async def bring(self, keys: Sequence[Key], **moved: object) -> None:
        """Have these records in the target as they are in the source now.

        Where one of them has a unique value of another there, all that do not concern it are written by halves.

        Raises StateError where somebody else changes the records of the target.
        """
        for _ in range(_ROUNDS):
            changes = await self._sides.changes(keys)
            try:
                await self._mover.write(changes, **moved)
            except UniqueViolation:
                if len(keys) > _APART:
                    middle = len(keys) // 2
                    await self.bring(keys[:middle])
                    await self.bring(keys[middle:], **moved)
                else:
                    await self._bring_apart(list(keys), changes, moved)
            except StaleVersion:
                continue  # a batch that nobody waited for any more was written after all
            return
        raise StateError(f"{self._notes.collection}: records of the target change while their collection moves there")

    async def _bring_apart(self, keys: list[Key], changes: list[Change], moved: dict[str, object]) -> None:
        """Bring records whose unique values others have there still: these are brought too, all removed first."""
        for _ in range(_ROUNDS):
            others = await self._sides.holders(changes) - set(keys)
            keys += others
            if others:
                changes = await self._sides.changes(keys)
                continue
            gone = [each for each in changes if each.verb is not Verb.ADD]
            await self._mover.write([Change(Verb.REMOVE, each.collection, each.key) for each in gone])
            changes = await self._sides.changes(keys)
            try:
                await self._mover.write(changes, **moved)
            except UniqueViolation:
                continue  # the source has changed meanwhile
            return
        raise StateError(f"{self._notes.collection}: unique values change hands faster than they can be followed")

    # --- comparing --------------------------------------------------------------------------------------------------

    async def compare(self, tell: Callable[[int], object]) -> None:
        """Read both sides by key and demand that they are the same but for what is noted. Raises StateError."""
        sides = self._sides
        await self.follow()
        async for ours in sides.pages(sides.source, self._pace):
            await self._pace.each([*ours.items()], self._compare_ours)
            tell(len(ours))
            await self.follow()  # so that writers do not wait for all of it at last
        async for theirs in sides.pages(sides.target, self._pace):
            await self._pace.each([*theirs], self._compare_theirs)
            await self.follow()

    async def _compare_ours(self, ours: Sequence[tuple[Key, Row]]) -> None:
        theirs = await self._sides.rows(self._sides.target, [key for key, _ in ours])
        await self._demand_followed([key for key, row in ours if not _is_same(row, theirs.get(key))])
        await self._mover.write([])

    async def _compare_theirs(self, keys: Sequence[Key]) -> None:
        ours = await self._sides.rows(self._sides.source, keys)
        await self._demand_followed([key for key in keys if key not in ours])
        await self._mover.write([])

    async def _demand_followed(self, keys: list[Key]) -> None:
        """Bring those of these records that are noted, until they are the same or noted again."""
        sides, left = self._sides, keys
        for _ in range(_ROUNDS):
            if not left:
                return
            noted = await self._noted_keys()
            await self.bring([key for key in left if key in noted])
            theirs = await sides.rows(sides.target, left)
            ours = await sides.rows(sides.source, left)
            left = [key for key in left if not _is_same(ours.get(key), theirs.get(key))]
            noted = await self._noted_keys()  # read after the records: who changed one has noted it
            if any(key not in noted for key in left):
                raise StateError(self._difference([key for key in left if key not in noted], ours, theirs))

    def _difference(self, keys: list[Key], ours: dict[Key, Row], theirs: dict[Key, Row]) -> str:
        both = [(ours[key], theirs[key]) for key in keys if key in ours and key in theirs]
        names = sorted({name for mine, other in both for name in self._sides.differing(mine, other)})
        told = f"they differ in {', '.join(names)}" if names else "they are on one side only"
        name, target = self._sides.source.collection, self._sides.target.store.name
        return (
            f"{len(keys)} records of {name} are not in store {target!r} as they are in the source: {told}. A program"
            " that writes past Holdall has changed them, or the store keeps values otherwise; nothing was switched"
        )

    async def _next_notes(self) -> Sequence[Row]:
        query: AnyQuery = Query(self._notes.collection, ALWAYS).sort(SortKey(("id",))).limit(self._most)
        return await self._source.fetch(query)

    async def _noted_keys(self) -> set[Key]:
        rows = await self._source.fetch(Query(self._notes.collection, ALWAYS))
        return {key_of_note(self._sides.source, row) for row in rows}


def _is_same(ours: Row | None, theirs: Row | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return tuple(ours) == tuple(theirs)
