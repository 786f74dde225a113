"""Items of a bulk request to a view: each is written by the handler of its verb, in one commit or each by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import msgspec

from holdall.errors import HoldallError
from holdall.model import Record
from holdall.query import Key
from holdall.web.bulk.results import together
from holdall.web.problem import Problem
from holdall.web.views.answers import Action, Input

__all__ = ["BulkItem", "BulkItems"]


class BulkItem(msgspec.Struct, eq=False):
    """One record that a request is about, and what is done with it.

    ``record`` is the one that was written, or removed; ``problem`` says why there is none.

    Example: :class:`AsyncRestView`.
    """

    action: Action
    key: Key = None
    data: Input = None
    etag: bytes | None = None
    record: Record | None = None
    problem: Problem | None = None


class BulkItems(Sequence[BulkItem]):
    """The items of a request, in order. ``is_by_item`` if each has a commit of its own; ``is_filtered`` if they are all
    that a filter means, of which nothing but their number is answered.

    Example: :class:`AsyncRestView`.
    """

    def __init__(
        self,
        items: Sequence[BulkItem],
        problem_of: Callable[[Exception], Problem],
        *,
        is_by_item: bool = False,
        is_filtered: bool = False,
    ) -> None:
        self._items = items
        self._problem_of = problem_of
        self.is_by_item = is_by_item
        self.is_filtered = is_filtered
        self.within = "patch" if items and items[0].action is Action.UPDATE and not is_filtered else ""

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> BulkItem:  # type: ignore[override]  # slices are of no use here
        return self._items[index]

    def __iter__(self) -> Iterator[BulkItem]:
        return iter(self._items)

    @property
    def records(self) -> list[Record]:
        """The records that are written, in order."""
        return [item.record for item in self._items if item.record is not None]

    @contextmanager
    def noting(self, item: BulkItem) -> Iterator[None]:
        """Around the handler of an item: what it raises stands in the way of this item, or of all."""
        try:
            yield
        except (Problem, HoldallError) as error:
            item.problem = self._problem_of(error)

    def demand_all(self) -> None:
        """Raise Problem for all items together that something stands in the way of."""
        problems = {place: item.problem for place, item in enumerate(self._items) if item.problem is not None}
        if problems:
            raise together(problems, self.within)
