"""Writing one collection: each change one call, whose answer becomes the outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from yarl import URL

from holdall.errors import AlreadyExists, StaleVersion, StoreError
from holdall.query import Value
from holdall.store import APPLIED, Change, Outcome, Verb
from holdall.stores.rest.answer import Answer
from holdall.stores.rest.binding import VERBS, Binding, BoundCall
from holdall.stores.rest.bodies import encode
from holdall.stores.rest.client import Client
from holdall.stores.rest.errors import from_status, refusal_of, unknown
from holdall.stores.rest.guard import Guard
from holdall.stores.rest.made_keys import MadeKeys
from holdall.stores.rest.merging import holds_null, patch_of
from holdall.stores.rest.nesting import put, taken
from holdall.stores.rest.places import steps
from holdall.stores.rest.reading import Reading
from holdall.stores.rest.request import Request
from holdall.stores.rest.trust import Trust
from holdall.stores.rest.versions import SeenTags

__all__ = ["Writing"]

_GONE = (404, 410)
_REFUSED = (409, 412, 422)
_ATTEMPTS = 5  # at reading a record, changing it and putting it back, while others do the same


class Writing:
    """The writing half of one collection."""

    def __init__(self, binding: Binding, client: Client, reading: Reading, tags: SeenTags) -> None:
        self._binding = binding
        self._store = binding.store
        self._schema = binding.schema
        self._collection = binding.collection
        self._client = client
        self._reading = reading
        self._guard = Guard(binding, reading, tags)
        self._keys = MadeKeys(binding)
        self._trust = Trust(binding)
        self._sent_fields: dict[tuple[str, ...], tuple[int, ...] | None] = {}
        self._sent: set[int] = set()  # the ``id()`` of changes whose call was made, and not plainly refused
        self._urls: dict[str, URL] = {}
        self._wrap = steps(binding.collection.wrap)

    async def apply(self, change: Change) -> Outcome:
        """Send the change and return its outcome. Raises Conflict where it was refused, StoreError where it failed.

        Another error, of a function that belongs to the declaration for example, says nothing of the call: it becomes
        a StoreError, whose outcome is unknown where it arose after the call was made.
        """
        try:
            return await self._apply(change)
        except StoreError:
            raise
        except Exception as error:
            told = f"{change.verb} of {self._schema.name} failed with {type(error).__name__}"
            if id(change) in self._sent:
                raise unknown(self._store, told, "after the call was made") from error
            raise StoreError(self._store, f"{told} before anything was sent") from error
        finally:
            self._sent.discard(id(change))

    async def _apply(self, change: Change) -> Outcome:
        call = self._binding.call(VERBS[change.verb])
        if change.verb is Verb.ADD:
            return await self._add(change, call)
        if change.verb is Verb.UPDATE and self._needs_document(change, call):
            return await self._rewrite(change, call)
        headers, query = await self._guard.expecting(change)
        body = None
        if change.verb is Verb.UPDATE:
            fields, values = self._fields(change)
            body = self._body(call, self._binding.codec.payload(fields, values))
        is_safe = change.version is None or bool(call.declared.idempotency_key)
        answer = await self._send(change, call, headers, query, body, is_repeatable=is_safe or body is None)
        return self._settled(change, answer)

    # --- adding -------------------------------------------------------------------------------------------------------

    async def _add(self, change: Change, call: BoundCall) -> Outcome:
        fields, values = self._fields(change)
        payload = self._binding.codec.payload(fields, values)
        if change.key is not None:
            for name, value in self._binding.key_values(change.key).items():
                if name in self._schema.key and name not in self._binding.unsent:
                    put(payload, self._binding.codec.places[name], value)
            self._binding.demand_path(change.key)
        elif self._collection.keys == "client":
            raise StoreError(self._store, f"a {self._schema.name} needs its key before it is added")
        headers: dict[str, str] = {}
        if call.method == "PUT" and self._collection.guard_header:
            headers["If-None-Match"] = "*"
        elif call.method == "PUT" and await self._reading.one(change.key) is not None:
            raise AlreadyExists(self._store, self._schema.name, self._schema.key)
        answer = await self._send(change, call, headers, {}, self._body(call, payload), is_repeatable=True)
        if 200 <= answer.status < 300:
            return self._added(change, call, answer)
        if answer.status == 412 and "If-None-Match" in headers:
            error: StoreError = AlreadyExists(self._store, self._schema.name, self._schema.key)
        else:
            error = self._refusal(change, answer)
        if not answer.is_repeated:
            raise error
        if isinstance(error, AlreadyExists):
            return await self._added_before(change, answer, error)
        raise self._maybe_before(answer) from error

    def _added(self, change: Change, call: BoundCall, answer: Answer) -> Outcome:
        self._trust.demand(answer, change.key, is_key_sent=call.method == "POST" and change.key is not None)
        key, outcome = change.key, APPLIED
        if key is None:
            key = self._keys.key_in(answer)
            outcome = Outcome(key=key)
        self._guard.note(change, key, answer)
        return outcome

    async def _added_before(self, change: Change, answer: Answer, error: AlreadyExists) -> Outcome:
        """A repeated add was answered with "there already": it is ours if it is what we sent."""
        try:
            found = None if change.key is None else await self._reading.one(change.key)
        except StoreError as failure:
            raise unknown(self._store, answer.place, "it is there, and could not be looked at") from failure
        if found is not None:
            fields, values = self._fields(change)
            positions = self._schema.positions
            if all(found[0][positions[name]] == value for name, value in zip(fields, values, strict=True)):
                return APPLIED
        raise unknown(self._store, answer.place, "it is there, but not as it was sent") from error

    # --- changing -----------------------------------------------------------------------------------------------------

    async def _rewrite(self, change: Change, call: BoundCall) -> Outcome:
        """Read the whole record, and send what makes of it what it should be."""
        fields, values = self._fields(change)
        for attempt in range(_ATTEMPTS):
            current = await self._reading.document(change.key)
            if current is None:
                raise StaleVersion(self._store, self._schema.name, change.key)
            headers, query = await self._guard.expecting(change, current)
            if call.method == "PUT":
                payload = current.document
                for name, value in zip(fields, values, strict=True):
                    put(payload, self._binding.codec.places[name], value)
            else:
                found = [taken(current.document, self._binding.codec.places[name]) for name in fields]
                payload = self._binding.codec.payload(fields, list(map(patch_of, found, values)))
            is_guarded = bool(headers or query)
            body = self._body(call, payload)
            answer = await self._send(change, call, headers, query, body, is_repeatable=not is_guarded)
            if answer.status != 412 or change.version is not None or answer.is_repeated or attempt == _ATTEMPTS - 1:
                return self._settled(change, answer)
            self._sent.discard(id(change))
        raise StaleVersion(self._store, self._schema.name, change.key)

    def _needs_document(self, change: Change, call: BoundCall) -> bool:
        """Whether an update can be told only by what the record is now. Raises StoreError where it cannot be told."""
        if call.method == "PUT" or not call.is_merging:
            return call.method == "PUT"
        objects = [name for name, value in zip(change.fields, change.values, strict=True) if isinstance(value, dict)]
        for name in objects:
            if holds_null(change.values[change.fields.index(name)]):
                sentence = "a merge patch cannot write a null inside an object: leave it out, or declare update by PUT"
                raise StoreError(self._store, f"{self._schema.name}.{name}: {sentence}")
        return bool(objects)

    def _settled(self, change: Change, answer: Answer) -> Outcome:
        """Return the outcome that the answer to an update or a removal means."""
        name = self._schema.name
        if 200 <= answer.status < 300:
            self._trust.demand(answer, change.key)
            self._guard.note(change, change.key, answer)
            return APPLIED
        if answer.status in _GONE:
            if answer.is_repeated and change.verb is Verb.REMOVE:
                return APPLIED  # the call before this one, whose answer was lost, did it
            raise StaleVersion(self._store, name, change.key)
        error = StaleVersion(self._store, name, change.key) if answer.status == 412 else self._refusal(change, answer)
        if answer.is_repeated:
            raise self._maybe_before(answer) from error
        raise error

    def _maybe_before(self, answer: Answer) -> StoreError:
        """The error where a repeated call is refused: the one before it, whose answer was lost, may be the reason."""
        return unknown(self._store, answer.place, f"answered {answer.status} when it was sent again")

    def _refusal(self, change: Change, answer: Answer) -> StoreError:
        """The error for an answer that says no."""
        if answer.status in _REFUSED:
            found = refusal_of(self._store, self._collection.refusals, self._schema, change, answer.status, answer.body)
            if found is not None:
                return found
        return from_status(self._store, answer.place, answer.status, is_write=True)

    # --- calls --------------------------------------------------------------------------------------------------------

    async def _send(
        self,
        change: Change,
        call: BoundCall,
        headers: dict[str, str],
        query: Mapping[str, str],
        body: bytes | None,
        *,
        is_repeatable: bool,
    ) -> Answer:
        declared = call.declared
        if declared.idempotency_key:
            headers[declared.idempotency_key] = change.token or str(uuid4())
        if call.headers:
            headers = {**call.headers, **headers} if headers else call.headers  # type: ignore[assignment]
        url = self._urls.get(call.verb) if not query else None
        if url is None:
            url = self._url(change, call, query)
        repeatable = is_repeatable and call.is_repeatable
        self._sent.add(id(change))
        return await self._client.send(Request(call.method, url, call.place, headers, body, True, repeatable))

    def _url(self, change: Change, call: BoundCall, query: Mapping[str, str]) -> URL:
        values = dict(zip(change.fields, change.values, strict=True)) if change.verb is Verb.ADD else {}
        if change.key is not None:
            values.update(self._binding.key_values(change.key))
        url = self._client.url(self._binding.path(call.template, values), {**call.declared.query, **query})
        if not call.template.open_names and not query:
            self._urls[call.verb] = url
        return url

    def _body(self, call: BoundCall, payload: dict[str, Value]) -> bytes:
        shaped: Any = payload if call.declared.payload is None else call.declared.payload(payload)
        wrapped = shaped
        for name in reversed(self._wrap):
            wrapped = {name: wrapped}
        return encode(wrapped, call.declared.media_type)

    def _fields(self, change: Change) -> tuple[Sequence[str], Sequence[Any]]:
        """The fields and values that are sent. Raises StoreError for a field that cannot be."""
        fields, values = change.fields, change.values
        if fields not in self._sent_fields:
            self._sent_fields[fields] = self._places(change)
        places = self._sent_fields[fields]
        if places is None:
            return fields, values
        return [fields[place] for place in places], [values[place] for place in places]

    def _places(self, change: Change) -> tuple[int, ...] | None:
        schema, unsent = self._schema, self._binding.unsent
        for name in change.fields:
            if name not in schema.positions:
                raise StoreError(self._store, f"{schema.name} has no stored field {name!r}")
            if name in self._collection.read_only and change.verb is Verb.UPDATE and name != schema.version:
                raise StoreError(self._store, f"{schema.name}.{name} is declared read_only; an update cannot change it")
        if unsent.isdisjoint(change.fields):
            return None
        return tuple(place for place, name in enumerate(change.fields) if name not in unsent)
