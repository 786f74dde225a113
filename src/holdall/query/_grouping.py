"""The rules by which a query of groups is put together; whatever breaks one is refused when it is written."""

from __future__ import annotations

from collections.abc import Iterable

from holdall.errors import QueryError
from holdall.query._paths import write_path
from holdall.query.aggregate import Aggregate, AggregateOwner
from holdall.query.condition import Compare, Condition, Every, Owner, Path, Some
from holdall.query.ownership import demand_field_of
from holdall.query.walk import nodes, replace

__all__ = ["aggregates_in", "demand_column", "having_of", "own_aggregate"]


def own_aggregate(model: object, owner: AggregateOwner) -> Aggregate:
    """The aggregate that a comparison or a sort key speaks of. Raises QueryError where it is one of another model."""
    if owner.aggregate.path:
        demand_field_of(model, owner.source, owner.aggregate.path)
    return owner.aggregate


def demand_column(by: Iterable[Path], path: Path, owner: Owner) -> None:
    """Raise QueryError for a field that neither is an aggregate nor has one value in each group."""
    if not isinstance(owner, AggregateOwner) and path not in by:
        name = write_path(path)
        raise QueryError(
            f"{name} is neither grouped nor aggregated: add it to group_by(), before only() and sort(), or aggregate it"
            f" by {name}.min(), .max(), .sum(), .avg() or .count()"
        )


def aggregates_in(model: object, condition: Condition) -> list[Aggregate]:
    """The aggregates that a condition of ``having`` compares. Raises QueryError where there are none."""
    found = []
    for node in nodes(condition):
        if isinstance(node, Some | Every):
            raise QueryError("having() takes comparisons of aggregates; any() and all() belong in where()")
        if isinstance(node, Compare) and isinstance(node.of, AggregateOwner):
            found.append(own_aggregate(model, node.of))
    if not found:
        raise QueryError(
            "having() compares aggregates, such as Book.pages.sum() > 100; this condition belongs in where()"
        )
    return found


def having_of(model: object, by: Iterable[Path], condition: Condition) -> Condition:
    """The condition as a query holds it. Raises QueryError for a field that has no single value in a group."""

    def plain(node: Condition) -> Condition:
        if not isinstance(node, Compare):
            return node
        if not isinstance(node.of, AggregateOwner):
            demand_field_of(model, node.of, node.path)
        demand_column(by, node.path, node.of)
        return Compare(node.path, node.op, node.value)

    return replace(condition, plain)
