"""Rows of SQLite decoded in C, where that was built and every value has the form in which Holdall itself writes it.

All other rows are left to ``decoding``, which does the same in Python and says what cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from holdall.query import FieldSchema, Kind, Value
from holdall.stores.sql.class_check import codes, is_untyped, native
from holdall.stores.sql.columns import leaves
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.keeping import KeptField, spelling_of
from holdall.stores.sql.named_choices import is_named

__all__ = ["NativeDecoder", "native_decoder"]

NativeDecoder: TypeAlias = Callable[[object, bytes], Value]
"""From rows, and a letter for each column as ``_classes.c`` names them, to decoded rows or NotImplemented."""

_LETTERS = {Kind.BOOL: "o", Kind.DATETIME: "t"}
_PLAIN = frozenset({Kind.INT, Kind.STR, Kind.FLOAT, Kind.BYTES})


def native_decoder(fields: Sequence[FieldSchema], dialect: Dialect) -> tuple[NativeDecoder, bytes] | None:
    """Return the function that decodes rows of these fields, and their letters; None where Python decodes them all."""
    if native is None or not is_untyped(dialect) or any(field.kind is Kind.MANY for field in fields):
        return None
    kept = [leaf.field for field in fields for leaf in leaves(field)]
    if len(kept) != len(fields):
        return None  # composite keys are put together in Python
    letters = [_letter(field, checked) for field, checked in zip(kept, codes(fields, dialect), strict=True)]
    if "" in letters or not any(letter in "oOtT" for letter in letters):
        return None
    return native.decoded_as_coded, "".join(letters).encode()


def _letter(field: FieldSchema, checked: str) -> str:
    """The letter of a column; none for what is decoded in another way than by its kind alone."""
    is_other = is_named(field) or spelling_of(field) is not None or (isinstance(field, KeptField) and field.is_loose)
    if not is_other and field.kind in _PLAIN:
        return checked
    letter = "" if is_other else _LETTERS.get(field.kind, "")
    return letter if field.nullable else letter.upper()
