"""Records as JSON: stored fields and computed values, references as keys. The right to see a field is decided
elsewhere.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec

from holdall.codegen import function
from holdall.model.field import Field
from holdall.model.many import Related
from holdall.model.reference import Reference, key_of_value
from holdall.model.tracking import Record, Tracked

__all__ = ["JsonOutput", "encode_hook"]


def encode_hook(value: object) -> object:
    """Encode a value that msgspec cannot encode: a reference or record as its key, many of them as a list of keys.

    Raises TypeError for any other value.
    """
    if isinstance(value, Reference | Tracked):
        return key_of_value(value)
    if isinstance(value, Related):
        return value.keys
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


_log = logging.getLogger("holdall")

_ENCODER = msgspec.json.Encoder(enc_hook=encode_hook)
_DECODER = msgspec.json.Decoder(dict[str, Any])


class JsonOutput:
    """Encodes the records of one model.

    A computed value that reads an attribute of a reference needs that reference loaded, else NotLoaded is raised.
    ``is_computing`` if the model has computed values.

    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     title: str
    >>> Book.__holdall__.json_output.encode([Book(id=1, title="Emma")])
    b'[{"id":1,"title":"Emma"}]'
    """

    def __init__(self, model: str, stored: Sequence[Field], computed: Collection[str]) -> None:
        self._model = model
        self._stored = {field.name: field for field in stored}
        self._computed = frozenset(computed)
        self._shown = {
            field.name: field.type.own.show for field in stored if field.type is not None and field.type.own is not None
        }
        self._readers: dict[tuple[str, ...], Callable[[Any], Any]] = {}
        self.names = (*self._stored, *computed)
        self.is_computing = bool(computed)
        self.encode_whole: Callable[..., bytes] = self.encode if computed or self._shown else _ENCODER.encode
        """The same as ``encode`` of all that is shown, and quicker where nothing of it must be made."""
        self.encode_whole_one: Callable[..., bytes] = self.encode_one if computed or self._shown else _ENCODER.encode

    def shows_otherwise(self, name: str) -> bool:
        """Whether msgspec cannot write the field's values by itself, as those of own types."""
        return name in self._shown

    def encode(self, records: Sequence[Record], names: Collection[str] | None = None) -> bytes:
        """The records as one JSON array; with ``names`` only these fields and computed values of each."""
        return _ENCODER.encode(self._prepared(records, names))

    def encode_what_can_be(self, records: Sequence[Record], names: Collection[str] | None = None) -> bytes:
        """As ``encode``, with null for each computed value that cannot be made: logged in one line for all records."""
        chosen = tuple(name for name in self.names if names is None or name in names)
        failed = Counter[tuple[str, str]]()
        encoded = _ENCODER.encode([{name: self._made(record, name, failed) for name in chosen} for record in records])
        for (name, error), number in failed.items():
            of = f" of {number} records" if number > 1 else ""
            _log.warning("%s.%s could not be computed%s: %s", type(records[0]).__name__, name, of, error)
        return encoded

    def _made(self, record: Record, name: str, failed: Counter[tuple[str, str]]) -> object:
        if name not in self._computed:
            value = self._stored[name].get(record)
            return value if value is None or name not in self._shown else self._shown[name](value)
        try:
            return getattr(record, name)
        except Exception as error:
            failed[name, type(error).__name__] += 1
            return None

    def encode_one(self, record: Record, names: Collection[str] | None = None) -> bytes:
        """One record as a JSON object."""
        return _ENCODER.encode(self._prepared([record], names)[0])

    def builtins(self, record: Record, names: Collection[str] | None = None) -> dict[str, Any]:
        """One record as what its JSON says: dict, list, str, int, float, bool and None."""
        return _DECODER.decode(self.encode_one(record, names))

    def _prepared(self, records: Sequence[Record], names: Collection[str] | None) -> Sequence[Any]:
        """Return the records themselves where the encoder shows just their slots, else structs made for it."""
        if names is None:
            if not self.is_computing and not self._shown:
                return records
            chosen = self.names
        else:
            chosen = tuple(name for name in self.names if name in names)
        reader = self._readers.get(chosen)
        if reader is None:
            reader = self._readers[chosen] = self._reader(chosen)
        return list(map(reader, records))

    def _reader(self, chosen: tuple[str, ...]) -> Callable[[Any], Any]:
        """A generated function from a record to a struct of just the chosen values."""
        shape = msgspec.defstruct(
            "Shown", [(f"v{number}", Any) for number in range(len(chosen))], rename=_namer(chosen)
        )
        names: dict[str, object] = {"shape": shape}
        values = []
        for number, name in enumerate(chosen):
            if name in self._computed:
                values.append(f"r.{name}")
            else:
                names[f"g{number}"] = self._stored[name].get
                if name in self._shown:
                    names[f"s{number}"] = self._shown[name]
                    values.append(f"(None if (v := g{number}(r)) is None else s{number}(v))")
                else:
                    values.append(f"g{number}(r)")
        source = f"shape({', '.join(values)})"
        read: Callable[[Any], Any] = function("show", "r", source, names, f"{self._model}, shown")
        return read


def _namer(chosen: tuple[str, ...]) -> Callable[[str], str]:
    """From ``v0, v1, …`` to the names chosen, as msgspec asks for them."""
    return lambda variable: chosen[int(variable[1:])]
