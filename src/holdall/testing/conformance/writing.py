"""Writing: adds, updates and removes, alone and in groups, all or none."""

from __future__ import annotations

import pytest

from holdall.errors import AlreadyExists, StaleVersion, Unsupported
from holdall.store import APPLIED, Change, CommitClass, Verb
from holdall.testing.conformance.case import Case

__all__ = ["Writing"]


class Writing:
    """Effects of ``apply`` on the store's content."""

    large_group = 10_000
    """How many changes are sent in one group; fewer do where each of them is a call of its own."""

    def test_add_update_remove(self, case: Case) -> None:
        """One record through its life; only the named fields change."""
        case.clear()
        assert list(case.apply(case.add("country", code="FR", name="France", population=1))) == [APPLIED]
        case.holds({"country": {"FR": ("FR", "France", 1)}})
        assert list(case.apply(case.update("country", "FR", name="République"))) == [APPLIED]
        case.holds({"country": {"FR": ("FR", "République", 1)}})
        case.apply(case.update("country", "FR", population=None, name=""))
        case.holds({"country": {"FR": ("FR", "", None)}})
        assert list(case.apply(case.remove("country", "FR"))) == [APPLIED]
        case.holds({})

    def test_nothing(self, case: Case) -> None:
        """No changes: no outcomes."""
        assert list(case.apply()) == []

    def test_in_order(self, case: Case) -> None:
        """Changes of one apply see those before them."""
        case.clear()
        case.apply(
            case.add("country", code="A", name="first", population=1),
            case.update("country", "A", name="second"),
            case.add("country", code="B", name="b", population=2),
            case.remove("country", "A"),
            case.add("country", code="A", name="third"),
            case.update("country", "B", population=3),
            case.update("country", "A", population=4),
        )
        case.holds({"country": {"A": ("A", "third", 4), "B": ("B", "b", 3)}})

    def test_add_twice(self, case: Case) -> None:
        """A second record with the same key is refused and the first stays."""
        case.clear()
        case.apply(case.add("country", code="A", name="first"))
        with pytest.raises(AlreadyExists):
            case.apply_or_raise(case.add("country", code="A", name="second"))
        case.holds({"country": {"A": ("A", "first", None)}})

    def test_absent(self, case: Case) -> None:
        """Updating or removing what is not there is refused as stale."""
        case.clear()
        for change in (case.update("country", "A", name="x"), case.remove("country", "A")):
            with pytest.raises(StaleVersion) as caught:
                case.apply_or_raise(change)
            assert caught.value.collection == "country"
            assert caught.value.key == "A"
        case.holds({})

    def test_all_or_none(self, case: Case) -> None:
        """A store of commit class TX or BATCH applies nothing of a group in which one change is refused."""
        case.clear()
        case.apply(case.add("country", code="A", name="a"), case.add("country", code="C", name="c"))
        before = {"country": {"A": ("A", "a", None), "C": ("C", "c", None)}}
        good = [
            case.add("country", code="B", name="b"),
            case.update("country", "A", name="changed"),
            case.remove("country", "C"),
        ]
        for place in range(len(good) + 1):
            for bad in (case.add("country", code="A", name="again"), case.update("country", "no", name="x")):
                changes = [*good[:place], bad, *good[place:]]
                if case.store.capabilities.commit in (CommitClass.TX, CommitClass.BATCH):
                    with pytest.raises((AlreadyExists, StaleVersion)):
                        case.apply(*changes)
                    case.holds(before)

    def test_unknown_collection(self, case: Case) -> None:
        """Changes to a collection that was not given to ``bind`` are refused by name."""
        with pytest.raises(Unsupported):
            case.apply(Change(Verb.ADD, "nowhere", 1, ("id",), (1,)))

    def test_update_of_many_records(self, case: Case) -> None:
        """Changes of one kind, each with its own values, nulls among them."""
        case.clear()
        case.apply(*(case.add("country", code=f"c{n}", name="x", population=n) for n in range(50)))
        fields = ("name", "population")
        case.apply(
            *(Change(Verb.UPDATE, "country", f"c{n}", fields, (f"n{n}", None if n % 3 else -n)) for n in range(50))
        )
        case.holds({"country": {n: (f"c{n}", f"n{n}", None if n % 3 else -n) for n in range(50)}})

    def test_large_group(self, case: Case) -> None:
        """A large group is taken as a whole."""
        case.clear()
        most = self.large_group
        half, late = most // 2, most * 9 // 10
        case.apply(*(case.add("country", code=f"{n}", name=f"name {n}", population=n) for n in range(late)))
        case.apply(
            *(case.update("country", f"{n}", population=n + 1) for n in range(half)),
            *(case.remove("country", f"{n}") for n in range(half, late)),
            *(case.add("country", code=f"{n}", name="late") for n in range(late, most)),
        )
        kept = {n: (f"{n}", f"name {n}", n + 1) for n in range(half)}
        case.holds({"country": {**kept, **{n: (f"{n}", "late", None) for n in range(late, most)}}})
