"""Changes kept run by run: what a session sends, so that a store that can take whole runs need not look at each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any, overload

from holdall.query import Key, Value
from holdall.store.change import Change, Verb
from holdall.store.expected import Expected

__all__ = ["Run", "Runs", "expects", "has_checks"]


class Run:
    """Changes of one verb to the same fields of one collection, in order.

    ``keys``, ``rows`` (the values), ``versions`` and ``origins``, where there are any, run in parallel. The values are
    given as rows or as ``columns``, a list for each field. ``expected`` holds for each of them. The outcomes of new
    records that are ``is_untold`` need not have their keys.

    Example: :class:`Runs`.
    """

    __slots__ = (
        "_rows",
        "collection",
        "columns",
        "expected",
        "fields",
        "is_untold",
        "keys",
        "origins",
        "verb",
        "versions",
    )

    def __init__(
        self,
        verb: Verb,
        collection: str,
        fields: tuple[str, ...],
        keys: list[Key],
        rows: list[tuple[Value, ...]] | None = None,
        versions: list[int] | None = None,
        *,
        columns: list[list[Value]] | None = None,
        expected: Expected | None = None,
        origins: list[Key] | None = None,
        is_untold: bool = False,
    ) -> None:
        self.verb = verb
        self.collection = collection
        self.fields = fields
        self.keys = keys
        self.versions = versions
        self._rows = rows
        self.columns = columns
        self.expected = expected
        self.origins = origins
        self.is_untold = is_untold

    @property
    def rows(self) -> list[tuple[Value, ...]]:
        """The values, a tuple for each change."""
        if self._rows is None:
            self._rows = list(zip(*self.columns, strict=True)) if self.columns else [()] * len(self.keys)
        return self._rows


class Runs(Sequence[Change]):
    """A sequence of changes; each is made when it is asked for. ``is_linked`` if a KeyOf may stand in any of them.

    >>> from holdall.store import Run, Verb
    >>> runs = Runs([Run(Verb.ADD, "book", ("id",), [1, 2], [(1,), (2,)])], is_linked=False)
    >>> len(runs), runs[1].key
    (2, 2)
    """

    __slots__ = ("_changes", "_count", "is_linked", "runs")

    def __init__(self, runs: list[Run], *, is_linked: bool) -> None:
        self.runs = runs
        self.is_linked = is_linked
        self._count = len(runs[0].keys) if len(runs) == 1 else sum([len(run.keys) for run in runs])
        self._changes: list[Change] | None = None

    def _made(self) -> list[Change]:
        if self._changes is None:
            self._changes = []
            for run in self.runs:
                constant = (repeat(run.verb), repeat(run.collection))
                versions = run.versions or repeat(None)
                beside: tuple[Iterator[Any], ...] = ()
                if run.expected is not None or run.origins is not None:
                    beside = (repeat(None), repeat(run.expected), iter(run.origins or repeat(None)))
                self._changes.extend(map(Change, *constant, run.keys, repeat(run.fields), run.rows, versions, *beside))
        return self._changes

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Change: ...
    @overload
    def __getitem__(self, index: slice) -> list[Change]: ...
    def __getitem__(self, index: int | slice) -> Change | list[Change]:
        return self._made()[index]

    def __iter__(self) -> Iterator[Change]:
        return iter(self._made())


def has_checks(changes: Sequence[Change]) -> bool:
    """Whether any of the changes compares and writes nothing. Example: :class:`Runs`."""
    if isinstance(changes, Runs):
        return any(run.verb is Verb.UPDATE and not run.fields for run in changes.runs)
    return any(change.is_check for change in changes)


def expects(changes: Sequence[Change]) -> bool:
    """Whether the record of any change must still have expected values. Example: :class:`Runs`."""
    return any(part.expected is not None for part in (changes.runs if isinstance(changes, Runs) else changes))
