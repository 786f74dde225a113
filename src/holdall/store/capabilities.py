"""The abilities of a store, as a value: the vocabulary of features, and the default, which is *cannot*."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from holdall.query import Kind, Op
from holdall.store.reservation import Hold

__all__ = ["Capabilities", "CommitClass", "Feature", "Limits"]


class Feature(StrEnum):
    """Something a store may or may not do. Each says what Holdall does in its absence.

    Example: :class:`Capabilities`.
    """

    FILTER = "filter"
    """Conditions on the collection's own fields. Absent: refused."""
    SORT = "sort"
    """Sort keys with nulls placed. Absent: refused."""
    OFFSET = "offset"
    """Skipping rows. Absent: refused."""
    KEYSET = "keyset"
    """Rows after a position in the sort order. Absent: refused."""
    PROJECTION = "projection"
    """Only the asked paths. Absent: refused."""
    RELATIONS = "relations"
    """Paths through references to other collections of the same store. Absent: the session asks for keys first, within
    a bound."""
    MANY_CONDITIONS = "conditions over many"
    """Some and Every. Absent: refused."""
    GENERATED_KEYS = "generated keys"
    """Keys made by the store, of ``generated_kinds``. Absent: refused at declaration."""
    UNIQUE = "unique"
    """Uniqueness kept by the store even between processes. Absent: refused at declaration."""
    VERSIONS = "versions"
    """An update or remove that holds only at the expected version. Absent: refused at declaration."""
    EXPECTED = "changes of what is as expected"
    """An update or remove that holds only if fields still have the expected values. Absent: refused where it is asked
    for, except of a model with a version."""
    FOREIGN_KEYS = "foreign keys"
    """References inside the store kept by the store, those of a stored Many too. Absent: the session looks before it
    commits."""
    STORED_MANY = "stored many"
    """A Many kept here as a list of keys or a link table. Absent: refused at declaration."""
    MEMBERS = "members that come and go"
    """Changes of a stored Many as what comes and goes (see Members). Absent: the whole list is written."""
    KEY_LISTS = "conditions over lists of keys"
    """Some and Every over a stored Many whose records are in another store, seen as their keys alone. Absent: the
    session reads the lists, within a bound."""
    COMPOSITE_KEYS = "composite keys"
    """Keys of several fields. Absent: refused at declaration."""
    STREAMS = "streams"
    """Bytes that grow at their end, beside a record (see Appending). Absent: refused at declaration."""


class CommitClass(StrEnum):
    """The promise of a store about a group of changes. Example: :class:`Capabilities`."""

    TX = "tx"  # a real transaction
    BATCH = "batch"  # an atomic conditional batch
    IDEMP = "idemp"  # single calls, repeatable
    ONCE = "once"  # single calls, not repeatable: the default for the unknown


class Limits(msgspec.Struct, frozen=True):
    """Numbers a store cannot pass; None where it sets none of its own. Example: :class:`Capabilities`."""

    in_values: int = 10_000  # values in one IN or NOT_IN
    text_length: int | None = None  # characters in one STR
    condition_nodes: int = 1_000  # nodes in one condition
    concurrent_changes: int = 1  # calls under way at once, where changes are not applied together
    changes_per_call: int = 1  # changes that one such call may carry, each with a fate of its own
    moment_step: int = 1  # microseconds from one moment that a stamp of a commit may be to the next


class Capabilities(msgspec.Struct, frozen=True):
    """A store's declaration of what it can do. An operator not listed is refused, and so is a kind.

    >>> from holdall.query import Op
    >>> from holdall.store import CommitClass, Feature, open_store
    >>> able = open_store("main", "memory:").capabilities
    >>> able.commit is CommitClass.TX, Feature.SORT in able.features, Op.CONTAINS in able.operators
    (True, True, True)
    """

    commit: CommitClass = CommitClass.ONCE
    features: frozenset[Feature] = frozenset()
    operators: frozenset[Op] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    limits: Limits = Limits()
    generated_kinds: frozenset[Kind] = frozenset({Kind.INT})  # of the keys it makes
    is_durable: bool = True  # what was written outlives the process
    hold: Hold = Hold.NONE  # how it holds a part of a commit over several stores, as far as is known unconnected
    hold_cost: int = 0
    """How dear it is to hold a part: among the stores of one commit the dearest decides, as it need not hold any."""
    is_embedded: bool = False  # it runs within this process: a look at a record costs microseconds, no round trip
    lock_patience: float = 0.0  # seconds for which a commit bears locks of others, tried again after each short wait
