"""The values at some paths of a collection as a collection of their own, of which formulas are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter

import msgspec

from holdall.query.border import Key, Row
from holdall.query.condition import Compare, Path
from holdall.query.predicate import Getter, Predicate, compile_condition, compile_path
from holdall.query.resolve import resolve
from holdall.query.schema import Schema
from holdall.query.term import Of, Term, formula, formula_of, is_formula, moved

__all__ = ["ValueColumns", "needed"]


class ValueColumns:
    """Computes formulas for those who have read what these are computed of: a row of it for each record.

    >>> from holdall.query import FieldSchema, Kind, parse_condition
    >>> book = Schema("book", (FieldSchema("id", Kind.INT), FieldSchema("pages", Kind.INT)), key=("id",))
    >>> asked = parse_condition("mul(pages, 2) > 900")
    >>> columns = ValueColumns({"book": book}, book, [("pages",)])
    >>> columns.getter(asked.path)((474,)), columns.meets(asked)((474,))
    (948, True)
    """

    def __init__(self, schemas: Mapping[str, Schema], schema: Schema, paths: Sequence[Path]) -> None:
        fields = [
            msgspec.structs.replace(
                resolve(schemas, schema, path)[-1][1],
                name=f"v{place}",
                nullable=True,
                form=None,
                columns=(),
                inside=None,
            )
            for place, path in enumerate(paths)
        ]
        self._schema = Schema("values", tuple(fields), ("v0",))
        self._places = {path: place for place, path in enumerate(paths)}

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """This collection alone."""
        return {"values": self._schema}

    def getter(self, path: Path) -> Getter:
        """The function from a row to the value at one of these paths, or of a formula of them."""
        if path in self._places:
            return itemgetter(self._places[path])
        return compile_path(self._moved(path), self._schema, self)

    def meets(self, condition: Compare) -> Predicate:
        """The function that decides whether a row meets a comparison."""
        asked = Compare(self._moved(condition.path), condition.op, condition.value)
        return compile_condition(asked, self._schema, self)

    def _moved(self, path: Path) -> Path:
        if not is_formula(path):
            return (f"v{self._places[path]}",)
        return (formula(moved(formula_of(path).term, self._renamed)),)

    def _renamed(self, term: Term) -> Term:
        return Of((f"v{self._places[term.path]}",)) if isinstance(term, Of) else term

    def by_key(self, collection: str) -> Callable[[Key], Row | None]:
        """No record is known."""
        return {}.get

    def referring(self, collection: str, field: str) -> Callable[[Key], Iterable[Row]]:
        """No record is known."""
        return lambda key: ()


def needed(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The paths that must be read to have the values at these, formulas among them; each once."""
    found: dict[Path, None] = {}
    for path in paths:
        found.update(dict.fromkeys(formula_of(path).paths if is_formula(path) else (path,)))
    return tuple(found)
