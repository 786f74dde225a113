"""The half of a view's schema that is shown: records as objects for schema libraries, references as keys or nested."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.errors import DeclarationError
from holdall.model import Declaration, Record, Reference, Related, hidden_ends
from holdall.query import Json, Value, did_you_mean
from holdall.web.views.shapes import Shape, nested_schema, shape_of

__all__ = ["Shown"]


class Shown:
    """The half of a schema that is shown: without what is written only, with what is referred to nested in it."""

    def __init__(self, declaration: Declaration, basis: Shape, view: str) -> None:
        hidden = [name for name, field in basis.fields.items() if field.marks.is_write_only]
        self.shape = basis.partial("Response", without=hidden, references=(), is_optional=False) if hidden else basis
        self.fields = {name: field for name, field in basis.fields.items() if name not in hidden}
        self._by_alias = {field.alias: name for name, field in self.fields.items()}
        self._nested: dict[str, Shown] = {}
        self._keys: set[str] = set()
        self._hidden = frozenset(hidden)
        self._visible: dict[frozenset[str], Shape] = {}
        model = declaration.model
        for name, field in self.fields.items():
            if not hasattr(model, name):
                raise DeclarationError(
                    f"{view}: {model.__name__} has no {name!r}, which {basis.schema.__name__} shows"
                    f"{did_you_mean(name, declaration.json_output.names)}; mark it WriteOnly if it is only taken"
                )
            relation = declaration.by_name.get(name)
            if relation is None or relation.target is None:
                continue
            nested = nested_schema(field.annotation)
            if nested is None:
                self._keys.add(name)
            else:
                self._nested[name] = Shown(relation.target().__holdall__, shape_of(nested[0]), view)

    def loads(self) -> Iterable[tuple[str, ...]]:
        """The paths of references that must be loaded before a record is shown."""
        for name, nested in self._nested.items():
            deeper = [(name, *path) for path in nested.loads()]
            yield from deeper or [(name,)]

    def path(self, names: tuple[str, ...]) -> tuple[str, ...] | None:
        """The path of fields, if it leads only through what is shown."""
        name, rest = self._by_alias.get(names[0]), names[1:]
        if name is None or not rest:
            return None if name is None else (name,)
        if name in self._nested:
            deeper = self._nested[name].path(rest)
            return None if deeper is None else (name, *deeper)
        return None if name in self._keys else (name, *rest)

    def encode(self, record: Record) -> Json:
        withheld = hidden_ends(record) & self.fields.keys()
        return self._without(withheld).encode(self.attributes(record))

    def _without(self, withheld: frozenset[str]) -> Shape:
        """The shape for users from whom these fields are hidden."""
        if not withheld:
            return self.shape
        found = self._visible.get(withheld)
        if found is None:
            found = self.shape.partial("Visible", without=withheld, references=(), is_optional=False)
            self._visible[withheld] = found
        return found

    def attributes(self, record: Record) -> object:
        return _Attributes(record, self._keys, self._nested, self._hidden)


class _Attributes:
    """A record as an object for schema libraries: references are keys, or objects of this kind, where they say so."""

    def __init__(self, record: Record, keys: set[str], nested: dict[str, Shown], hidden: frozenset[str]) -> None:
        self.__dict__["_all"] = (record, keys, nested, hidden)

    def __getattr__(self, name: str) -> Value:
        record, keys, nested, hidden = self.__dict__["_all"]
        if name in hidden or name.startswith("_"):
            raise AttributeError(name)
        value = getattr(record, name)
        if name in keys:
            return value.keys if isinstance(value, Related) else value.key
        if name in nested:
            shown: Shown = nested[name]
            if isinstance(value, Related):
                return [shown.attributes(_record_of(item)) for item in value]
            return None if not value else shown.attributes(_record_of(value))
        return value


def _record_of(value: Value) -> Record:
    return value.record if isinstance(value, Reference) else value
