"""Records of many JSON objects at once: each field's values are read as one column, in one step where all are right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from holdall.codegen import function
from holdall.errors import HoldallError
from holdall.model.field import Field
from holdall.model.json_columns import read_column
from holdall.model.tracking import Record
from holdall.query import Json, Value

__all__ = ["ManyInput"]

_MOST_MAKERS = 16
_Maker = Callable[[Sequence[tuple[Value, ...]], list[Record | HoldallError]], None]


class ManyInput:
    """Makes for each object what ``create`` makes of it, or gives the error that it raises.

    ``make`` is the second half of ``create``: from values that are typed to a record.

    Example: :class:`JsonInput`.
    """

    def __init__(
        self,
        model: type[Value],
        accepted: Mapping[str, Field],
        create: Callable[[Mapping[str, Value]], Record],
        make: Callable[[dict[str, Value]], Record],
    ) -> None:
        self._model = model
        self._accepted = accepted
        self._create = create
        self._make = make
        self._makers: dict[tuple[str, ...], _Maker] = {}

    def create_all(self, items: Sequence[Mapping[str, Json]]) -> list[Record | HoldallError]:
        """For each item what ``create_from`` makes of it, in order, or the error that it raises."""
        alike: dict[tuple[str, ...], list[int]] = {}
        for place, item in enumerate(items):
            alike.setdefault(tuple(item), []).append(place)
        if len(alike) == 1:
            (names,) = alike
            return self.create_rows(names, [tuple(item.values()) for item in items])
        found: list[dict[str, Value] | None] = [None] * len(items)
        for names, places in alike.items():
            typed, wrong = self._typed(names, [tuple(items[place].values()) for place in places])
            for number, row in enumerate(typed):
                if number not in wrong:
                    found[places[number]] = dict(zip(names, row, strict=True))
        return self._created(items, found)

    def create_rows(self, names: tuple[str, ...], rows: Sequence[tuple[Json, ...]]) -> list[Record | HoldallError]:
        """The same of many items that give values to the same fields."""
        typed, wrong = self._typed(names, rows)
        made: list[Record | HoldallError] = []
        maker = None if wrong or not typed else self._maker(names)
        if maker is not None:
            maker(typed, made)
            return made
        items = [dict(zip(names, row, strict=True)) for row in rows]
        values = [None if place in wrong else dict(zip(names, row, strict=True)) for place, row in enumerate(typed)]
        return self._created(items, values or [None] * len(items))

    def _created(
        self, items: Sequence[Mapping[str, Json]], values: Sequence[dict[str, Value] | None]
    ) -> list[Record | HoldallError]:
        """The records of typed values, or of items that there is more to say of, in order."""
        made: list[Record | HoldallError] = []
        for item, typed in zip(items, values, strict=True):
            try:
                made.append(self._create(item) if typed is None else self._make(typed))
            except HoldallError as error:
                made.append(error.with_traceback(None))  # which holds this list
        return made

    def _typed(
        self, names: tuple[str, ...], rows: Sequence[tuple[Json, ...]]
    ) -> tuple[list[tuple[Value, ...]], set[int]]:
        """The rows with typed values, and the places of those with one that is none; no rows if a field is unknown."""
        if not names or not self._accepted.keys() >= set(names):
            return [], set()
        given = zip(*rows, strict=True)
        columns = [read_column(self._accepted[name], each) for name, each in zip(names, given, strict=True)]
        wrong = {number for _, bad in columns for number in bad}
        return list(zip(*[typed for typed, _ in columns], strict=True)), wrong

    def _maker(self, names: tuple[str, ...]) -> _Maker | None:
        """The function that makes records of rows of typed values, for the first choices of fields that are met.

        None for others, which clients may give in any number, and for fields that the constructor does not take.
        """
        found = self._makers.get(names)
        if found is not None or len(self._makers) >= _MOST_MAKERS:
            return found
        if not all(self._accepted[name].options.init for name in names):
            return None
        found = self._makers[names] = self._made_maker(names)
        return found

    def _made_maker(self, names: tuple[str, ...]) -> _Maker:
        values = [f"v{number}" for number in range(len(names))]
        pairs = ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))
        lines = [
            f"    for {', '.join(values)}, in rows:",
            "        try:",
            f"            made.append(model({pairs}))",
            "        except HoldallError as error:",
            "            made.append(error.with_traceback(None))",
        ]
        scope = {"model": self._model, "HoldallError": HoldallError}
        maker: _Maker = function("make", "rows, made", lines, scope, f"{self._model.__name__}, made of rows")
        return maker
