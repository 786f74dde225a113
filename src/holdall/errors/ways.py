"""A way out of each error: the sentence that the page of errors and ``holdall error`` add to its meaning."""

from __future__ import annotations

__all__ = ["WAYS"]

WAYS: dict[str, str] = {
    "HoldallError": "Catch it to catch every error of Holdall, and nothing else.",
    "DeclarationError": "Change the declaration that the message names; nothing was started and nothing written.",
    "ValidationError": "Correct the values: `errors` has a path, a code and a message for each that is wrong.",
    "FrozenError": "Give the value when the record is made, or declare the field without `frozen=True`.",
    "QueryError": (
        "Correct the query: the message names the field, the operator or the character, and what there is instead."
    ),
    "LimitExceeded": (
        "Ask for less at once, by pages, a narrower condition or smaller batches, or raise the bound that "
        "`limit` names."
    ),
    "NoThumbnail": "Show the file itself, or a sign for its type, instead; upload a damaged picture again.",
    "NotFound": "Ask with `get`, which gives None, where a record may be missing. Look whether the user may read it.",
    "NotLoaded": "Load what is needed first: `await book.author`, or `load=[Book.author]` with the query.",
    "Refused": "Read the message, which the function for the event wrote; change the record, or the function.",
    "StateError": "Call it at another time: the message says which call has to come first.",
    "Forbidden": "Give the user a role or change the policy; `holdall access` tells which rule decided.",
    "ActionUnavailable": (
        "Run the action on records for which its policy holds; `keys` names those for which it does not."
    ),
    "UnknownCommand": "Correct the path of the service and its method; completion of `dal` lists them.",
    "StoreError": "Read the cause, the driver's own error, which is chained to it.",
    "Unsupported": (
        "Ask for something that this store can do (docs: what each store can do), or keep the collection elsewhere."
    ),
    "ReadOnly": "Write to where the collection comes from, or declare it without `read_only`.",
    "StoreUnavailable": (
        "Look whether the server runs and whether host, port and user of its URL are right, with `holdall "
        "doctor`; then repeat it."
    ),
    "StoreFull": (
        "Free or add space where the store lies, its disk, quota or memory, as the message names it; then repeat it. "
        "Nothing was written, and reading goes on."
    ),
    "StoreTimeout": "Repeat it; where it comes again, look at slow statements and raise the timeout of the store.",
    "UpstreamError": "Look at the service behind the store: `status` is its answer.",
    "RevisionError": "Follow the message; `holdall db history` shows which revisions there are and which were taken.",
    "SchemaMismatch": (
        "List the differences with `holdall check`; make what is missing with `holdall create`, and what "
        "differs with `holdall db revision`."
    ),
    "CorruptRecord": (
        "Repair the record that the message names where it is stored, or give its fields new values with "
        "`session.mend`."
    ),
    "FileMissing": (
        "Restore the content from a backup, or give the record another file; `holdall files check` finds all lost ones."
    ),
    "UnknownFormat": "Use the version of Holdall that wrote it, or a newer one; nothing was touched.",
    "Conflict": "Look at the more special error, or at the message; the change was not made.",
    "UniqueViolation": "Give another value, or change the record that has it; `fields` names them.",
    "AlreadyExists": "Change the record that is there, or use `get_or_create` or `upsert`.",
    "CheckViolation": "Correct the values of `fields`, which a rule of the database refuses.",
    "ReferenceViolation": "Refer to a record that is there, or add that first.",
    "StillReferenced": "Remove or change what refers to the record first, or declare `on_delete`.",
    "StaleVersion": "Read the record again and repeat the change; `app.run` does so by itself.",
    "LockConflict": "Repeat the commit; `app.run` does so by itself.",
    "Reserved": (
        "Repeat the commit when the other one is over, which recovery sees to; `holdall commits list` shows it."
    ),
    "CommitError": "Look at the more special error: it says what is written and what is not.",
    "CommitAborted": "Nothing was written: look at the cause, and repeat it where the cause may pass.",
    "CommitPending": "Do not repeat it: the commit is decided, and recovery finishes it.",
    "CommitPartial": "Look at `report`, then finish or undo the rest with `holdall commits retry` or `compensate`.",
    "CommitUnknown": "Read before you repeat it: the answer was lost, and the commit may have been made.",
}
"""The ways, by the names of classes."""
