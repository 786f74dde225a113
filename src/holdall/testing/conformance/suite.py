"""The whole suite, to be subclassed once per store."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdall.store import Store
from holdall.testing.conformance.bounds import Bounds
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.collisions import Collisions
from holdall.testing.conformance.constraints import Constraints
from holdall.testing.conformance.expecting import Expecting
from holdall.testing.conformance.final_states import FinalStates
from holdall.testing.conformance.generated import Generated
from holdall.testing.conformance.histories import Histories
from holdall.testing.conformance.holding import Holding
from holdall.testing.conformance.keys import Keys
from holdall.testing.conformance.lifecycle import Lifecycle
from holdall.testing.conformance.reading import Reading
from holdall.testing.conformance.references import References
from holdall.testing.conformance.sorting import Sorting
from holdall.testing.conformance.streams import Streams
from holdall.testing.conformance.transactions import Transactions
from holdall.testing.conformance.writing import Writing

__all__ = ["StoreConformance"]

_CASE: pytest.StashKey[Case] = pytest.StashKey()


class StoreConformance(
    Reading,
    Generated,
    Histories,
    Sorting,
    Writing,
    References,
    Keys,
    Constraints,
    Expecting,
    FinalStates,
    Transactions,
    Holding,
    Collisions,
    Streams,
    Bounds,
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
    timeout = 60.0
    """Seconds a single call to the store may take."""

    def open_store(self, request: pytest.FixtureRequest) -> Store:
        """A new store on an empty place of its own; called once per test class and process.

        ``request.getfixturevalue(name)`` gives fixtures of session, module or class scope.
        """
        raise TypeError(f"{type(self).__name__} must define open_store(self, request)")

    @pytest.fixture
    def case(self, request: pytest.FixtureRequest) -> Case:
        """The store under test, opened by the first test of a class; closed, and its places dropped, after the last."""
        owner = request.node.getparent(pytest.Class)
        assert isinstance(owner, pytest.Class)
        case = owner.stash.get(_CASE, None)
        if case is None:
            case = owner.stash[_CASE] = Case(self.open_store(request), self.timeout)
            folder = Path(request.config.rootpath) / "build" / "conformance"
            owner.addfinalizer(lambda: _close(case, self.label, folder))
            case.open()
        return case


def _close(case: Case, label: str, folder: Path) -> None:
    if label:
        case.report.write(label, folder)
    case.close()
