"""The meta data of a context: who asks, from where, for what; nothing that can be changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import NoReturn, Self

import msgspec

from holdall.errors import DeclarationError, StateError
from holdall.query import Value, did_you_mean

__all__ = ["Meta", "meta_of"]


class Meta(Mapping[str, Value]):
    """Facts about a request or task, by name; they are read as attributes or as items and cannot be changed.

    A name that is not there is an error: AttributeError or KeyError, and StateError of ``require``; ``get`` gives a
    default. Raises DeclarationError for names that are no text, or that are those of its own methods.

    >>> meta = Meta({"ip": "192.0.2.1", "tries": 0})
    >>> meta.ip, meta["tries"], meta.require("tries"), meta.get("agent", "unknown")
    ('192.0.2.1', 0, 0, 'unknown')
    >>> print(meta)
    {"ip":"192.0.2.1","tries":0}
    >>> meta.agent
    Traceback (most recent call last):
    AttributeError: this context has no meta data 'agent'; there are ip, tries
    """

    __slots__ = ("_values",)

    _values: dict[str, Value]

    def __init__(self, values: Mapping[str, Value] | None = None, /, **named: Value) -> None:
        found = {**({} if values is None else values), **named}
        for name in found:
            if not isinstance(name, str):
                raise DeclarationError(f"names of meta data are text, not {type(name).__name__}")
            if name in _OWN or (name.startswith("__") and name.endswith("__")):
                raise DeclarationError(f"meta data cannot be named {name!r}, which is a method of Meta")
        object.__setattr__(self, "_values", found)

    @classmethod
    def trusted(cls, values: dict[str, Value]) -> Self:
        """Return meta data whose names come from the program itself, and are not looked at.

        >>> Meta.trusted({"ip": "192.0.2.1"}).ip
        '192.0.2.1'
        """
        made = cls.__new__(cls)
        object.__setattr__(made, "_values", values)
        return made

    @classmethod
    def from_module(cls, module: ModuleType) -> Self:
        """Return the constants of a module, those with names in capitals.

        >>> import string
        >>> "SPECIAL" in Meta.from_module(string)
        False
        """
        return cls({name: value for name, value in vars(module).items() if name.isupper() and name[0] != "_"})

    def require(self, name: str) -> Value:
        """Return a value that has to be there, 0 and empty text among them; raises StateError where none is."""
        value = self._values.get(name)
        if value is None:
            raise StateError(f"{self._missing(name)}: give it to context(meta=...) or dal(meta=...)")
        return value

    def __getattr__(self, name: str) -> Value:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(self._missing(name)) from None

    def __getitem__(self, name: str) -> Value:
        try:
            return self._values[name]
        except KeyError:
            raise KeyError(self._missing(name)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"meta data are read-only: {name!r} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"meta data are read-only: {name!r} cannot be removed")

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, Value]]]:
        return type(self), (self._values,)

    def __str__(self) -> str:
        """Return them as JSON; a value that JSON does not have is shown as text."""
        return msgspec.json.encode(self._values, enc_hook=str, order="deterministic").decode()

    def __repr__(self) -> str:
        return f"Meta({', '.join(self._values)})"  # values may be secret

    def _missing(self, name: str) -> str:
        return f"this context has no meta data {name!r}{did_you_mean(name, sorted(self._values))}"


_OWN = frozenset(name for name in dir(Meta) if not name.startswith("__"))


def meta_of(given: object) -> Meta:
    """The meta data that a context was given. Raises DeclarationError for what is no mapping."""
    if isinstance(given, Meta):
        return given
    if given is None:
        return Meta()
    if not isinstance(given, Mapping):
        raise DeclarationError(f"meta= takes a dict or a Meta, not {type(given).__name__}")
    return Meta(given)
