"""Changes applied together are judged by the state they lead to, in whatever order they come."""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import UUID

import pytest

from holdall.errors import Conflict, UniqueViolation
from holdall.store import Change, CommitClass, Feature
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires

__all__ = ["FinalStates"]

_KEYS = [UUID(int=number) for number in range(1, 6)]
_Row = tuple[Any, ...]  # isbn, series, volume


class FinalStates:
    """Unique values that change hands, and records that refer to each other and go together."""

    @requires(Feature.UNIQUE)
    def test_unique_values_change_hands(self, case: Case) -> None:
        """Two records swap, others take what is let go of or removed later, and a claim of two is refused."""
        if not _is_whole(case):
            return
        one, two, three, four, _ = _KEYS
        case.clear()
        case.apply(
            *(
                _added(case, key, (text, "s", place))
                for place, (key, text) in enumerate(zip(_KEYS[:3], "abc", strict=True))
            )
        )
        case.apply(case.update("book", one, isbn="b"), case.update("book", two, isbn="a"))
        case.apply(case.update("book", one, isbn="c"), case.update("book", three, isbn=None))
        case.apply(case.add("book", id=four, title="t", isbn="a"), case.remove("book", two))
        case.apply(case.update("book", one, volume=2), case.update("book", three, volume=0))
        assert case.column("book", "isbn") == {one: "c", three: None, four: "a"}
        assert case.column("book", "volume") == {one: 2, three: 0, four: None}
        before = case.content()
        with pytest.raises(UniqueViolation):
            case.apply_or_raise(case.update("book", one, isbn="a"), case.update("book", three, isbn="c"))
        case.holds(before)

    @requires(Feature.UNIQUE)
    def test_any_final_state(self, case: Case) -> None:
        """Of states drawn at random, those are reached in which values are unique, whatever the order of changes."""
        if not _is_whole(case):
            return
        case.clear()
        rng, held = Random(1), dict[UUID, _Row]()
        places = [case.schemas["book"].positions[name] for name in ("isbn", "series", "volume")]
        for _ in range(60):
            after = _drawn(held, rng)
            changes = [_change(case, key, held.get(key), after.get(key)) for key in _KEYS]
            given = [change for change in changes if change is not None]
            rng.shuffle(given)
            try:
                case.apply(*given)
            except Conflict:
                assert not _is_unique(after), f"refused without reason: {held} -> {after}"
            else:
                assert _is_unique(after), f"not refused: {held} -> {after}"
                held = after
            assert {key: tuple([row[place] for place in places]) for key, row in case.rows("book").items()} == held

    def test_circles_are_removed(self, case: Case) -> None:
        """Records that refer to themselves or to each other can be removed together."""
        if not _is_whole(case) or not case.keeps("author.mentor"):
            return
        case.clear()
        case.apply(*(case.add("author", id=number, name="a", version=1) for number in (1, 2, 3)))
        case.apply(*(case.update("author", one, mentor=two) for one, two in ((1, 2), (2, 1), (3, 3))))
        case.apply(case.remove("author", 3))
        case.apply(case.remove("author", 1), case.remove("author", 2))
        case.holds({})


def _is_whole(case: Case) -> bool:
    """Whether the store applies changes together or not at all."""
    return case.store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH)


def _added(case: Case, key: UUID, row: _Row) -> Change:
    isbn, series, volume = row
    return case.add("book", id=key, title="t", isbn=isbn, series=series, volume=volume)


def _change(case: Case, key: UUID, before: _Row | None, after: _Row | None) -> Change | None:
    if before == after:
        return None
    if after is None:
        return case.remove("book", key)
    isbn, series, volume = after
    if before is None:
        return _added(case, key, after)
    return case.update("book", key, isbn=isbn, series=series, volume=volume)


def _drawn(held: dict[UUID, _Row], rng: Random) -> dict[UUID, _Row]:
    """The rows handed round among some records, and one of them anew or gone."""
    after, keys = dict(held), rng.sample(sorted(held), rng.randint(0, len(held)))
    after.update(zip(keys, [held[key] for key in (*keys[1:], *keys[:1])], strict=True))
    key = rng.choice(_KEYS)
    if rng.random() < 0.3:
        after.pop(key, None)
    elif rng.random() < 0.7 or not after:
        after[key] = (rng.choice((None, "a", "b", "c", "d")), rng.choice((None, "s", "t")), rng.randint(0, 2))
    return after


def _is_unique(rows: dict[UUID, _Row]) -> bool:
    isbns = [isbn for isbn, _, _ in rows.values() if isbn is not None]
    places = [(series, volume) for _, series, volume in rows.values() if series is not None]
    return len(set(isbns)) == len(isbns) and len(set(places)) == len(places)
