"""Rows on the terminal: as a table for people, or as CSV or lines of JSON for programs."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import AsyncIterable, Sequence
from enum import StrEnum

from holdall.cli.acting import shown
from holdall.cli.plain import line
from holdall.model import Model, csv_row
from holdall.query import Kind, Value
from holdall.selections import Column

__all__ = ["Form", "print_rows"]

_GAP = "  "
_WIDEST = 60  # characters of a cell in a table


class Form(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    NDJSON = "ndjson"
    CSV = "csv"


async def print_rows(rows: AsyncIterable[Value], columns: Sequence[Column], form: Form) -> int:
    """Print records, or tuples of these columns, and return their number. A table is printed when all are there."""
    printed = 0
    written = csv.writer(sys.stdout, lineterminator="\n")
    table = list[list[str]]()
    names = [column.name for column in columns]
    json_columns = {column.name for column in columns if column.is_json}
    if form is Form.CSV and names:
        written.writerow(names)
    async for row in rows:
        printed += 1
        is_record = isinstance(row, Model)
        told = row if is_record else [each.shown(value) for each, value in zip(columns, row, strict=True)]
        if form is Form.NDJSON:
            print(shown(told if is_record else dict(zip(names, told, strict=True))))
            continue
        found = json.loads(shown(told))
        if is_record and not names:
            names = list(found)
            json_columns = {each.name for each in type(row).__holdall__.stored if each.kind is Kind.JSON}
            if form is Form.CSV:
                written.writerow(names)
        values = list(found.values()) if is_record else found
        if form is Form.CSV:
            of_json = [place for place, name in enumerate(names) if name in json_columns]
            written.writerow(csv_row(values, of_json=of_json))
        else:
            table.append([_cell(text) for text in csv_row(values, keeps_formulas=True)])
    if table:
        _print_table(names, table)
    return printed


def _print_table(names: list[str], rows: list[list[str]]) -> None:
    if sys.stdout.isatty():
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*names, box=SIMPLE_HEAD)
        for row in rows:
            table.add_row(*[Text(cell) for cell in row])  # a Text, so that no value is read as markup
        Console(width=shutil.get_terminal_size().columns).print(table)
        return
    widths = [max(len(row[place]) for row in [names, *rows]) for place in range(len(names))]
    for row in [names, ["-" * width for width in widths], *rows]:
        print(_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _cell(text: str) -> str:
    """Text of a bounded length that says nothing to a terminal."""
    cut = text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
    return line(cut)
