"""The REST store: collections of somebody else's HTTP API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from holdall.errors import Conflict, HoldallError, StoreError, Unsupported
from holdall.query import AnyQuery, Kind, Op, Schema, check
from holdall.store import (
    Capabilities,
    Change,
    CommitClass,
    Description,
    Feature,
    Look,
    Outcome,
    Rows,
    Verb,
    awaits_key,
    demand_changes,
    demand_query,
    positions_awaited,
    with_made_keys,
)
from holdall.stores.rest.binding import MADE, Binding, capabilities_of, united
from holdall.stores.rest.client import Client
from holdall.stores.rest.collection import RestCollection
from holdall.stores.rest.describing import describe
from holdall.stores.rest.document import Document
from holdall.stores.rest.keys import is_about_keys
from holdall.stores.rest.reading import Reading
from holdall.stores.rest.seen import SeenRestStore
from holdall.stores.rest.versions import ETags, SeenTags, TaggedVersion
from holdall.stores.rest.writing import Writing

__all__ = ["RestStore"]


class RestStore(SeenRestStore):
    """Each change is a call of its own: none is undone because another failed.

    ``apply`` sends changes one after the other and stops at the first that is refused or lost.

    Example: :func:`open_rest`.
    """

    def __init__(
        self,
        name: str,
        client: Client,
        collections: Mapping[str, RestCollection],
        *,
        commit: CommitClass,
        concurrent_changes: int,
        obstacles: Mapping[str, str] | None = None,
        document: Document | None = None,
    ) -> None:
        self.name = name
        self._client = client
        self._declared = dict(collections)
        self._document = document
        self._obstacles = dict(obstacles or {})  # why a collection could not be declared
        each = {key: capabilities_of(item, commit, concurrent_changes) for key, item in self._declared.items()}
        self._each = each
        self._by_key = {key: _with_look_up(item) for key, item in each.items()}
        self._capabilities = united(list(each.values()), commit, concurrent_changes)
        versions = [item.version for item in self._declared.values()]
        self._tags = SeenTags(
            max((item.most for item in versions if isinstance(item, ETags | TaggedVersion)), default=0)
        )
        self._schemas: dict[str, Schema] = {}
        self._bindings: dict[str, Binding] = {}
        self._readings: dict[str, Reading] = {}
        self._writings: dict[str, Writing] = {}

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities declared of at least one collection; those that another lacks are refused when they are
        asked for.
        """
        return self._capabilities

    def made_kinds(self, collection: str) -> frozenset[Kind]:
        """The kinds of generated keys that the API makes in this collection."""
        declared = self._declared.get(collection)
        return MADE if declared is not None and declared.keys == "server" else frozenset()

    def bind(self, schemas: Sequence[Schema]) -> None:
        """Learn these collections. Raises Unsupported for one that is not declared or lacks what it needs."""
        for schema in schemas:
            declared = self._declared.get(schema.name)
            if declared is None:
                raise Unsupported(self.name, f"the collection {schema.name}", self._advice(schema.name))
            if self._schemas.get(schema.name) == schema:
                continue
            binding = Binding(self.name, schema, declared, self._each[schema.name])
            self._schemas[schema.name] = schema
            self._bindings[schema.name] = binding
            reading = self._readings[schema.name] = Reading(binding, self._client, self._tags)
            self._writings[schema.name] = Writing(binding, self._client, reading, self._tags)

    async def fetch(self, query: AnyQuery) -> Rows:
        """The rows the query means. Raises Unsupported before sending for what is neither declared nor allowed."""
        return await self._reading(query).fetch(query)

    async def count(self, query: AnyQuery) -> int:
        """How many rows the query's condition means: by the API's total where one is declared, else by its list."""
        return await self._reading(query).count(query)

    async def stream(self, query: AnyQuery, batch: int) -> AsyncIterator[Rows]:
        """The rows of ``fetch``, at most ``batch`` at a time."""
        async for rows in self._reading(query).stream(query, batch):
            yield rows

    async def apply(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Send the changes in order; those after the first that failed are not sent, and their outcomes say so."""
        demand_changes(self.name, self._schemas, changes)
        outcomes: list[Outcome] = []
        for position, change in enumerate(changes):
            try:
                resolved = self._resolved(change, changes, outcomes)
                outcome = await self._writings[change.collection].apply(resolved)
            except HoldallError as error:
                if isinstance(error, Conflict):
                    error.position = position
                if not position:
                    raise
                outcomes.append(Outcome(error=error))
                late = StoreError(self.name, f"not sent, because change {position} of the same apply failed")
                outcomes += [Outcome(error=late)] * (len(changes) - len(outcomes))
                break
            outcomes.append(outcome)
        return outcomes

    async def describe(self, look: Look) -> Description:
        """Every collection of its OpenAPI document. Raises Unsupported without one."""
        if self._document is None:
            raise Unsupported(
                self.name, "a look at an API by itself", "inspect its OpenAPI document: a file, or its URL"
            )
        return describe(self._document, f"{self._client.settings.url}/", look)

    async def close(self) -> None:
        """Close the connections; the next call opens anew."""
        await self._client.close()

    def _advice(self, collection: str) -> str:
        if collection in self._obstacles:
            return self._obstacles[collection]
        known = ", ".join(sorted(self._declared)) or "none"
        return f"declare it: collections={{{collection!r}: RestCollection(path=…)}}; declared: {known}"

    def _reading(self, query: AnyQuery) -> Reading:
        check(query, self._schemas)
        capabilities = self._each[query.collection]
        if is_about_keys(query.condition, self._schemas[query.collection]):
            capabilities = self._by_key[query.collection]
        demand_query(self.name, capabilities, query)
        return self._readings[query.collection]

    def _resolved(self, change: Change, changes: Sequence[Change], outcomes: Sequence[Outcome]) -> Change:
        """The change with the keys made meanwhile in the places that wait for them."""
        if not awaits_key(change.values) and not awaits_key(change.key):
            return change
        made = {
            place: changes[place].key if outcomes[place].key is None else outcomes[place].key
            for place in positions_awaited((change.key, change.values))
            if place < len(outcomes) and changes[place].verb is Verb.ADD
        }
        key, values = with_made_keys(self.name, (change.key, change.values), made)
        return Change(change.verb, change.collection, key, change.fields, values, change.version, change.token)


def _with_look_up(capabilities: Capabilities) -> Capabilities:
    """Return the capabilities with look-up of records by their key alone, which needs no filters."""
    return msgspec.structs.replace(
        capabilities,
        features=capabilities.features | {Feature.FILTER},
        operators=capabilities.operators | {Op.EQ, Op.IN},
    )
