"""Relationships of a mapped class as references: to one, to many, both ways, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm.interfaces import RelationshipDirection

from holdall.adoption.carried import NotCarried
from holdall.adoption.sqlalchemy_types import AnyColumn, AnyMapper, AnyRelationship, Options
from holdall.model import AdoptedField, AdoptedTarget, Many, OnDelete, Ref, Refusal, back, field
from holdall.query import LinkTable, Value

__all__ = ["References"]

Columns = list[AnyColumn]

_TO_ONE, _TO_MANY = RelationshipDirection.MANYTOONE, RelationshipDirection.ONETOMANY


class References:
    """The references of one class, and ``columns``, by which each is known that lies in a reference."""

    def __init__(self, mapper: AnyMapper, leave_out: frozenset[str]) -> None:
        self._mapper = mapper
        self._leave_out = leave_out
        self._made: list[AdoptedField] = []
        self.refusals: list[Refusal] = []
        self.columns: dict[AnyColumn, AdoptedField] = {}
        for relationship in mapper.relationships:
            if relationship.direction is _TO_ONE and self._is_wanted(relationship):
                self._try(relationship.key, lambda each=relationship: self._to_one(each.key, each))
        for relationship in _from_elsewhere(mapper):
            name = name_of_reference(relationship)
            if name not in leave_out:
                self._try(name, lambda each=relationship, given=name: self._led_here(given, each))
        for relationship in mapper.relationships:
            if relationship.direction is not _TO_ONE and self._is_wanted(relationship):
                self._try(relationship.key, lambda each=relationship: self._other(each))

    def fields(self) -> Iterator[AdoptedField]:
        """Every reference as a field."""
        return iter(self._made)

    def _is_wanted(self, relationship: AnyRelationship) -> bool:
        return relationship.key not in self._leave_out and not relationship.viewonly

    def _try(self, name: str, make: Value) -> None:
        try:
            self._made.append(make())
        except NotCarried as error:
            self.refusals.append(Refusal(name, str(error)))

    # --- to one ---------------------------------------------------------------------------------------------------

    def _to_one(self, name: str, relationship: AnyRelationship) -> AdoptedField:
        pairs = _pairs(relationship)
        return self._reference(name, pairs, relationship.mapper, _backwards(relationship), relationship.info)

    def _led_here(self, name: str, relationship: AnyRelationship) -> AdoptedField:
        """The reference that a relationship of another class goes back by, and which has no name here."""
        if name in self._mapper.all_orm_descriptors:
            raise NotCarried(f"{_shown(relationship)} leads here: give it a relationship that leads back")
        pairs = [(far, near) for near, far in _pairs(relationship)]
        return self._reference(name, pairs, relationship.parent, relationship, {})

    def _reference(
        self,
        name: str,
        pairs: list[tuple[AnyColumn, AnyColumn]],
        target: AnyMapper,
        reverse: AnyRelationship | None,
        info: Value,
    ) -> AdoptedField:
        by_key: dict[Any, AnyColumn] = {far: near for near, far in pairs}
        if set(by_key) != set(target.primary_key):
            raise NotCarried(f"leads to columns of {target.class_.__name__} that are not its key")
        columns = [by_key[part] for part in target.primary_key]
        if any(column.table is not self._mapper.local_table for column in columns):
            raise NotCarried("its columns lie in another table")
        if taken := self.columns.keys() & set(columns):
            raise NotCarried(f"shares the column {min(str(column.name) for column in taken)} with another reference")
        in_key = [column in self._mapper.primary_key for column in columns]
        if any(in_key) and not all(in_key):
            raise NotCarried("a part of its columns belongs to the key, the rest does not")
        is_empty = [column.nullable for column in columns]
        if len(set(is_empty)) > 1:
            raise NotCarried("a part of its columns takes null, the rest does not")
        is_key, is_nullable = all(in_key), all(is_empty) and not all(in_key)
        options: Options = {"pk": True} if is_key else {}
        names = tuple(str(column.name) for column in columns)
        if names != (name,):
            options["column"] = names if len(names) > 1 else names[0]
        if is_nullable:
            options["default"] = None
        rule = _on_delete(columns, reverse, is_nullable)
        if rule is not None:
            options["on_delete"] = rule
        if not is_key and len(columns) == 1 and _is_unique(columns[0]):
            options["unique"] = True
        aimed = AdoptedTarget(target.class_, is_nullable, f"{self._mapper.class_.__name__}.{name}")
        made = AdoptedField(name, _leading(Ref, aimed), field(**options), names)
        self.columns |= dict.fromkeys(columns, made)
        return made

    # --- to many --------------------------------------------------------------------------------------------------

    def _other(self, relationship: AnyRelationship) -> AdoptedField:
        if relationship.direction is _TO_MANY:
            return self._back(relationship)
        return self._linked(relationship)

    def _back(self, relationship: AnyRelationship) -> AdoptedField:
        _pairs(relationship)
        reverse = _forwards(relationship)
        there = name_of_reference(relationship) if reverse is None else reverse.key
        is_single = relationship.uselist is False
        where = f"{self._mapper.class_.__name__}.{relationship.key}"
        aimed = AdoptedTarget(relationship.mapper.class_, is_single, where)
        return AdoptedField(relationship.key, _leading(Ref if is_single else Many, aimed), back(there))

    def _linked(self, relationship: AnyRelationship) -> AdoptedField:
        table = relationship.secondary
        if not isinstance(table, sa.Table):
            raise NotCarried("its secondary is no table")
        near, far = _ends(relationship)
        where = f"{self._mapper.class_.__name__}.{relationship.key}"
        aimed = AdoptedTarget(relationship.mapper.class_, False, where)
        annotation = _leading(Many, aimed)
        reverse = next(iter(_reversed(relationship)), None)
        if reverse is not None and not _is_owner(relationship, reverse, table, near, far):
            return AdoptedField(relationship.key, annotation, back(reverse.key, on_delete=OnDelete.UNLINK))
        link = LinkTable(
            f"{table.schema}.{table.name}" if table.schema and table.schema != self._schema else str(table.name),
            owner=tuple(str(column.name) for column in near),
            target=tuple(str(column.name) for column in far),
        )
        if link.table != table.name:
            raise NotCarried(f"its table lies in the schema {table.schema}, and that of the class does not")
        declared = field(default=(), link=link, ordered=False, on_delete=OnDelete.UNLINK)
        return AdoptedField(relationship.key, annotation, declared)

    @property
    def _schema(self) -> str | None:
        table = self._mapper.local_table
        return table.schema if isinstance(table, sa.Table) else None


def name_of_reference(relationship: AnyRelationship) -> str:
    """The name of the reference that a relationship to many goes back by, where its target has none of its own.

    That of the column, without the ending ``_id``.
    """
    far = [str(column.name) for _, column in relationship.local_remote_pairs or ()]
    name = relationship.mapper.get_property_by_column(relationship.local_remote_pairs[0][1]).key if far else ""
    return name.removesuffix("_id") if len(far) == 1 and name.endswith("_id") else f"{name}_ref"


def _leading(form: Value, aimed: AdoptedTarget) -> Value:
    """The annotation of a Ref or a Many that leads to a class, which is known at run time only."""
    return form[aimed]


def _from_elsewhere(mapper: AnyMapper) -> Iterator[AnyRelationship]:
    """Relationships of other classes that lead to many of this one, which has none that leads back."""
    for other in sorted(mapper.registry.mappers, key=lambda each: str(each.class_.__name__)):
        for relationship in other.relationships:
            is_here = relationship.direction is _TO_MANY and relationship.mapper is mapper
            if is_here and not relationship.viewonly and _forwards(relationship) is None:
                yield relationship


def _forwards(relationship: AnyRelationship) -> AnyRelationship | None:
    """The relationship to one that a relationship to many is the other end of: named so, or over the same columns."""
    for found in _reversed(relationship):
        return found
    wanted = {(far, near) for near, far in relationship.local_remote_pairs or ()}
    for other in relationship.mapper.relationships:
        if other.direction is _TO_ONE and not other.viewonly and set(other.local_remote_pairs or ()) == wanted:
            return other
    return None


def _backwards(relationship: AnyRelationship) -> AnyRelationship | None:
    """The relationship to many that is the other end of one to one."""
    for found in _reversed(relationship):
        return found
    wanted = {(far, near) for near, far in relationship.local_remote_pairs or ()}
    for other in relationship.mapper.relationships:
        if other.direction is _TO_MANY and not other.viewonly and set(other.local_remote_pairs or ()) == wanted:
            return other
    return None


def _reversed(relationship: AnyRelationship) -> list[AnyRelationship]:
    """The relationships that are declared to be the other end, by either of the two."""
    found = [
        other
        for other in relationship.mapper.relationships
        if other.mapper is relationship.parent
        and not other.viewonly
        and (other.key == relationship.back_populates or other.back_populates == relationship.key)
        and other is not relationship
    ]
    return sorted(found, key=lambda each: each.key)


def _pairs(relationship: AnyRelationship) -> list[tuple[AnyColumn, AnyColumn]]:
    """The pairs of own and other column that are equal, where the relationship says nothing else."""
    pairs: Value = relationship.local_remote_pairs or []
    if _count(relationship.primaryjoin) != len(pairs):
        raise NotCarried("its primaryjoin says more than that columns are equal; make it viewonly, or leave it out")
    if any(not isinstance(column, sa.Column) for pair in pairs for column in pair):
        raise NotCarried("its primaryjoin is not of columns alone")
    return list(pairs)


def _count(condition: Value) -> int:
    """How many comparisons of columns a condition is made of; none that is anything else."""
    operators = sa.sql.operators
    if isinstance(condition, sa.BooleanClauseList) and condition.operator is operators.and_:
        counts = [_count(item) for item in condition.clauses]
        return sum(counts) if 0 not in counts else 0
    is_equal = isinstance(condition, sa.BinaryExpression) and condition.operator is operators.eq
    return int(is_equal and all(isinstance(side, sa.Column) for side in (condition.left, condition.right)))


def _ends(relationship: AnyRelationship) -> tuple[Columns, Columns]:
    """The columns of a secondary table that hold the key of this end, and of the other."""
    second = relationship.secondaryjoin
    near_by = dict(relationship.synchronize_pairs)
    far_by = dict(relationship.secondary_synchronize_pairs or ())
    keys = (relationship.parent.primary_key, relationship.mapper.primary_key)
    if set(near_by) != set(keys[0]) or set(far_by) != set(keys[1]):
        raise NotCarried("its secondary table refers to columns that are not the keys of both classes")
    if _count(relationship.primaryjoin) != len(near_by) or _count(second) != len(far_by):
        raise NotCarried("its joins say more than that columns are equal; make it viewonly, or leave it out")
    near: Value = [near_by[column] for column in keys[0]]
    far: Value = [far_by[column] for column in keys[1]]
    return near, far


def _is_owner(
    relationship: AnyRelationship, reverse: AnyRelationship, table: sa.Table, near: Columns, far: Columns
) -> bool:
    """Whether the list is kept by this end: the one whose column comes first in the table of both."""
    places = [str(column.name) for column in table.columns]
    return min(places.index(str(column.name)) for column in near) < min(
        places.index(str(column.name)) for column in far
    )


def _on_delete(columns: Columns, reverse: AnyRelationship | None, is_nullable: bool) -> OnDelete | None:
    """Return the rule for this record when the one it refers to is removed, by SQLAlchemy or by the database."""
    if reverse is not None and reverse.direction is _TO_MANY:
        if reverse.cascade.delete:
            return OnDelete.CASCADE
        if is_nullable and not reverse.passive_deletes:
            return OnDelete.UNLINK
    rules = {
        (constraint.ondelete or "").upper()
        for column in columns
        for constraint in (key.constraint for key in column.foreign_keys)
        if constraint is not None and set(constraint.columns) == set(columns)
    }
    if "CASCADE" in rules:
        return OnDelete.CASCADE
    return OnDelete.UNLINK if "SET NULL" in rules and is_nullable else None


def _is_unique(column: AnyColumn) -> bool:
    table = column.table
    assert isinstance(table, sa.Table)
    constraints = [each for each in table.constraints if isinstance(each, sa.UniqueConstraint)]
    return any(list(each.columns) == [column] for each in constraints) or any(
        each.unique and list(each.columns) == [column] for each in table.indexes
    )


def _shown(relationship: AnyRelationship) -> str:
    return f"{relationship.parent.class_.__name__}.{relationship.key}"
