"""The error tree, whole.

A leaf exists only where a program would react to it. Every error keeps its facts in attributes, builds its own
message and says what to do. Store drivers' errors are mapped onto these, always with ``raise … from``. ::

    HoldallError
    ├── DeclarationError         a model, field, collection or store cannot work; raised at start
    ├── ValidationError          values break the rules of their model
    ├── FrozenError              a frozen field was written
    ├── QueryError               a query names what is not there, or cannot be read
    ├── LimitExceeded            a bound was passed
    ├── NoThumbnail              no thumbnail can be made of a file
    ├── NotFound                 no record has this key
    ├── NotLoaded                a referenced record was read before it was loaded
    ├── Refused                  a function that is called for an event refuses the commit
    ├── StateError               a record or session does not allow this call now
    ├── Forbidden                the user may not do this
    │   └── ActionUnavailable    an action is not for him, or not for these records
    ├── UnknownCommand           no service has this method
    ├── StoreError               a store could not do what it was asked
    │   ├── Unsupported          the store cannot do this at all
    │   │   └── ReadOnly         the collection is declared to be only read
    │   ├── StoreUnavailable     the store cannot be reached; try again
    │   │   └── StoreFull        the store has no room for what was to be written
    │   ├── StoreTimeout         the store did not answer in time
    │   ├── UpstreamError        the service behind a store failed
    │   ├── RevisionError        a revision of its tables cannot be made, found or carried out
    │   ├── SchemaMismatch       what is stored does not fit the models
    │   ├── CorruptRecord        a stored record cannot be read
    │   ├── FileMissing          the content of a file is lost
    │   ├── UnknownFormat        another version of Holdall wrote this
    │   └── Conflict             what is stored refuses a change
    │       ├── UniqueViolation
    │       │   └── AlreadyExists
    │       ├── CheckViolation   a rule of the database refuses values
    │       ├── ReferenceViolation
    │       │   └── StillReferenced
    │       ├── StaleVersion     somebody else was faster
    │       ├── LockConflict     somebody else holds a lock; repeat the commit
    │       └── Reserved         a commit under way holds a record; repeat the commit
    └── CommitError              a commit did not end as asked
        ├── CommitAborted        nothing was written
        ├── CommitPending        recovery will finish it
        ├── CommitPartial        some is written and some is not
        └── CommitUnknown        the answer was lost
"""

from holdall.errors.commits import CommitAborted, CommitError, CommitPartial, CommitPending, CommitUnknown
from holdall.errors.conflicts import (
    AlreadyExists,
    CheckViolation,
    Conflict,
    Holder,
    LockConflict,
    ReferenceViolation,
    Refusal,
    Reserved,
    StaleVersion,
    StillReferenced,
    UniqueViolation,
)
from holdall.errors.problems import PROBLEMS, ProblemCode
from holdall.errors.records import (
    ActionUnavailable,
    Forbidden,
    NotFound,
    NotLoaded,
    Refused,
    StateError,
)
from holdall.errors.reports import CommitReport, TaskReport, UnfinishedReport, Unresolved
from holdall.errors.root import (
    DeclarationError,
    HoldallError,
)
from holdall.errors.services import UnknownCommand
from holdall.errors.stores import (
    CorruptRecord,
    FileMissing,
    ReadOnly,
    RevisionError,
    SchemaMismatch,
    StoreError,
    StoreFull,
    StoreTimeout,
    StoreUnavailable,
    UnknownFormat,
    Unsupported,
    UpstreamError,
)
from holdall.errors.values import (
    MAX_ERRORS,
    FieldError,
    FieldErrors,
    FrozenError,
    LimitExceeded,
    NoThumbnail,
    QueryError,
    ValidationError,
)
from holdall.errors.ways import WAYS

__all__ = [
    "MAX_ERRORS",
    "PROBLEMS",
    "WAYS",
    "ActionUnavailable",
    "AlreadyExists",
    "CheckViolation",
    "CommitAborted",
    "CommitError",
    "CommitPartial",
    "CommitPending",
    "CommitReport",
    "CommitUnknown",
    "Conflict",
    "CorruptRecord",
    "DeclarationError",
    "FieldError",
    "FieldErrors",
    "FileMissing",
    "Forbidden",
    "FrozenError",
    "HoldallError",
    "Holder",
    "LimitExceeded",
    "LockConflict",
    "NoThumbnail",
    "NotFound",
    "NotLoaded",
    "ProblemCode",
    "QueryError",
    "ReadOnly",
    "ReferenceViolation",
    "Refusal",
    "Refused",
    "Reserved",
    "RevisionError",
    "SchemaMismatch",
    "StaleVersion",
    "StateError",
    "StillReferenced",
    "StoreError",
    "StoreFull",
    "StoreTimeout",
    "StoreUnavailable",
    "TaskReport",
    "UnfinishedReport",
    "UniqueViolation",
    "UnknownCommand",
    "UnknownFormat",
    "Unresolved",
    "Unsupported",
    "UpstreamError",
    "ValidationError",
]
