"""The whole suite, to be subclassed once per store."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdall.query import Schema
from holdall.store import Store
from holdall.testing.conformance.bounds import Bounds
from holdall.testing.conformance.breaking_off import BreakingOff
from holdall.testing.conformance.bulk import BulkChanges
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.checking import Checking
from holdall.testing.conformance.collisions import Collisions
from holdall.testing.conformance.computing import Computing
from holdall.testing.conformance.constraints import Constraints
from holdall.testing.conformance.expecting import Expecting
from holdall.testing.conformance.fencing import Fencing
from holdall.testing.conformance.final_states import FinalStates
from holdall.testing.conformance.generated import Generated
from holdall.testing.conformance.grouped import Grouped
from holdall.testing.conformance.histories import Histories
from holdall.testing.conformance.holding import Holding
from holdall.testing.conformance.impatience import close_impatient, open_impatient
from holdall.testing.conformance.keys import Keys
from holdall.testing.conformance.lifecycle import Lifecycle
from holdall.testing.conformance.nested import Nested
from holdall.testing.conformance.reading import Reading
from holdall.testing.conformance.references import References
from holdall.testing.conformance.searching import Searching
from holdall.testing.conformance.seeing import Seeing
from holdall.testing.conformance.sorting import Sorting
from holdall.testing.conformance.streams import Streams
from holdall.testing.conformance.transactions import Transactions
from holdall.testing.conformance.within import WithinQueries
from holdall.testing.conformance.writing import Writing

__all__ = ["StoreConformance"]

_FEWEST = 6
_FEW = 20
_IN_PROPORTION = {
    "grouped_examples": Grouped.grouped_examples,
    "formula_examples": Computing.formula_examples,
    "within_examples": WithinQueries.within_examples,
    "bulk_examples": BulkChanges.bulk_examples,
    "search_examples": Searching.search_examples,
}
_ENUMERATED = (
    "test_bounds_of_words",
    "test_collisions",
    "test_conditions",
    "test_every_aggregate",
    "test_every_field",
    "test_every_function",
    "test_extreme_values",
    "test_kind",
    "test_letter_case",
    "test_large_conditions",
    "test_large_group",
    "test_long_lists",
    "test_operator",
    "test_paging_by_position",
    "test_sorts",
    "test_what_was_held_is_written",
)
"""What a look leaves to the class of the store: all values, operators, pairs and sizes, one after the other."""

_CASE: pytest.StashKey[Case] = pytest.StashKey()


class StoreConformance(
    Reading,
    Generated,
    Histories,
    Sorting,
    Grouped,
    Computing,
    Searching,
    WithinQueries,
    Writing,
    References,
    Keys,
    Constraints,
    Checking,
    Expecting,
    FinalStates,
    Transactions,
    BreakingOff,
    Nested,
    BulkChanges,
    Holding,
    Collisions,
    Fencing,
    Streams,
    Bounds,
    Seeing,
    Lifecycle,
):
    """Every test a store must pass. ``label`` names its report; none is written while it is empty.

    >>> from holdall.store import open_store
    >>> class TestMine(StoreConformance):
    ...     label = "mine"
    ...     def open_store(self, request):
    ...         return open_store("mine", "memory:")
    """

    label = ""
    is_look = False
    """Whether the class looks at another way to a store that another class tries whole."""
    part: tuple[int, int] | None = None
    """Which part of the tests the class runs, as in ``(1, 3)`` for the first of three; all where None.

    Classes that open one kind of store in several ways may share the tests among them. ``HOLDALL_WHOLE=1`` runs all.
    """
    timeout = 60.0
    """Seconds a single call to the store may take."""

    def __init_subclass__(cls, **options: object) -> None:
        """Where a class says how many ``examples`` it draws, each of the other numbers becomes smaller as that does.

        Each value is tried on one of the two fields of its kind. One that draws few and has no ``label`` is a look at
        another way to the same store: a third of the values is tried, and what is enumerated left out. Set ``is_look``
        and ``values_apart`` to say otherwise, or ``HOLDALL_WHOLE=1`` in the environment to have all tried.
        """
        super().__init_subclass__(**options)
        is_whole = bool(os.environ.get("HOLDALL_WHOLE"))
        if cls.part is not None and not is_whole:
            cls._keep(*cls.part)
        if "examples" not in vars(cls):
            return
        for name in _IN_PROPORTION.keys() - vars(cls).keys():
            setattr(cls, name, max(_IN_PROPORTION[name] * cls.examples // Generated.examples, _FEWEST))
        if "is_look" not in vars(cls):
            cls.is_look = cls.examples <= _FEW and not cls.label
        if is_whole:
            return
        if "values_apart" not in vars(cls):
            cls.values_apart = 3 if cls.is_look else 2
        if cls.is_look:
            for name in set(_ENUMERATED) - vars(cls).keys():
                setattr(cls, name, None)

    @classmethod
    def _keep(cls, number: int, parts: int) -> None:
        """Leave out all tests but each ``parts``-th of the suite, from the ``number``-th on; its own ones stay.

        Raises ValueError where there is no such part.
        """
        if not 1 <= number <= parts:
            raise ValueError(f"{cls.__name__}.part is ({number}, {parts}): there are parts 1 to {parts}")
        tests = sorted(name for name in dir(StoreConformance) if name.startswith("test_"))
        for name in set(tests) - set(tests[number - 1 :: parts]) - vars(cls).keys():
            setattr(cls, name, None)

    def open_store(self, request: pytest.FixtureRequest) -> Store:
        """A new store on an empty place of its own; called once per test class and process.

        ``request.getfixturevalue(name)`` gives fixtures of session, module or class scope. Raises TypeError where the
        class does not define the method.
        """
        raise TypeError(f"{type(self).__name__} must define open_store(self, request)")

    def open_impatient(self, request: pytest.FixtureRequest) -> Store | None:
        """The store opened once more on the same place, to make the writes that are to be refused because of a lock.

        For stores whose servers keep locks while a commit over several stores is held: each such write waits for as
        long as the store is told to. Give that one a short time, and ``open_store`` a long one.
        """
        return None

    def named(self, schema: Schema) -> Schema:
        """The collection with the names under which the store is to keep it: its own, or for instance ``odd_names``."""
        return schema

    @pytest.fixture
    def case(self, request: pytest.FixtureRequest) -> Case:
        """The store under test, opened by the first test of a class; closed, and its places dropped, after the last."""
        owner = request.node.getparent(pytest.Class)
        assert isinstance(owner, pytest.Class)
        case = owner.stash.get(_CASE, None)
        if case is None:
            case = owner.stash[_CASE] = Case(self.open_store(request), self.timeout, self.named)
            folder = Path(request.config.rootpath) / "build" / "conformance"
            label = self.label if self.part is None or os.environ.get("HOLDALL_WHOLE") else ""
            owner.addfinalizer(lambda: _close(case, label, folder))
            case.open()
            if (impatient := self.open_impatient(request)) is not None:
                open_impatient(case, impatient)
        return case


def _close(case: Case, label: str, folder: Path) -> None:
    if label:
        case.report.write(label, folder)
    close_impatient(case)
    case.close()
