"""Changes that a store refuses: values that must be unique, records changed meanwhile, references to nothing."""

from __future__ import annotations

from uuid import UUID

import pytest

from holdall.errors import AlreadyExists, ReferenceViolation, StaleVersion, UniqueViolation
from holdall.store import CommitClass, Feature
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.requires import requires

__all__ = ["Constraints"]

_A, _B, _C, _D = (UUID(int=number) for number in range(4))


class Constraints:
    """Unique rules, versions and foreign keys."""

    @requires(Feature.UNIQUE)
    def test_unique(self, case: Case) -> None:
        """A second record with the same value is refused, when added and when updated; several may have none."""
        case.clear()
        case.apply(
            case.add("book", id=_A, title="a", isbn="1"),
            case.add("book", id=_B, title="b", isbn="2"),
            case.add("book", id=_C, title="c"),
            case.add("book", id=_D, title="d"),
        )
        before = case.content()
        for change in (case.add("book", id=UUID(int=9), title="x", isbn="1"), case.update("book", _B, isbn="1")):
            with pytest.raises(UniqueViolation) as caught:
                case.apply_or_raise(change)
            assert not isinstance(caught.value, AlreadyExists)
            assert caught.value.collection == "book"
            assert caught.value.fields in ((), ("isbn",))
        case.holds(before)
        case.apply(case.update("book", _B, isbn="2", title="same"), case.update("book", _C, isbn="2 "))
        case.apply(case.update("book", _A, isbn=None), case.update("book", _B, isbn="1"))
        assert sorted(filter(None, case.column("book", "isbn").values())) == ["1", "2 "]

    @requires(Feature.UNIQUE)
    def test_unique_together(self, case: Case) -> None:
        """Values unique together may repeat one by one, and repeat whole where one of them is missing."""
        case.clear()
        case.apply(
            case.add("book", id=_A, title="a", series="s", volume=1),
            case.add("book", id=_B, title="b", series="s", volume=2),
            case.add("book", id=_C, title="c", series="s"),
            case.add("book", id=_D, title="d", series="s"),
        )
        before = case.content()
        for change in (
            case.add("book", id=UUID(int=9), title="x", series="s", volume=2),
            case.update("book", _C, volume=1),
        ):
            with pytest.raises(UniqueViolation) as caught:
                case.apply_or_raise(change)
            assert caught.value.fields in ((), ("series", "volume"))
        case.holds(before)
        case.apply(case.update("book", _C, volume=3), case.update("book", _D, series="S", volume=1))

    @requires(Feature.UNIQUE)
    def test_unique_is_free_again(self, case: Case) -> None:
        """A value is free once its record is gone or has another, within one apply."""
        case.clear()
        case.apply(case.add("book", id=_A, title="a", isbn="1"), case.add("book", id=_B, title="b", isbn="2"))
        case.apply(case.remove("book", _A), case.add("book", id=_C, title="c", isbn="1"))
        case.apply(case.update("book", _B, isbn="3"), case.add("book", id=_D, title="d", isbn="2"))
        assert case.column("book", "isbn") == {_B: "3", _C: "1", _D: "2"}

    @requires(Feature.VERSIONS)
    def test_versions(self, case: Case) -> None:
        """An update or remove holds only at the expected version; without one it always holds."""
        case.clear()
        case.apply(case.add("author", id=1, name="a", version=1), case.add("author", id=2, name="b", version=7))
        case.apply(case.change("author", 1, 1, version=2, name="second"))
        before = case.content()
        for change in (
            case.change("author", 1, 1, version=2, name="late"),
            case.remove("author", 2, version=6),
            case.change("author", 3, 1, version=2, name="never there"),
            case.remove("author", 3, version=1),
        ):
            with pytest.raises(StaleVersion) as caught:
                case.apply_or_raise(change)
            assert caught.value.collection == "author"
            assert caught.value.key == change.key
        case.holds(before)
        case.apply(case.remove("author", 2, version=7), case.update("author", 1, name="whatever the version"))
        assert case.column("author", "name") == {1: "whatever the version"}
        assert case.column("author", "version") == {1: 2}

    @requires(Feature.VERSIONS)
    def test_one_stale_among_many(self, case: Case) -> None:
        """The refusal names the stale one of a hundred updates of one kind; of an atomic group none leaves a trace."""
        case.clear()
        case.apply(*(case.add("author", id=n, name="x", version=1) for n in range(1, 101)))
        case.apply(case.change("author", 37, 1, version=2, name="meanwhile"))
        before = case.content()
        changes = [case.change("author", n, 1, version=2, name="mine") for n in range(1, 101)]
        with pytest.raises(StaleVersion) as caught:
            case.apply_or_raise(*changes)
        assert caught.value.key == 37
        if case.store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH):
            case.holds(before)
        assert case.column("author", "name")[37] == "meanwhile"

    def test_foreign_keys(self, case: Case) -> None:
        """References to nothing are refused, and so is removing what is referred to; elsewhere they read as missing."""
        if not case.keeps("author.country"):
            return
        case.clear()
        case.apply(
            case.add("country", code="FR", name="France"), case.add("author", id=1, name="a", country="FR", version=1)
        )
        before = case.content()
        bad = [
            case.add("author", id=2, name="b", country="XX", version=1),
            case.update("author", 1, country="XX"),
            case.update("author", 1, mentor=99),
            case.remove("country", "FR"),
        ]
        if case.declares(Feature.FOREIGN_KEYS):
            for change in bad:
                with pytest.raises(ReferenceViolation):
                    case.apply_or_raise(change)
            case.holds(before)
            case.report.passed(Feature.FOREIGN_KEYS)
        else:
            for change in bad:
                case.apply_or_raise(change)
            assert case.column("author", "country") == {1: "XX", 2: "XX"}

    def test_foreign_keys_of_several_fields(self, case: Case) -> None:
        """The same for references by a key of several fields, and for the keys a Many holds."""
        if not case.declares(Feature.FOREIGN_KEYS) or not case.keeps("book.shelf", "book.seen_on", "book.sold_in"):
            return
        case.clear()
        case.apply(
            case.add("shelf", room="a", number=1),
            case.add("shelf", room="b", number=2),
            case.add("country", code="FR", name="France"),
            case.add("book", id=_A, title="t", shelf=("a", 1), seen_on=(("b", 2),), sold_in=("FR",)),
        )
        before = case.content()
        for change in (
            case.update("book", _A, shelf=("a", 2)),
            case.update("book", _A, seen_on=(("b", 2), ("b", 1))),
            case.update("book", _A, sold_in=("FR", "XX")),
            case.remove("shelf", ("a", 1)),
            case.remove("shelf", ("b", 2)),
            case.remove("country", "FR"),
        ):
            with pytest.raises(ReferenceViolation):
                case.apply_or_raise(change)
        case.holds(before)
        case.apply(case.update("book", _A, shelf=None, seen_on=(), sold_in=()), case.remove("shelf", ("a", 1)))
        case.apply(case.remove("shelf", ("b", 2)), case.remove("country", "FR"))

    def test_self_reference(self, case: Case) -> None:
        """A record may refer to itself, and two to each other; both can be removed once the circle is cut."""
        if not case.keeps("author.mentor"):
            return
        case.clear()
        case.apply(
            case.add("author", id=1, name="a", version=1), case.add("author", id=2, name="b", mentor=1, version=1)
        )
        case.apply(case.update("author", 1, mentor=2))
        case.apply(case.update("author", 2, mentor=2))
        case.apply(case.update("author", 1, mentor=None), case.update("author", 2, mentor=None))
        case.apply(case.remove("author", 1), case.remove("author", 2))
        case.holds({})
