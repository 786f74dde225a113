"""Tables that somebody made, as the collections that models would declare for them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from holdall.query import FieldSchema, Generated, Kind, LinkTable, ManyForm, Schema
from holdall.store import ACCEPTABLE, Described, named
from holdall.stores.sql.dialect import Dialect
from holdall.stores.sql.differences import differences
from holdall.stores.sql.fitting_types import is_fitting
from holdall.stores.sql.formula_search import WORDS
from holdall.stores.sql.inspection import FoundColumn, FoundTable
from holdall.stores.sql.keeping import EXACT_DIGITS
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.trigger_effects import set_by

__all__ = ["described_tables"]

_OURS = re.compile(r"holdall_\w+|sqlite_\w+|alembic_version|django_migrations")
_SPATIAL = ("spatial_ref_sys", "geometry_columns", "geography_columns")
_KINDS = (
    (r"enum|enum .+(?<!\])|(.+\.)?citext|inet|cidr|macaddr", Kind.STR),
    (r"set|.+\[\]", Kind.JSON),
    (r"bool(ean)?|tinyint\(1\)|bit\(1\)", Kind.BOOL),
    (r"year(\(4\))?|bit\(\d+\)", Kind.INT),
    (r"interval(\(\d\))?", Kind.TIMEDELTA),
    (r"(tiny|small|medium|big)?int(eger)?(\(\d+\))?( unsigned)?|int[248]", Kind.INT),
    (r"real|double( precision)?|float", Kind.FLOAT),
    (r"(numeric|decimal)(\(.*\))?( unsigned)?", Kind.DECIMAL),
    (r"uuid", Kind.UUID),
    (r"(datetime|timestamp)(\(\d\))?( with(out)? time zone)?", Kind.DATETIME),
    (r"date", Kind.DATE),
    (r"time(\(\d\))?( without time zone)?", Kind.TIME),
    (r"jsonb?", Kind.JSON),
    (r"bytea|(tiny|medium|long)?blob|(var)?binary\(\d+\)", Kind.BYTES),
    (r"(tiny|medium|long)?text|clob|(n?var)?char(acter)?( varying)?(\(\d+\))?", Kind.STR),
)


def described_tables(found: Mapping[str, FoundTable], dialect: Dialect, namespace: str | None) -> list[Described]:
    """Describe the tables of one schema, or those that are found without naming one, each with what does not fit."""
    start = "" if namespace is None else f"{namespace}."
    own = {key: table for key, table in found.items() if key.startswith(start) and _is_wanted(table)}
    if namespace is None:
        own = {key: table for key, table in own.items() if key == table.name}
    reader = _Reader(own, dialect, namespace)
    described = [reader.described(table) for _, table in sorted(own.items()) if reader.link_of(table) is None]
    return _with_differences(described, found, dialect)


_KINDS_OF_TABLES = {"parent": "table from which others inherit"}
_ITEMS = {"boolean": "bool", "double precision": "float", "uuid": "UUID", "date": "date"}
_ITEMS |= dict.fromkeys(("smallint", "integer", "bigint"), "int")


def _list_of(column: FoundColumn) -> str | None:
    """The type of Python for a column that keeps a list; None for other columns."""
    known = ", ".join('"' + label.replace("\\", "\\\\").replace('"', '\\"') + '"' for label in column.labels)
    if column.type == "set":
        return f"frozenset[Literal[{known}]]"
    if not column.type.endswith("[]"):
        return None
    item = column.type.removesuffix("[]").partition("(")[0]
    return f"list[Literal[{known}]]" if known else f"list[{_ITEMS.get(item, 'str')}]"


def _is_wanted(table: FoundTable) -> bool:
    return _OURS.fullmatch(table.name) is None and table.name not in _SPATIAL


def _with_differences(
    described: Sequence[Described], found: Mapping[str, FoundTable], dialect: Dialect
) -> list[Described]:
    """The collections, with what keeps each from fitting among its notes."""
    tables = Tables(dialect)
    tables.bind([each.schema for each in described if each.schema.fields])
    tables.learn(found)
    told = differences(tables, found)
    done = []
    for each in described:
        own = [difference for difference in told if difference.collection == each.schema.name]
        accept = tuple(sorted({difference.code for difference in own} & ACCEPTABLE))
        done.append(msgspec.structs.replace(each, notes=(*each.notes, *map(named, own)), accept=accept))
    return done


class _Reader:
    """Reads tables as collections; references lead to those among them that have a key."""

    def __init__(self, tables: Mapping[str, FoundTable], dialect: Dialect, namespace: str | None) -> None:
        self._tables = tables
        self._by_place = {table.place: table for table in tables.values()}
        self._dialect = dialect
        self._namespace = namespace
        self._keys: dict[str, tuple[FieldSchema, ...]] = {}

    def described(self, table: FoundTable) -> Described:
        """One table as a collection, with the lists that other tables keep of its records."""
        notes: list[str] = []
        if table.kind == "partition":
            return Described(Schema(table.name, (), (), namespace=self._namespace), ("it is a part of another table",))
        is_read_only = table.kind != "table"
        if is_read_only:
            notes.append(f"it is a {_KINDS_OF_TABLES.get(table.kind, table.kind)}, and only read")
        places = {name: place for place, name in enumerate(table.columns)}
        fields = sorted(self._fields(table, notes), key=lambda field: min(places[name] for name in field.columns))
        placed = {column: field for field in fields for column in field.columns}
        key = tuple(dict.fromkeys(placed[column].name for column in table.key if column in placed))
        if not table.key or not all(column in placed for column in table.key):
            key = ()
            if not is_read_only:
                notes.append("it has no key that a field could be, and is only read")
            is_read_only = True
        unique = tuple(
            tuple(dict.fromkeys(placed[column].name for column in table.columns if column in rule))
            for rule in sorted(table.unique - {frozenset(table.key)}, key=sorted)
            if all(column in placed for column in rule)
        )
        if is_read_only:
            unique = ()
            fields = [msgspec.structs.replace(field, generated=Generated.NO) for field in fields]
        else:
            fields += self._links(table)
        if len(key) == 1 and key[0] in {field.name for field in fields}:
            fields = [self._counted(table, field) if field.name == key[0] else field for field in fields]
        schema = Schema(
            table.name, tuple(fields), key, unique=unique, namespace=self._namespace, is_read_only=is_read_only
        )
        listed = {name: _list_of(column) for name, column in table.columns.items() if name in placed}
        return Described(schema, tuple(notes), {name: words for name, words in listed.items() if words})

    def _counted(self, table: FoundTable, field: FieldSchema) -> FieldSchema:
        is_counted = table.columns[field.columns[0]].made in ("counted", "always") and field.kind is Kind.INT
        if table.kind != "table":
            return field
        return msgspec.structs.replace(field, generated=Generated.STORE) if is_counted else field

    def _fields(self, table: FoundTable, notes: list[str]) -> Iterator[FieldSchema]:
        taken: set[str] = set()
        for (columns, place), meant in table.references.items():
            field = self._reference(table, columns, place, meant)
            if field is not None and taken.isdisjoint(field.columns):
                taken.update(field.columns)
                yield field
        set_here = set_by(table.triggers, table.name, table.columns)
        for name, column in table.columns.items():
            if name in taken:
                continue
            field = self._scalar(name, column, is_key=name in table.key)
            if field is None and name.startswith(WORDS):
                notes.append(
                    f"column {name} keeps words of full-text search: search=(...) names the fields they are of"
                )
            elif field is None:
                notes.append(f"column {name} is {column.type or 'of no type'}, which no field fits, and left out")
            elif name in table.key or table.kind != "table":
                yield field
            elif column.made in ("computed", "renewed", "always") or name in set_here:
                yield msgspec.structs.replace(field, generated=Generated.COMPUTED)
            elif column.has_default and not column.nullable:
                yield msgspec.structs.replace(field, generated=Generated.DEFAULT)
            else:
                yield field

    def _scalar(self, name: str, column: FoundColumn, *, is_key: bool) -> FieldSchema | None:
        kind = next((kind for pattern, kind in _KINDS if re.fullmatch(pattern, column.type)), None)
        if kind is None or not is_fitting(column.type, kind, self._dialect):
            return None
        sizes = [int(number) for number in re.findall(r"\d+", column.type.partition("(")[2])]
        digits = places = None
        if kind is Kind.DECIMAL:
            digits, places = (sizes[0], (*sizes, 0)[1]) if sizes else (None, None)
            if self._dialect.family == "sqlite":
                digits, places = min(digits or EXACT_DIGITS, EXACT_DIGITS), min(places if places is not None else 6, 6)
        length = sizes[0] if sizes and kind in (Kind.STR, Kind.BYTES) and not column.labels else None
        is_null = column.nullable and not is_key
        choices = column.labels if column.labels and kind is Kind.STR else None
        return FieldSchema(
            name, kind, is_null, max_length=length, choices=choices, digits=digits, places=places, columns=(name,)
        )

    def _reference(
        self, table: FoundTable, columns: tuple[str, ...], place: str, meant: tuple[str, ...]
    ) -> FieldSchema | None:
        """The reference that a foreign key is; None where it leads to something other than the key of a collection."""
        target = self._by_place.get(place)
        if target is None or target.kind != "table" or (meant and set(meant) != set(target.key)):
            return None
        key = self._key(target)
        if not key or len(columns) != len(target.key):
            return None
        by_target = dict(zip(meant or target.key, columns, strict=True))
        ordered = tuple(by_target[column] for part in key for column in part.columns)
        is_null = any(table.columns[column].nullable for column in columns) and not set(columns) & set(table.key)
        return FieldSchema("_".join(ordered), Kind.REF, is_null, target=target.name, target_key=key, columns=ordered)

    def _key(self, table: FoundTable) -> tuple[FieldSchema, ...]:
        """The fields of a table's key; empty where a column of it fits no field. Keys in a circle are scalars."""
        if table.place not in self._keys:
            self._keys[table.place] = ()
            fields = {field.columns: field for field in self._fields(table, [])}
            by_column = {column: field for columns, field in fields.items() for column in columns}
            if table.key and all(column in by_column for column in table.key):
                self._keys[table.place] = tuple(dict.fromkeys(by_column[column] for column in table.key))
        return self._keys[table.place]

    def link_of(self, table: FoundTable) -> tuple[FoundTable, FieldSchema] | None:
        """The owner and the list that a table of two references, and perhaps a position, keeps; None for any other."""
        places = list(table.columns)
        references = sorted(table.references.items(), key=lambda item: places.index(item[0][0][0]))
        if table.kind != "table" or len(references) != 2:
            return None
        (owner, owned), (other, referred) = references
        pair = {*owner[0], *other[0]}
        own = [name for name in table.key if table.key == (name,) and table.columns[name].made in ("counted", "always")]
        rest = [name for name in table.columns if name not in pair and name not in own]
        first, second = self._by_place.get(owner[1]), self._by_place.get(other[1])
        is_plain = first is not None and second is not None and not set(owner[0]) & set(other[0])
        if not is_plain or first is None or second is None or len(rest) > 1:
            return None
        is_kept = set(table.key) == pair or (bool(own) and frozenset(pair) in table.unique)
        if not is_kept or not self._key(first) or not self._key(second):
            return None
        if any(meant and meant != target.key for meant, target in ((owned, first), (referred, second))):
            return None
        if rest and re.fullmatch("position|ordinal|nth|sort_?order|idx|rank|seq", rest[0], re.IGNORECASE) is None:
            return None
        form = ManyForm.LIST if rest else ManyForm.SET
        link = LinkTable(table.name, owner[0], other[0], rest[0] if rest else None)
        many = FieldSchema(
            table.name, Kind.MANY, target=second.name, target_key=self._key(second), form=form, link=link
        )
        return first, many

    def _links(self, table: FoundTable) -> Iterator[FieldSchema]:
        for other in self._tables.values():
            link = self.link_of(other)
            if link is not None and link[0] is table:
                yield link[1]
