"""Guarding records against being overwritten: what a write expects of them, and what is remembered of them after it."""

from __future__ import annotations

from contextlib import suppress

from holdall.errors import StaleVersion, StoreError, UpstreamError
from holdall.query import Key, Value
from holdall.store import Change, Row
from holdall.stores.rest.answer import Answer
from holdall.stores.rest.binding import Binding
from holdall.stores.rest.reading import Current, Reading
from holdall.stores.rest.versions import (
    BodyVersion,
    ETags,
    Seen,
    SeenTags,
    TaggedVersion,
    is_strong,
    version_of_content,
)

__all__ = ["Guard"]


class Guard:
    """The versions of one collection's records."""

    def __init__(self, binding: Binding, reading: Reading, tags: SeenTags) -> None:
        self._binding = binding
        self._store = binding.store
        self._schema = binding.schema
        self._reading = reading
        self._tags = tags

    async def expecting(self, change: Change, current: Current | None = None) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and query with what tells the API the expected version; ``current`` is the record, if just read.

        Raises StaleVersion where it can be seen already that the record has changed.
        """
        version, declared = change.version, self._binding.version
        headers: dict[str, str] = {}
        query: dict[str, str] = {}
        if version is not None and isinstance(declared, ETags | TaggedVersion):
            headers["If-Match"] = await self._tag(change, version, current)
            return headers, query
        if current is not None and is_strong(current.tag):
            headers["If-Match"] = str(current.tag)
        if version is not None and isinstance(declared, BodyVersion):
            if declared.header:
                headers[declared.header] = declared.text.format(version=version)
            if declared.query:
                query[declared.query] = str(version)
        return headers, query

    async def _tag(self, change: Change, version: int, current: Current | None) -> str:
        """The tag of the record as it was at this version."""
        seen, name = self._tags.find(self._schema.name, change.key, version), self._schema.name
        if seen is not None and seen.tag is not None and is_strong(seen.tag):
            return seen.tag
        if current is not None:
            content, tag = self._version_in(current.row), current.tag
        else:
            found = await self._reading.one(change.key)
            if found is None:
                raise StaleVersion(self._store, name, change.key)
            content, tag = found[0][self._binding.version_place], found[1]
        if content != (version if seen is None else seen.content or version):
            raise StaleVersion(self._store, name, change.key)
        if not tag:
            raise UpstreamError(self._store, f"the API of {name} gives no ETag, which its version= needs")
        if not is_strong(tag):
            sentence = "gives a weak ETag, W/…, or several, by which no change can be guarded (RFC 9110, 13.1.1)"
            raise StoreError(
                self._store, f"the API of {name} {sentence}; something on the way may compress its answers"
            )
        return tag

    def _version_in(self, row: Row) -> Value:
        """The version that a record has, or that is made of its content."""
        return version_of_content(row) if isinstance(self._binding.version, ETags) else row[self._binding.version_place]

    def note(self, change: Change, key: Key, answer: Answer) -> None:
        """Remember the tag of the record as it is now, under the version the session gives it."""
        version = self._schema.version
        if not isinstance(self._binding.version, ETags | TaggedVersion) or version is None:
            return
        if change.version is not None:
            self._tags.forget(self._schema.name, key, change.version)
        if version not in change.fields:
            return
        new = change.values[change.fields.index(version)]
        tag, content = answer.headers.get("ETag"), None
        if answer.body:
            with suppress(StoreError):  # an answer without the record does, too: it is read before the next write
                content = self._version_in(self._reading.row_of(answer))
        tag = tag if is_strong(tag) else None
        if tag is not None or content is not None:
            self._tags.note(self._schema.name, key, new, Seen(tag, content))
