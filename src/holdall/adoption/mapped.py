"""A mapped class as what a model takes over from it: its columns, references, rules and table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from types import UnionType
from typing import Union, get_args, get_origin, get_type_hints

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.orm import Mapped, Mapper, configure_mappers

from holdall.adoption.carried import ColumnType, NotCarried
from holdall.adoption.column_types import not_null, type_of_column
from holdall.adoption.defaults import constant, default_options, update_options
from holdall.adoption.references import References
from holdall.adoption.sqlalchemy_types import AnyColumn, AnyMapper, Options
from holdall.errors import DeclarationError
from holdall.model import AdoptedClass, AdoptedField, Refusal, field
from holdall.query import Value

__all__ = ["read_mapped"]


def read_mapped(source: type[object], leave_out: frozenset[str]) -> AdoptedClass | None:
    """Read a class but for these attributes; None for one that is not mapped.

    Raises DeclarationError where its mapping does not hold together.
    """
    mapper = sa.inspect(source, raiseerr=False)
    if not isinstance(mapper, Mapper):
        return None
    try:
        configure_mappers()
    except exc.SQLAlchemyError as error:
        raise DeclarationError(f"{source.__name__} cannot be adopted, as its mapping does not hold: {error}") from error
    return _Reading(mapper, leave_out).adopted()


class _Reading:
    """One class, read."""

    def __init__(self, mapper: AnyMapper, leave_out: frozenset[str]) -> None:
        self._mapper = mapper
        self._source: type[object] = mapper.class_
        self._leave_out = leave_out
        self._refusals: list[Refusal] = []
        self._fields: dict[str, AdoptedField] = {}
        self._given = _given_classes(self._source)

    def adopted(self) -> AdoptedClass:
        table = self._mapper.local_table
        names = tuple(self._mapper.all_orm_descriptors.keys())
        is_table = isinstance(table, sa.Table)
        reason = self._why_not(is_table)
        if reason is not None or not isinstance(table, sa.Table):
            refusal = Refusal("", reason or "")
            return AdoptedClass(self._source.__name__, (), "", refusals=(refusal,), attributes=names)
        references = References(self._mapper, self._leave_out)
        for attribute in self._mapper.column_attrs:
            column = attribute.columns[0]
            if isinstance(column, sa.Column) and column.table is table:
                if column in references.columns:
                    reference = references.columns[column]
                    self._fields[reference.name] = reference
                elif attribute.key not in self._leave_out:
                    self._take(attribute.key, column)
        for reference in references.fields():
            self._fields.setdefault(reference.name, reference)
        self._refusals += references.refusals
        return AdoptedClass(
            name=self._source.__name__,
            fields=tuple(self._fields.values()),
            table=str(table.name),
            namespace=None if table.schema is None else str(table.schema),
            unique=tuple(self._unique_together(table)),
            refusals=tuple(self._refusals),
            attributes=names,
        )

    def _why_not(self, is_table: bool) -> str | None:
        mapper = self._mapper
        if not is_table:
            return "it is mapped to a join or a query; a table is needed"
        return None if mapper.inherits is None or mapper.concrete else _ways_of_heir(mapper, mapper.inherits)

    # --- columns --------------------------------------------------------------------------------------------------

    def _take(self, name: str, column: AnyColumn) -> None:
        try:
            kind = type_of_column(column.type, self._given.get(name))
            is_key = column in self._mapper.primary_key
            options: Options = {**kind.options, **self._key_options(column, is_key)}
            options |= self._made(name, column, kind, options)
            options |= self._rules(name, kind, options)
            options |= self._kept(column, is_key)
        except NotCarried as error:
            self._refusals.append(Refusal(name, str(error)))
            return
        annotation = kind.annotation
        if not column.nullable or is_key:
            annotation = not_null(annotation)
        elif not options.get("version"):
            annotation = annotation | None
        if str(column.name) != name:
            options["column"] = str(column.name)
        if column.comment or column.doc:
            options["description"] = str(column.comment or column.doc)
        self._fields[name] = AdoptedField(name, annotation, field(**options), (str(column.name),))

    def _key_options(self, column: AnyColumn, is_key: bool) -> Options:
        if self._mapper.version_id_col is column:
            self._demand_counted(column)
            return {"version": True}
        if not is_key:
            if isinstance(column.server_default, sa.Identity):
                raise NotCarried("only the key can be counted by the database")
            return {}
        if not self._is_counted(column):
            return {"pk": True}
        return {"pk": True, "generated": True, "default": None}

    def _is_counted(self, column: AnyColumn) -> bool:
        default: Value = column.default
        if default is not None and default.is_sequence:
            return True
        is_given = default is not None or isinstance(column.server_default, sa.DefaultClause)
        table = column.table
        assert isinstance(table, sa.Table)
        return not is_given and table.autoincrement_column is column

    def _demand_counted(self, column: AnyColumn) -> None:
        generator: Value = self._mapper.version_id_generator
        is_plain = getattr(generator, "__module__", None) == "sqlalchemy.orm.mapper"
        if not isinstance(column.type, sa.Integer) or not is_plain:
            raise NotCarried("a version is a number that counts up; version_id_generator= makes it something else")

    def _made(self, name: str, column: AnyColumn, kind: ColumnType, known: Options) -> Options:
        """Return options of ``field`` for a value that nobody gives."""
        if known.get("generated") or known.get("version"):
            return {}
        if isinstance(column.server_default, sa.Computed):
            return {"server_computed": True}
        stamped = update_options(column, kind.annotation)
        if stamped:
            return stamped
        made = default_options(column, kind.annotation) or _default_of_class(self._source, name)
        if not made and self._mapper.polymorphic_on is column and self._mapper.polymorphic_identity is not None:
            made = constant(self._mapper.polymorphic_identity)
        if not made and column.nullable and not known.get("pk"):
            made = {"default": None}
        return made

    def _rules(self, name: str, kind: ColumnType, known: Options) -> Options:
        """The rules that a model of pydantic has for the field, as SQLModel's are."""
        found: Options = {}
        for rule in getattr(_pydantic_field(self._source, name), "metadata", ()):
            for option in ("ge", "gt", "le", "lt"):
                bound = getattr(rule, option, None)
                if bound is not None:
                    found[option] = bound
            least, most = getattr(rule, "min_length", None), getattr(rule, "max_length", None)
            if (least, most) != (None, None) and kind.annotation in (str, bytes):
                length: tuple[int, int | None] = found.get("length") or known.get("length") or (0, None)
                lowest, highest = length
                found["length"] = (least or lowest, highest if most is None else most)
        return found

    def _kept(self, column: AnyColumn, is_key: bool) -> Options:
        table = column.table
        assert isinstance(table, sa.Table)
        if is_key:
            return {}
        is_unique = any(columns == [column] for columns in _unique(table))
        is_indexed = any(list(index.columns) == [column] and not index.unique for index in table.indexes)
        return ({"unique": True} if is_unique else {}) | ({"index": True} if is_indexed else {})

    def _unique_together(self, table: sa.Table) -> Iterator[tuple[str, ...]]:
        """The groups of fields that are unique together, of which each is a field or the columns of a reference."""
        for columns in _unique(table):
            wanted = {str(column.name) for column in columns}
            if wanted == {str(column.name) for column in self._mapper.primary_key}:
                continue
            members = [item for item in self._fields.values() if item.columns and wanted.issuperset(item.columns)]
            covered = {column for item in members for column in item.columns}
            if covered == wanted and not (len(members) == 1 and members[0].declared.options.unique):
                yield tuple(item.name for item in members)


def _ways_of_heir(mapper: AnyMapper, parent: AnyMapper) -> str:
    """The reason why a class that has its rows in the table of another is not adopted, and what to do instead."""
    root = mapper.base_mapper.class_.__name__
    adopt = f"adopt {root}, which has the rows of all its heirs"
    own = sorted({str(column.name) for column in mapper.columns} - {str(column.name) for column in parent.columns})
    table = mapper.local_table
    if mapper.single or not isinstance(table, sa.Table):
        body = f"; its own columns ({', '.join(own)}) are fields to declare in the body of that model" if own else ""
        return f"it shares the table of {parent.class_.__name__}: {adopt}{body}"
    return (
        f"it has a part of its columns in the table of {parent.class_.__name__}: {adopt}, and declare a model of its "
        f"own table ({table.name}), whose key is a reference to {root}"
    )


def _unique(table: sa.Table) -> Iterable[list[AnyColumn]]:
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            yield list(constraint.columns)
    for index in table.indexes:
        is_partial = any(name.endswith("_where") for name in index.dialect_kwargs)
        is_plain = all(isinstance(expression, sa.Column) for expression in index.expressions)
        if index.unique and is_plain and not is_partial:
            yield list(index.columns)


def _default_of_class(source: type[object], name: str) -> Options:
    """The default that a class has as a dataclass, or as a model of pydantic."""
    found = _pydantic_field(source, name)
    if found is not None and not found.is_required():
        if found.default_factory is not None:
            return {"default_factory": found.default_factory}
        return {} if found.default is None else constant(found.default)
    if not dataclasses.is_dataclass(source):
        return {}
    known = next((each for each in dataclasses.fields(source) if each.name == name), None)
    if known is not None and known.default_factory is not dataclasses.MISSING:
        return {"default_factory": known.default_factory}
    is_given = known is not None and isinstance(known.default, int | str | float | bool)
    return constant(known.default) if known is not None and is_given else {}


def _given_classes(source: type[object]) -> dict[str, type[object]]:
    """The classes of values that attributes are annotated with, as ``Mapped[Money]``."""
    try:
        hints = get_type_hints(source)
    except Exception:  # what cannot be looked up says nothing
        return {}
    found = dict[str, type[object]]()
    for name, hint in hints.items():
        origin = get_origin(hint)
        inner = get_args(hint)[0] if isinstance(origin, type) and issubclass(origin, Mapped) else hint
        several = get_args(inner) if get_origin(inner) in (Union, UnionType) else (inner,)
        classes = [get_origin(each) or each for each in several if each is not type(None)]
        if len(classes) == 1 and isinstance(classes[0], type):
            found[name] = classes[0]
    return found


def _pydantic_field(source: type[object], name: str) -> Value:
    fields = getattr(source, "model_fields", None)
    return fields.get(name) if isinstance(fields, dict) else None
