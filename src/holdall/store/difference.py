"""Differences between what is stored and a model: a sentence for people, and a name for programs.

A name stays the same from version to version, so that ``accept`` can take differences of that name deliberately.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final, Self

__all__ = ["ACCEPTABLE", "DIFFERENCES", "Difference", "named"]

DIFFERENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing-table": "there is no such table",
        "missing-column": "a field has no column",
        "kind": "a view, a foreign table or a table with heirs, whose key and rules cannot be seen",
        "engine": "an engine of MariaDB that takes nothing back",
        "type": "a column of a type that keeps other values",
        "extent": "a column that keeps fewer characters or digits than the model allows",
        "null": "a column takes a null and its field does not, or the other way round",
        "collation": "texts are compared by another rule than code point by code point",
        "order": "values sort otherwise, or have several spellings in a key",
        "computed": "the database computes a column that the model would write, or sets it anew",
        "counter": "keys are not counted, or by a sequence that given keys do not move",
        "default": "a column without a default for values that the model leaves to one",
        "unknown-column": "a column that no field has must be given a value",
        "key": "the key of the table is another one",
        "unique": "what the model has unique need not be so in the table",
        "foreign-key": "a reference without a foreign key, or one that leads elsewhere",
        "conflict-clause": "a rule of SQLite that does something else than refuse",
        "index": "conditions and sorts are not served by an index of their own",
        "unread": "a file beside the records that is not read",
        "search": "words of full-text search are not kept, or have no index",
        "trigger": "a trigger that may change or drop what is written",
        "values": "stored values that are read and not found, or cannot be read",
    }
)
"""By name: the meaning of every difference that has one."""

ACCEPTABLE: Final = frozenset(DIFFERENCES) - {"missing-table", "missing-column", "kind"}
"""Those that can be accepted: with the others nothing could be read."""


class Difference(str):
    """A sentence about a difference, with its name in DIFFERENCES, the collection and the column that it is about.

    ``column`` is empty where it is about the whole table.

    >>> told = Difference("city.name is compared by nocase", "collation", "city", "name")
    >>> told.is_accepted(["collation"]), told.is_accepted(["collation:code"]), named(told)
    (True, False, 'city.name is compared by nocase [collation]')
    """

    __slots__ = ("code", "collection", "column")

    code: str
    collection: str
    column: str

    def __new__(cls, sentence: str, code: str, collection: str, column: str = "") -> Self:
        """Make the difference of this name."""
        made = super().__new__(cls, sentence)
        made.code, made.collection, made.column = code, collection, column
        return made

    def __reduce__(self) -> tuple[type[Difference], tuple[str, str, str, str]]:
        return Difference, (str(self), self.code, self.collection, self.column)

    def is_accepted(self, accepted: Collection[str]) -> bool:
        """Whether these names, each of which may be followed by ``:column``, have this difference among them."""
        return any(name in (self.code, f"{self.code}:{self.column}") for name in accepted)


def named(told: str) -> str:
    """The sentence with the name of its difference behind it, if it has one. Example: :class:`Difference`."""
    return f"{told} [{told.code}]" if isinstance(told, Difference) and told.code in ACCEPTABLE else told
