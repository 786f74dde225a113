"""Names of tables and columns that a database cannot have, refused before anything is asked of it.

Names that Holdall makes itself fit every database; this is about those that a model declares. PostgreSQL would cut a
long one without a word ("Identifiers and Key Words" in its manual), MariaDB has rules of its own ("Identifier Names").
"""

from __future__ import annotations

from collections.abc import Iterator

from holdall.errors import DeclarationError
from holdall.query import Schema
from holdall.stores.sql.columns import LONGEST_NAME, leaves_by_field

__all__ = ["demand_names"]

_LONGEST_IN_MYSQL = 64  # characters
_SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})


def demand_names(schema: Schema, family: str) -> None:
    """Raise DeclarationError, naming collection and field, for a name that no table or column of this family has."""
    for place, name in _declared(schema):
        if reason := _why_not(name, family):
            raise DeclarationError(f"{place}: {reason}")
    if family == "postgresql" and not schema.is_read_only:
        for field, found in leaves_by_field(schema).items():
            for leaf in found:
                if leaf.name in _SYSTEM_COLUMNS:
                    raise DeclarationError(
                        f"{schema.name}.{field}: PostgreSQL has a column {leaf.name!r} of its own in every table;"
                        " name another with field(column=…)"
                    )


def _declared(schema: Schema) -> Iterator[tuple[str, str]]:
    """Each declared name, after the place that declares it."""
    for name in (schema.table, schema.namespace):
        if name:
            yield schema.name, name
    for field in schema.fields:
        link = field.link
        names = () if link is None else (link.table, *link.owner, *link.target, link.position)
        for name in (*field.columns, *names):
            if name:
                yield f"{schema.name}.{field.name}", name


def _why_not(name: str, family: str) -> str:
    if "\0" in name:
        return "no database has a name with a NUL character"
    if family == "postgresql" and len(name.encode()) > LONGEST_NAME:
        return f"PostgreSQL keeps {LONGEST_NAME} bytes of a name, and this has {len(name.encode())}: {name!r}"
    if family != "mysql":
        return ""
    if len(name) > _LONGEST_IN_MYSQL:
        return f"MariaDB and MySQL take names of {_LONGEST_IN_MYSQL} characters, and this has {len(name)}: {name!r}"
    if name.endswith(" "):
        return f"MariaDB and MySQL take no name that ends with a space: {name!r}"
    if max(name) > "\uffff":
        return f"MariaDB and MySQL take no character beyond U+FFFF in a name: {name!r}"
    return ""
