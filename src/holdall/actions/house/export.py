"""The action of the house that gives records as a file."""

from __future__ import annotations

from typing import Literal, TypeVar

import msgspec

from holdall.actions.action import Action
from holdall.actions.content import Content
from holdall.actions.on import All
from holdall.errors import FieldError, ValidationError
from holdall.model import Model, csv_lines, csv_objects, json_names
from holdall.query import Value
from holdall.service import Context

__all__ = ["Export"]

M = TypeVar("M", bound=Model)

_rows = msgspec.json.Decoder(list[dict[str, Value]]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Export(Action[M], on=All):
    """Give records as CSV (RFC 4180) or as lines of JSON, as lists show them to the user.

    ``app.add_action(Export[Book])``. ``columns`` chooses fields, in the order of the model. Text that a spreadsheet
    would take for a formula has an apostrophe before it. Of more records than one call of an action takes,
    ``GET /books?format=csv`` and selections give files, too.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> from holdall.actions.house import Export
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Book, store="main")
    >>> app.add_action(Export[Book])
    >>> async def example():
    ...     async with app.session() as session:
    ...         session.add_all([Book(id=1, title="Emma"), Book(id=2, title="=1+1")])
    ...         await session.commit()
    ...         print((await session.act(Export[Book](form="csv"), Book.where())).body.decode().splitlines())
    >>> import asyncio
    >>> asyncio.run(example())
    ['id,title', '1,Emma', "2,'=1+1"]
    """

    form: Literal["csv", "ndjson"] = "csv"
    columns: list[str] | None = None

    async def run(self, context: Context, records: list[M]) -> Content:
        """Write the file. Raises ValidationError for columns that the user does not see."""
        session = context.session
        act = session.context.act
        model = type(records[0]) if records or act is None else act.model
        binding = session.context.bindings.of_model(model)
        hidden, output = binding.hidden(session.user), binding.declaration.json_output
        known = tuple([each for each in output.names if each not in hidden])
        if set(self.columns or ()) - set(known):
            errors = [FieldError("columns", "unknown", "names something that is not a field")]
            raise ValidationError(type(self).__name__, errors)
        shown = known if self.columns is None else tuple([each for each in known if each in self.columns])
        body, name = output.encode_what_can_be(records, shown), binding.collection
        if self.form == "ndjson":
            lines = b"".join([bytes(item) + b"\n" for item in _items(body)])
            return Content(lines, "application/x-ndjson", f"{name}.ndjson")
        lines = csv_lines([shown]) + csv_objects(_rows(body), shown, of_json=json_names(binding.schema))
        return Content(lines, "text/csv; charset=utf-8", f"{name}.csv")
