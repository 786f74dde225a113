"""SQL around columns in spellings of others: as they are selected, compared and ordered, and what is sent to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from holdall.errors import QueryError
from holdall.query import FieldSchema, Kind, Value
from holdall.stores.sql.columns import parameter_type
from holdall.stores.sql.dialect import Dialect, Element
from holdall.stores.sql.keeping import KeptField, declared, spelling_of
from holdall.stores.sql.named_choices import is_named, value_case
from holdall.stores.sql.spellings import NOT_IN_FORMULAS, Spelling

__all__ = ["CastType", "comparable", "computable", "kept_type", "operand_type", "searched", "shown"]


_Type: TypeAlias = sa.types.TypeEngine[Value]


class CastType(sa.types.UserDefinedType[Value]):
    """A type of a database for which no driver has a form: values are sent as another type, and cast."""

    cache_ok = True

    def __init__(self, name: str, carrier: _Type) -> None:
        self.name = name
        self.carrier = carrier

    def get_col_spec(self, **_: object) -> str:
        """Return the type in the database's own words."""
        return self.name


_CAST = (
    Spelling.LABEL, Spelling.CASELESS, Spelling.PADDED, Spelling.ADDRESS, Spelling.NETWORK, Spelling.HARDWARE,
    Spelling.ARRAY,
)  # fmt: skip
_AS_TEXT = (Spelling.LABEL, Spelling.CASELESS, Spelling.PADDED, Spelling.NETWORK, Spelling.HARDWARE)
_NATIVE: Mapping[Spelling, _Type] = {
    Spelling.NAIVE: sa.TIMESTAMP(),
    Spelling.INTERVAL: postgresql.INTERVAL(),
    Spelling.SINGLE: sa.REAL(),
}
_TEXT = sa.Text()
_MYSQL_TEXT = mysql.CHAR(charset="utf8mb4")


def kept_type(field: FieldSchema, dialect: Dialect) -> _Type | None:
    """The type of the column that keeps a field, where values must be sent otherwise than for our own; else None."""
    spelling = spelling_of(field)
    if dialect.family != "postgresql" or spelling is None or not isinstance(field, KeptField):
        return None
    if spelling in _CAST:
        return CastType("bpchar" if spelling is Spelling.PADDED else field.cast, _TEXT)
    return _NATIVE.get(spelling)


def operand_type(field: FieldSchema, dialect: Dialect, *, is_ordered: bool = False) -> _Type:
    """The type of a value that is compared with the column, or comes before or after it."""
    spelling = spelling_of(field)
    if is_named(field) and is_ordered:
        return parameter_type(declared(field), dialect)
    if spelling is Spelling.SINGLE:
        return sa.Double()
    if spelling is Spelling.OCTETS:
        return sa.LargeBinary()
    if spelling is Spelling.CASELESS or (is_ordered and field.kind is Kind.STR):
        return _TEXT
    return kept_type(field, dialect) or parameter_type(field, dialect)


def shown(column: Element, field: FieldSchema, dialect: Dialect) -> Element:
    """The expression that is selected for a column, of which the field's value is read."""
    spelling = spelling_of(field)
    if field.kind is Kind.JSON and dialect.parses_json and spelling is not Spelling.ARRAY:
        return sa.cast(column, _TEXT)
    if spelling is None:
        return column
    read = (_SHOWN_BY_POSTGRESQL if dialect.family == "postgresql" else _SHOWN).get(spelling)
    return column if read is None else read(column)


def comparable(column: Element, field: FieldSchema, *, is_ordered: bool = False) -> Element:
    """Return the expression for the column where its values are compared: one for all spellings of a value.

    ``is_ordered``: it is sorted, or compared by what comes first, under the collation that orders by code points.
    """
    if not isinstance(field, KeptField):
        return column
    if is_ordered and is_named(field):
        return searched(column, field)
    if is_ordered and field.collation is not None:
        text = searched(column, field)
        is_collated = text is not column and not field.cast
        return text if is_collated else sa.collate(text, field.collation)
    if field.spelling is None or (field.spelling is Spelling.SINGLE and field.cast):  # whose indexes serve doubles
        return column
    if field.spelling is Spelling.NUMBER and field.cast:  # an expression, whose numbers would be no text's equals
        return sa.cast(column, sa.Numeric())
    compared = _COMPARED.get(field.spelling)
    return column if compared is None else compared(column)


def computable(column: Element, field: FieldSchema, *, is_ordered: bool = False) -> Element:
    """The expression for the column in formulas. Raises QueryError for a spelling that none can be made of."""
    spelling = spelling_of(field)
    if spelling in NOT_IN_FORMULAS:
        raise QueryError(f"{field.name} is spelt in its column in a way that formulas do not know")
    found = comparable(column, field, is_ordered=is_ordered or is_named(field))
    if spelling is Spelling.NAIVE:
        return sa.func.timezone(sa.literal_column("'UTC'"), found, type_=sa.DateTime(timezone=True))
    return found


def searched(column: Element, field: FieldSchema) -> Element:
    """The expression for the column where its text is looked into."""
    spelling = spelling_of(field)
    if is_named(field):
        return value_case(column if spelling is None else sa.cast(column, _TEXT), field)
    text = None if spelling is None else _TEXT_OF.get(spelling)
    if text is None:
        return column
    if isinstance(field, KeptField) and field.cast:
        return text(column)
    collation = field.collation if isinstance(field, KeptField) else None
    return sa.collate(sa.cast(column, _MYSQL_TEXT), collation or "utf8mb4_bin")


def _as_text(column: Element) -> Element:
    return sa.cast(column, _TEXT)


def _plus_nothing(column: Element) -> Element:
    return column.op("+")(sa.literal_column("0"))  # which makes numbers of years and bits


def _as_double(column: Element) -> Element:
    return sa.cast(column, sa.Double())


def _microseconds(column: Element) -> Element:
    """An interval of PostgreSQL as a number of microseconds, and one that has months as what is no number."""

    def part(name: str) -> Element:
        return sa.cast(sa.func.date_part(sa.literal_column(f"'{name}'"), column), sa.Numeric())

    months = part("year") * sa.literal_column("12") + part("month")
    seconds = part("day") * sa.literal_column("86400") + part("hour") * sa.literal_column("3600")
    total = (seconds + part("minute") * sa.literal_column("60")) * sa.literal_column("1000000") + part("microseconds")
    number = sa.cast(sa.cast(total, sa.Numeric(40, 0)), _TEXT)
    return sa.case((months == sa.literal_column("0"), number), (column.is_not(None), sa.literal_column("'months'")))


def _listed(column: Element) -> Element:
    """A set of MariaDB as a JSON list, in the order of its labels."""
    quoted = sa.func.replace(column, sa.literal_column("','"), sa.literal_column("""'","'"""))
    filled = sa.func.concat(sa.literal_column("""'["'"""), quoted, sa.literal_column("""'"]'"""))
    return sa.case((column == sa.literal_column("''"), sa.literal_column("'[]'")), (column.is_not(None), filled))


_SHOWN_BY_POSTGRESQL: Mapping[Spelling, Callable[[Element], Element]] = {
    **dict.fromkeys(_AS_TEXT, _as_text),
    Spelling.ADDRESS: sa.func.abbrev,
    Spelling.INTERVAL: _microseconds,
    Spelling.SINGLE: lambda column: _as_double(_as_text(column)),
    Spelling.ARRAY: lambda column: _as_text(sa.func.array_to_json(column)),
}
_SHOWN: Mapping[Spelling, Callable[[Element], Element]] = {
    Spelling.BITS: _plus_nothing,
    Spelling.SINGLE: _as_double,
}
_COMPARED: Mapping[Spelling, Callable[[Element], Element]] = {
    Spelling.MOMENT: sa.func.holdall_moment,
    Spelling.SINCE_1970: sa.func.holdall_moment,
    Spelling.CLOCK: sa.func.holdall_clock,
    Spelling.CASELESS: _as_text,
    Spelling.ARRAY: sa.func.to_jsonb,
    Spelling.MEMBERS: _listed,
    Spelling.YEAR: _plus_nothing,
    Spelling.BITS: _plus_nothing,
    Spelling.SINGLE: _as_double,
}
_TEXT_OF: Mapping[Spelling, Callable[[Element], Element]] = {
    **dict.fromkeys(_AS_TEXT, _as_text),
    Spelling.ADDRESS: sa.func.abbrev,
    Spelling.UUID: _as_text,
}
