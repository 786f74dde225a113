"""From a query to what is asked of the API: single records, or a list with parameters, and what is left to do here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from holdall.errors import Unsupported
from holdall.query import ALWAYS, NEVER, And, AnyQuery, Condition, Key, Schema, Value, paths_of
from holdall.query.ordering import is_ordered
from holdall.store import Feature
from holdall.stores.rest.collection import RestCollection
from holdall.stores.rest.keys import demanded_keys
from holdall.stores.rest.paging import LastRecord
from holdall.stores.rest.parents import Parents
from holdall.stores.rest.position import after, not_before
from holdall.stores.rest.spelling import Parameters, Spelling
from holdall.stores.rest.versions import ETags

__all__ = ["ByKeys", "Listing", "Planner"]


class ByKeys(msgspec.Struct, frozen=True):
    """Ask for these records; what else the query says is done here."""

    keys: list[Key]


class Listing(msgspec.Struct, frozen=True):
    """Ask for the list with these parameters.

    Records come in the query's order if ``is_in_order``, and those that do not meet it are passed by. ``is_exact``: all
    do. At most ``bound`` records are looked at; ``fields`` are the ones needed of each. ``parents`` are the values of
    the names in the list's path, a list for each.
    """

    parameters: Parameters
    is_in_order: bool
    is_exact: bool
    bound: int
    fields: frozenset[str]
    parents: Sequence[Mapping[str, Value]] = ({},)


class Planner:
    """Plans the queries of one collection. Raises Unsupported for what neither the API nor the binding allows."""

    def __init__(
        self, store: str, schema: Schema, collection: RestCollection, spelling: Spelling, parents: Parents
    ) -> None:
        self._store = store
        self._schema = schema
        self._collection = collection
        self._spelling = spelling
        self._parents = parents

    def plan(self, query: AnyQuery) -> ByKeys | Listing:
        """How to answer this checked query."""
        collection = self._collection
        keys = demanded_keys(query.condition, self._schema)
        if keys is not None and (collection.get is not None or not keys):
            return ByKeys(keys)
        if query.max_rows == 0 or query.condition == NEVER:
            return ByKeys([])
        if collection.list is None:
            raise Unsupported(self._store, f"lists of {self._schema.name}", "the collection declares list=None")
        parents = self._parents.of(query.condition)
        if not parents:
            return ByKeys([])
        parameters, is_whole, is_exact = self._narrowed(query)
        is_in_order, bound = True, collection.row_limit
        if is_ordered(query):
            order = self._spelling.sort(query.sort_keys)
            is_in_order = order is not None
            parameters += order or []
            if not is_in_order and collection.scan_limit is None and not self._is_unlimited(query):
                raise Unsupported(self._store, Feature.SORT, self._advice("such a sort, or a limit without one,"))
        if not is_whole or not is_in_order:
            bound = collection.scan_limit or collection.row_limit
        if len(self._text(parameters)) > collection.url_limit:
            if collection.scan_limit is None:
                raise Unsupported(
                    self._store, f"conditions of more than {collection.url_limit} characters", "raise url_limit"
                )
            parameters, is_in_order, is_exact, bound = [], not is_ordered(query), False, collection.scan_limit
        if len(parents) > 1:  # they come one after the other
            if is_ordered(query) and collection.scan_limit is None and not self._is_unlimited(query):
                raise Unsupported(self._store, Feature.SORT, self._advice("a limit over several lists"))
            is_in_order, is_exact = not is_ordered(query), False
        return Listing(parameters, is_in_order, is_exact, bound, self._fields(query), parents)

    def _narrowed(self, query: AnyQuery) -> tuple[Parameters, bool, bool]:
        """The parameters for condition and position; whether they say all of it, and whether nothing but it."""
        collection, spelling = self._collection, self._spelling
        condition = self._parents.rest(query.condition)
        exact = condition == ALWAYS or collection.filters is None or collection.filters.is_exact
        if query.position is not None:
            further = after(query, self._schema)
            if further is not None:
                parameters, left = spelling.condition(_both(condition, further))
                if left is None:
                    return parameters, True, exact
            near = not_before(query, self._schema)
            parameters, left = spelling.condition(condition if near is None else _both(condition, near))
            if near is None or left is not None:
                self._demand_scan(Feature.KEYSET, "the rows after this position")
            return parameters, left is None and near is not None, False
        parameters, left = spelling.condition(condition)
        if left is not None:
            self._demand_scan("this condition", "it as it is written")
        return parameters, left is None, left is None and exact

    def _demand_scan(self, feature: str, what: str) -> None:
        if self._collection.scan_limit is None:
            raise Unsupported(self._store, feature, self._advice(what))

    def _advice(self, what: str) -> str:
        return f"the API of {self._schema.name} is not declared to take {what}; declare it, or set scan_limit"

    def _is_unlimited(self, query: AnyQuery) -> bool:
        """Whether all rows come anyway, so that they can be sorted here."""
        return query.max_rows is None and not query.skip and query.position is None

    def _fields(self, query: AnyQuery) -> frozenset[str]:
        """The fields that are needed of each record."""
        if not query.projection or not self._collection.fields:
            return frozenset(self._schema.positions)
        paging = self._collection.paging
        last = {paging.field} if isinstance(paging, LastRecord) and paging.field else set()
        fields = frozenset({*(path[0] for path in paths_of(query)), *self._schema.key, *last})
        is_whole = isinstance(self._collection.version, ETags) and self._schema.version in fields
        return frozenset(self._schema.positions) if is_whole else fields  # such a version is made of the whole content

    def _text(self, parameters: Parameters) -> str:
        return "".join(f"{name}={value}&" for name, value in parameters)


def _both(left: Condition, right: Condition) -> Condition:
    return right if left == ALWAYS else And((left, right))
