"""What must hold when a schedule is over: looked at on the stores themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from holdall.session.journal.row import JournalRow, JournalState, read_row
from holdall.session.journal.schema import JOURNAL, MARKER
from tests.session.interleaving.accounts import OPENING
from tests.session.interleaving.stepped_stores import SteppedStore
from tests.session.interleaving.virtual_loop import Actor
from tests.session.interleaving.watching import Violation, Watch
from tests.session.interleaving.worlds import World

__all__ = ["Verdict"]


class Verdict:
    """What is demanded of one world after a schedule."""

    def __init__(self, world: World, watch: Watch, actors: Sequence[Actor]) -> None:
        self._world = world
        self._watch = watch
        self._actors = actors

    def demand_nothing_of_the_dead(self) -> None:
        """One help is enough: nobody is in the way of others because he is dead."""
        for store in self._world.stores:
            for reservation in store.held():
                if self._watch.owners[reservation.commit].is_dead:
                    raise Violation(f"{store.name} still holds {reservation.commit} of a dead process after one help")

    @property
    def is_anything_left(self) -> bool:
        """Whether somebody has to help."""
        rows = [row for row in self._rows() if row.state is not JournalState.LISTED]
        return bool(rows) or any(store.held() for store in self._world.stores)

    def demand_whole(self, told: Mapping[str, str], *, stood_still: bool) -> None:
        """Everything is written or nothing, what was told is what happened, and nothing is left."""
        if self.is_anything_left:
            left = [str(row) for row in self._rows()] + [str(store.held()) for store in self._world.stores]
            raise Violation(f"left behind: {left}")
        self._watch.demand_whole()
        for actor in self._actors:
            if not actor.is_dead:
                self._watch.demand_told(actor, told[actor.name])
        if self._watch.buried_alive and not stood_still:
            raise Violation(f"{self._watch.buried_alive[0]} was given up by others, and its owner was alive")
        if not self._watch.listed:
            self._demand_amounts()

    def old(self) -> list[str]:
        """The ids of what is left in journals, and of markers, each with its store."""
        return [f"{store.name} {name}" for store in self._world.stores for name in _old(store)]

    def _rows(self) -> list[JournalRow]:
        rows = [read_row(values) for store in self._world.stores for values in store.rows(JOURNAL.name)]
        return [row for row in rows if row.state not in (JournalState.HOME, JournalState.ABORTED)]

    def _demand_amounts(self) -> None:
        """Every amount is what those commits make it that are decided, and every flag is as its sign."""
        flag, sign = self._world.main.row("flag", 1), self._world.side.row("sign", 1)
        if flag != sign:
            raise Violation(f"flag and sign differ: {flag}, {sign}")
        added: dict[tuple[str, object], int] = {}
        for actor, role in zip(self._actors, self._world.scenario.roles, strict=True):
            times = self._watch.alone[actor] if role.is_alone else self._times(actor)
            for collection, key, by in role.adds:
                added[collection, key] = added.get((collection, key), 0) + by * times
        for (collection, key), by in added.items():
            begun = OPENING[collection].get(key, 0)
            if self._world.amount(collection, key) != begun + by:
                raise Violation(f"{collection} {key} has {self._world.amount(collection, key)}, not {begun + by}")

    def _times(self, actor: Actor) -> int:
        return sum(
            owner is actor and not commit.startswith("undo")
            for commit, owner in self._watch.owners.items()
            if commit in self._watch.decided - self._watch.taken_back
        )


def _old(store: SteppedStore) -> list[str]:
    rows = [read_row(values) for values in store.rows(JOURNAL.name)]
    left = [row.id for row in rows if row.state not in (JournalState.HOME, JournalState.LISTED)]
    return left + [str(row[0]) for row in store.rows(MARKER.name)]
