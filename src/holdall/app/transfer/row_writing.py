"""Rows of a collection as parts of files: columns of values become cells, and no record is made of a row.

Where a model has a JSON of its own, it is asked of records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from holdall.app.transfer.yaml_documents import yaml_writer
from holdall.model import UNENCODABLE, Model, RowOutput, csv_objects, json_names
from holdall.query import Value
from holdall.session import Binding, records_of

__all__ = ["Write", "record_writer", "row_writer"]

Write = Callable[[Sequence[Value]], bytes]
"""From rows, or records, to their part of a file."""

_decode = msgspec.json.Decoder(dict[str, Value]).decode


def row_writer(binding: Binding, form: str, names: Sequence[str], *, keeps_formulas: bool) -> Write:
    """Return the function from whole rows to their part of a file of CSV, of lines of JSON or of YAML.

    Objects have the names in the order of the model. The function raises CorruptRecord for a row that no record can be
    made of, and ValidationError for a value that has no JSON. Example: ``docs/import-export.md``.
    """
    stored = binding.declaration.stored
    if form == "csv":
        cells = RowOutput(stored, names)
        return partial(_written, binding, names, partial(cells.csv, keeps_formulas=keeps_formulas))
    lines = RowOutput(stored, [name for name in binding.all_fields if name in names])
    write = partial(_written, binding, names, lines.ndjson)
    if form == "ndjson":
        return write
    documents = yaml_writer()
    return lambda rows: documents([_decode(line) for line in write(rows).splitlines()])


def record_writer(binding: Binding, form: str, names: Sequence[str], *, keeps_formulas: bool) -> Write:
    """Return the same from records, each of which says by ``to_json`` what is written of it."""
    of_json = json_names(binding.schema)
    documents = yaml_writer() if form == "yaml" else None

    def write(records: Sequence[Model]) -> bytes:
        texts = [record.to_json(fields=names) for record in records]
        if form == "ndjson":
            return b"".join([text.encode() + b"\n" for text in texts])
        rows = list(map(_decode, texts))
        if documents is not None:
            return documents(rows)
        return csv_objects(rows, names, keeps_formulas=keeps_formulas, of_json=of_json)

    return write


def _written(binding: Binding, names: Sequence[str], write: Write, rows: Value) -> bytes:
    try:
        return write(rows)
    except UNENCODABLE:
        for record in records_of(binding, rows):
            record.to_json(fields=names)  # which tells what is wrong
        raise
