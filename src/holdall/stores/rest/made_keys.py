"""Keys that an API makes: in the body of its answer, or in ``Location``."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from holdall.query import Key, Value
from holdall.stores.rest.answer import Answer
from holdall.stores.rest.binding import Binding
from holdall.stores.rest.codec import Misfit
from holdall.stores.rest.decoding import KeyDecoder
from holdall.stores.rest.errors import unknown

__all__ = ["MadeKeys"]

_ACCEPTED = 202  # Location is then where to ask how it goes on
_NO_KEY = "it was added, but the answer does not tell its key"


class MadeKeys:
    """Reads the keys of one collection."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._store, self._schema = binding.store, binding.schema
        self._decoder = KeyDecoder(binding)

    def key_in(self, answer: Answer) -> Key:
        """The key of the record that was added. Raises StoreUnavailable, its outcome unknown, where none is told."""
        if answer.body:
            try:
                return self._decoder.decode(answer.body)
            except (ValueError, RecursionError, Misfit) as error:
                if (key := self._located(answer)) is not None:
                    return key
                raise unknown(self._store, answer.place, _NO_KEY) from error
        if (key := self._located(answer)) is not None:
            return key
        raise unknown(self._store, answer.place, _NO_KEY)

    def _located(self, answer: Answer) -> Value:
        location, call = answer.headers.get("Location"), self._binding.calls["get"]
        if answer.status == _ACCEPTED:
            return None
        texts = None if location is None or call is None else call.template.read(re.split("[?#]", location)[0])
        if not texts or len(self._schema.key) > 1:
            return None
        text = unquote(texts.get(self._schema.key[0]) or texts.get("key") or "")
        field = self._schema.by_name[self._schema.key[0]]
        try:
            return msgspec.convert(text, self._binding.key_type, strict=False) if text else None
        except msgspec.ValidationError:
            raise unknown(self._store, answer.place, f"it was added, but its Location holds no {field.name}") from None
