"""A job as an application has it: a function, the records that it goes over, and the size of its steps."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import get_type_hints

import msgspec

from holdall.errors import DeclarationError, QueryError
from holdall.query import AnyQuery, Json, Value

__all__ = ["DeclaredJob"]


class DeclaredJob(msgspec.Struct, frozen=True, eq=False):
    """A function that is called with a context and a batch of records, and with inputs by name."""

    name: str
    function: Callable[..., Value]
    over: AnyQuery
    batch: int
    part: int

    @classmethod
    def of(cls, name: str, function: Callable[..., Value], over: Value, batch: int, part: int) -> DeclaredJob:
        """The job of a function. Raises DeclarationError for what cannot be one."""
        query = over.where() if isinstance(over, type) and hasattr(over, "where") else over
        if not callable(function):
            raise DeclarationError(f"job {name!r} is a function: async def {name}(context, records): ...")
        if getattr(query, "model", None) is None or query.projection or query.grouping is not None:
            raise DeclarationError(f"job {name!r} goes over a model, or a query of its records: over=Book")
        if query.sort_keys or query.max_rows is not None or query.skip or query.position is not None:
            raise DeclarationError(f"job {name!r} goes by key over all that a condition means: no sort, no limit")
        if not (type(batch) is type(part) is int and 1 <= batch <= part):
            raise DeclarationError(f"job {name!r}: batch and part are numbers of records, a part at least a batch")
        return cls(name, function, query, batch, part)

    def inputs_of(self, inputs: Mapping[str, Json]) -> dict[str, Value]:
        """Return inputs as the annotations of the function have them: a date for the text that JSON has of a date.

        Raises QueryError for a value that an annotation does not take. Inputs without an annotation stay as they are.
        """
        try:
            hints = get_type_hints(self.function, include_extras=True)
        except (NameError, TypeError):  # of a type that is not known here
            hints = {}
        found = dict[str, Value](inputs)
        for name in found.keys() & hints.keys():
            try:
                found[name] = msgspec.convert(found[name], hints[name])
            except msgspec.ValidationError as error:
                raise QueryError(f"job {self.name!r}: {name}: {error}") from None
            except TypeError:  # of a type that is not made of JSON
                continue
        return found

    def demand_inputs(self, inputs: Mapping[str, Json]) -> None:
        """Raise QueryError for inputs that the function does not take, or that are no JSON."""
        try:
            inspect.signature(self.function).bind(None, [], **inputs)
        except TypeError as error:
            raise QueryError(f"job {self.name!r}: {error}") from None
        try:
            is_same = msgspec.json.decode(msgspec.json.encode(inputs)) == dict(inputs)
        except (TypeError, ValueError, msgspec.MsgspecError):
            is_same = False
        if not is_same:
            raise QueryError(f"job {self.name!r}: inputs are kept as JSON, and one of these is none")
        self.inputs_of(inputs)
