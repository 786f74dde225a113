"""``@requires``: a declared ability must behave; an undeclared one must be refused, which is seen as well."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from holdall.errors import Unsupported
from holdall.query import Kind, Op
from holdall.store import Feature
from holdall.testing.conformance.case import Case
from holdall.testing.conformance.fitting import query_needing, schema_needing

__all__ = ["requires", "see_refusal"]

Test = TypeVar("Test", bound=Callable[..., None])


def requires(*needs: Feature | Op | Kind | type) -> Callable[[Test], Test]:
    """Mark a test of a suite as one of these abilities.

    Where the store declares all, the test runs as it is. Where it does not, binding a collection that needs the
    ability, or fetching a query that does, must raise Unsupported. A type stands for an optional protocol: a store
    without its methods has nothing to refuse.

    Example: :class:`StoreConformance`.
    """

    def mark(test: Test) -> Test:
        @wraps(test)
        def run(self: Any, case: Case, *arguments: object, **named: object) -> None:
            missing = [need for need in needs if not case.declares(need)]
            is_refused = False
            try:
                if missing:
                    is_refused = see_refusal(case, missing[0])
                else:
                    test(self, case, *arguments, **named)
            except BaseException:
                case.report.fails(*needs)
                raise
            if is_refused:
                case.report.refuses(missing[0])
            elif not missing:
                case.report.passed(*needs)

        return run  # type: ignore[return-value]

    return mark


def see_refusal(case: Case, need: Feature | Op | Kind | type) -> bool:
    """Whether there is a way to ask the store for what it does not declare; AssertionError where it did not refuse."""
    if not isinstance(need, Feature | Op | Kind):
        return False
    schema = None if isinstance(need, Op) else schema_needing(need)
    query = None if isinstance(need, Kind) else query_needing(need, case.schemas)
    try:
        if schema is not None:
            case.store.bind([schema])
        elif query is not None:
            case.fetch(query)
        else:
            return False
    except Unsupported:
        return True
    raise AssertionError(f"{need!r} is not declared, but asking for it was not refused")
