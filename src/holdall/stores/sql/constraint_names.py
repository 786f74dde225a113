"""Names of constraints: one for each within a store, and the rule of a model that the constraint keeps."""

from __future__ import annotations

from holdall.query import Schema
from holdall.stores.sql.columns import identifier
from holdall.stores.sql.layout import Rule

__all__ = ["ConstraintNames"]


class ConstraintNames:
    """The names given so far."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}

    def rule(self, name: str) -> Rule | None:
        """The rule that the constraint of this name keeps; None where the name was not given here."""
        return self._rules.get(name)

    def give(
        self,
        prefix: str,
        table: str,
        schema: Schema,
        kind: str,
        names: tuple[str, ...],
        fields: tuple[str, ...] | None = None,
    ) -> str:
        """Name a constraint over ``names`` of a table after both; ``fields`` are those of its rule, if others."""
        parts = (prefix, table) if prefix == "pk" else (prefix, table, *names)
        name = identifier("_".join(parts))
        while name in self._rules:
            name = identifier(name + "_2")
        self._rules[name] = Rule(kind, schema.name, names if fields is None else fields)
        return name
