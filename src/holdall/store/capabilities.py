"""The abilities of a store, as a value: the vocabulary of features, and the default, which is *cannot*."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from holdall.query import Kind, Op
from holdall.store.reservation import Hold

__all__ = [
    "OF_TABLES",
    "OF_TRANSACTIONS",
    "Capabilities",
    "CommitClass",
    "Feature",
    "Isolation",
    "Limits",
    "LockMode",
]


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
    AGGREGATES = "aggregates"
    """Groups of rows with sums, means, counts and extremes, distinct rows (see ``Grouping``). Absent: the session reads
    what is to be grouped, within a bound."""
    EXPRESSIONS = "expressions"
    """Formulas of fields, wherever a query takes a field. Absent: the session computes them; for conditions, sorts and
    groups it reads what they are computed of, within a bound."""
    RELATIONS = "relations"
    """Paths through references to other collections of the same store. Absent: the session asks for keys first, within
    a bound."""
    MANY_CONDITIONS = "conditions over many"
    """Some and Every. Absent: refused."""
    SUBQUERIES = "queries within queries"
    """Conditions that a query has a row, or a value among its rows. Absent: the session asks that query first, within a
    bound; one that speaks of the record around must do so by equality."""
    GENERATED_KEYS = "generated keys"
    """Keys made by the store, of ``generated_kinds``. Absent: refused at declaration."""
    GENERATED_PARTS = "keys with a generated part"
    """Keys of several fields, one of which the store makes. Absent: refused at declaration."""
    UNIQUE = "unique"
    """Uniqueness kept by the store even between processes. Absent: refused at declaration."""
    VERSIONS = "versions"
    """An update or remove that holds only at the expected version. Absent: refused at declaration."""
    EXPECTED = "changes of what is as expected"
    """An update or remove that holds only if fields still have the expected values. Absent: refused where it is asked
    for, except of a model with a version."""
    CHECKS = "checks without a change"
    """An update of no fields: it holds only if the record is there, at the expected version and with the expected
    values, stays so until what is applied with it lasts, and writes nothing. Absent: refused where it is asked for."""
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
    STATEMENTS = "statements of its own"
    """Conditions given as a statement in its own language, such as a Select (see Stated). Absent: refused."""
    COMPOSITE_KEYS = "composite keys"
    """Keys of several fields. Absent: refused at declaration."""
    SERVER_VALUES = "values that the store gives"
    """Defaults of columns, and what the database computes, read back in the step that writes a record. Absent: refused
    at declaration."""
    KEYLESS = "collections without a key"
    """Collections without a key, which are only read. Absent: refused at declaration."""
    STREAMS = "streams"
    """Bytes that grow at their end, beside a record (see Appending). Absent: refused at declaration."""
    BULK_CHANGES = "bulk changes"
    """Updates and removals of all that a query means, in one step (see BulkChanging). Absent: the session reads what is
    to be changed, within a bound, and changes each."""
    SAVEPOINTS = "savepoints"
    """Parts of a transaction that can be undone by themselves (see Nesting). Absent: refused."""


OF_TABLES = frozenset({Feature.KEYLESS, Feature.SERVER_VALUES, Feature.STATEMENTS})
"""Features that only stores have whose collections others may have made, as tables of a database."""

OF_TRANSACTIONS = frozenset({Feature.BULK_CHANGES, Feature.SAVEPOINTS})
"""Features that only transactions have."""


class CommitClass(StrEnum):
    """The promise of a store about a group of changes. Example: :class:`Capabilities`."""

    TX = "tx"  # a real transaction
    BATCH = "batch"  # an atomic conditional batch
    IDEMP = "idemp"  # single calls, repeatable
    ONCE = "once"  # single calls, not repeatable: the default for the unknown


class Isolation(StrEnum):
    """How much a transaction sees of those beside it, from the least promise to the most. Example: :class:`Isolating`.

    READ_COMMITTED: each statement what was committed before it. REPEATABLE_READ: rows that were read stay as they were.
    SNAPSHOT: all is read as of one moment, and who was faster with a row is not written over. SERIALIZABLE: the outcome
    is that of some order one after the other.
    """

    READ_COMMITTED = "read committed"
    REPEATABLE_READ = "repeatable read"
    SNAPSHOT = "snapshot"
    SERIALIZABLE = "serializable"


class LockMode(StrEnum):
    """The lock that a read inside a transaction puts on the records that it gives, until the transaction ends.

    UPDATE: nobody else writes or locks them. SHARE: nobody else writes them. SKIP: as UPDATE, without those that others
    have locked. NOWAIT: as UPDATE, and LockConflict at once where another has locked one.

    Example: :class:`Locking`.
    """

    UPDATE = "update"
    SHARE = "share"
    SKIP = "skip"
    NOWAIT = "nowait"


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
    isolation: frozenset[Isolation] = frozenset()
    """The levels that its transactions can be given (see Isolating): one that gives more than is asked has it."""
    locks: frozenset[LockMode] = frozenset()  # what reads inside its transactions can lock (see Locking)
    differences: frozenset[str] | None = None
    """The names of the differences that it may tell of, which ``accept`` takes; None where any may be accepted."""
    lock_patience: float = 0.0  # seconds for which a commit bears locks of others, tried again after each short wait
