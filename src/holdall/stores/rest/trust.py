"""Answers of 2xx to writes: whether they can be believed."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from holdall.errors import StoreError
from holdall.query import Json, Key
from holdall.stores.rest.answer import Answer, demand_json
from holdall.stores.rest.binding import Binding
from holdall.stores.rest.bodies import read_document
from holdall.stores.rest.codec import Misfit
from holdall.stores.rest.continuation import hints_of
from holdall.stores.rest.decoding import KeyDecoder
from holdall.stores.rest.errors import unknown

__all__ = ["Trust"]


class Trust:
    """Looks at the answers to the writes of one collection."""

    def __init__(self, binding: Binding) -> None:
        self._store = binding.store
        self._decoder = KeyDecoder(binding)

    def demand(self, answer: Answer, key: Key, *, is_key_sent: bool = False) -> None:
        """Raise StoreUnavailable, the outcome unknown, for an answer that can hardly come from the API, that names an
        error, or that names another key than the one in the body that was sent.
        """
        if not answer.body:
            return
        try:
            demand_json(self._store, answer)
            told = self._key(answer.body)
            document = None if told == key and key is not None else _document(answer.body)
            answer.body.decode()  # which reading does not look at
        except (StoreError, ValueError, RecursionError) as error:
            raise unknown(self._store, answer.place, f"answered {answer.status}, but not in JSON") from error
        if isinstance(document, dict) and hints_of(document.items()).failed:
            raise unknown(self._store, answer.place, f"answered {answer.status}, but names an error")
        if is_key_sent and told is not None and told != key:
            sentence = 'it was added under another key than ours; declare keys="server" if the API makes them'
            raise unknown(self._store, answer.place, sentence)

    def _key(self, body: bytes) -> Key:
        with suppress(ValueError, RecursionError, Misfit):
            return self._decoder.decode(body)
        return None


def _document(body: bytes) -> Json:
    try:
        found: Json = msgspec.json.decode(body)
        return found
    except msgspec.ValidationError:  # a number beyond all bounds
        return read_document(body)
