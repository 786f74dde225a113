"""Driver errors to ours: one table per driver, from its class name, SQLSTATE or number to what the error means.

Drivers are known by names and codes alone, so this file needs none of them installed. A driver's own message may hold
values: it stays with ``__cause__`` and never enters ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from enum import Enum

from holdall.errors import (
    AlreadyExists,
    Conflict,
    CorruptRecord,
    FieldError,
    HoldallError,
    LockConflict,
    QueryError,
    ReferenceViolation,
    SchemaMismatch,
    StoreError,
    StoreFull,
    StoreTimeout,
    StoreUnavailable,
    UniqueViolation,
    ValidationError,
)
from holdall.stores.sql.layout import Rule

__all__ = [
    "MYSQL",
    "POSTGRESQL",
    "SQLITE",
    "Meaning",
    "deciding",
    "error_of",
    "is_overflow",
    "is_read_only",
    "postgresql_meaning",
    "violation_of",
]


class Meaning(Enum):
    """The meaning of a driver's error; the value is its sentence, with ``{}`` for the driver's code."""

    UNIQUE = "a record with these values already exists"
    REFERENCE = "a reference would be left without its target"
    RULE = "a rule of the database refuses this change ({})"
    RETRY = "other work got in the way ({}); nothing was applied, try again"
    LOCKED = "other work holds what this needs or got in its way ({}), and nothing was applied"
    VALUE = "the database cannot keep or compare this value ({})"
    SCHEMA = "a table or column is missing or of another shape ({}); compare with inspect()"
    TIMEOUT = "it did not answer in time ({})"
    UNAVAILABLE = "it cannot be reached ({}); try again"
    FULL = "it has no room left ({}), and nothing was applied; free some space and repeat"
    CORRUPT = "its files are damaged ({})"
    READ_ONLY = "it takes no writes ({}), as a standby or by a setting; connect to the primary"
    DENIED = "it does not let us do this ({}); look at the rights of its user"
    DEFECT = "it refused the statement ({})"


_M = Meaning

SQLITE: dict[str, Meaning] = {
    **dict.fromkeys(("ConstraintError",), _M.RULE),
    **dict.fromkeys(("BusyError", "LockedError"), _M.TIMEOUT),
    **dict.fromkeys(("AbortError", "InterruptError", "ProtocolError"), _M.RETRY),
    **dict.fromkeys(("MismatchError", "TooBigError", "RangeError"), _M.VALUE),
    **dict.fromkeys(("SQLError", "SchemaChangeError", "EmptyError"), _M.SCHEMA),
    **dict.fromkeys(("CantOpenError", "IOError", "NoMemError", "NoLFSError", "NotFoundError"), _M.UNAVAILABLE),
    **dict.fromkeys(("ConnectionClosedError", "CursorClosedError", "VFSFileClosedError"), _M.UNAVAILABLE),
    **dict.fromkeys(("CorruptError", "NotADBError", "FormatError"), _M.CORRUPT),
    **dict.fromkeys(("AuthError", "PermissionsError", "ReadOnlyError"), _M.DENIED),
    "FullError": _M.FULL,
    **dict.fromkeys(("InternalError", "MisuseError", "BindingsError", "ThreadingViolationError", "Error"), _M.DEFECT),
    **dict.fromkeys(("ForkingViolationError", "IncompleteExecutionError", "InvalidContextError"), _M.DEFECT),
    **dict.fromkeys(("ConnectionNotClosedError", "ExecutionCompleteError", "ExtensionLoadingError"), _M.DEFECT),
    "ExecTraceAbort": _M.DEFECT,
    **dict.fromkeys(("NoFTS5Error", "VFSNotImplementedError"), _M.DEFECT),
}
"""By the name of apsw's class."""

POSTGRESQL: dict[str, Meaning] = {
    **dict.fromkeys(("08", "57", "58", "3D", "F0"), _M.UNAVAILABLE),
    "25006": _M.READ_ONLY,
    "26": _M.RETRY,  # a pooler gave a transaction to a server that does not know its statements
    "57014": _M.TIMEOUT,  # cancelled, by statement_timeout or by us
    "25P03": _M.TIMEOUT,
    "25P04": _M.TIMEOUT,
    **dict.fromkeys(("55P03", "40P01", "40001"), _M.LOCKED),  # lock_timeout, deadlock, serialization failure
    **dict.fromkeys(("40", "55", "72"), _M.RETRY),
    "0A000": _M.DEFECT,
    **dict.fromkeys(("22", "21", "20", "10"), _M.VALUE),
    **dict.fromkeys(("23", "44", "27", "P0", "09"), _M.RULE),
    "23505": _M.UNIQUE,
    "23503": _M.REFERENCE,
    "23001": _M.REFERENCE,
    "23P01": _M.UNIQUE,
    **dict.fromkeys(("42", "3F"), _M.SCHEMA),
    "42501": _M.DENIED,
    "42601": _M.DEFECT,
    "428C9": _M.RULE,  # a value for a column that the database makes
    "28": _M.DENIED,
    "53": _M.UNAVAILABLE,
    "53100": _M.FULL,
    "54": _M.VALUE,
    "XX": _M.DEFECT,
    **dict.fromkeys(("XX001", "XX002"), _M.CORRUPT),
    **dict.fromkeys(("00", "01", "02", "03", "0B", "0F", "0L", "0P", "0Z", "24", "25"), _M.DEFECT),
    **dict.fromkeys(("2B", "2D", "2F", "34", "38", "39", "3B", "HV"), _M.DEFECT),
}
"""By SQLSTATE, whole or its first two characters (PostgreSQL manual, appendix A)."""

MYSQL: dict[int, Meaning] = {
    **dict.fromkeys((1022, 1062, 1169, 1557, 1586, 1859), _M.UNIQUE),
    **dict.fromkeys((1215, 1216, 1217, 1451, 1452, 1761, 1762), _M.REFERENCE),
    **dict.fromkeys((1048, 1364, 1644, 3819, 4025, 1263, 1906, 3105, 1526), _M.RULE),
    **dict.fromkeys((1412, 1479, 1689, 1964), _M.RETRY),
    **dict.fromkeys((1020, 1205, 1213, 1613, 1614, 3572), _M.LOCKED),  # lock waits, deadlocks, the same within XA
    **dict.fromkeys((1397, 1398, 1399, 1400, 1401, 1402, 1440), _M.DEFECT),  # XA statements out of place
    **dict.fromkeys((1907, 1969, 3024), _M.TIMEOUT),
    **dict.fromkeys((1264, 1265, 1292, 1366, 1367, 1406, 1416, 1441, 1690, 1153, 1118, 1071, 3140, 1267), _M.VALUE),
    **dict.fromkeys((1049, 1051, 1054, 1060, 1061, 1091, 1109, 1146, 1136, 1072), _M.SCHEMA),
    **dict.fromkeys((1102, 1103, 1110, 1113, 1166), _M.SCHEMA),
    **dict.fromkeys((1171, 1196, 1230), _M.RULE),
    **dict.fromkeys((1007, 1064, 1111, 1112, 1149, 1179, 1235, 1286, 1289), _M.DEFECT),
    **dict.fromkeys((1040, 1053, 1077, 1129, 1152, 1158, 1159, 1160, 1161, 1203, 1226, 1927), _M.UNAVAILABLE),
    **dict.fromkeys((2002, 2003, 2004, 2005, 2006, 2012, 2013, 2014, 2026, 2055), _M.UNAVAILABLE),
    **dict.fromkeys((1021, 1041, 1114, 1206, 1038), _M.FULL),
    **dict.fromkeys((1034, 1035, 1194, 1195, 1712), _M.CORRUPT),
    **dict.fromkeys((1036, 1044, 1045, 1130, 1142, 1143, 1227, 1370, 1698), _M.DENIED),
    **dict.fromkeys((1290, 1792, 1836), _M.READ_ONLY),
}
"""By server or client error number (MySQL and MariaDB error references)."""

_MYSQL_ENDINGS = frozenset((1040, 1053, 1077, 1129, 1152, 1158, 1159, 1160, 1161, 1203, 1317, 1927))
"""Numbers that tell of the end of the connection or of the statement, not of what became of it."""


def postgresql_meaning(state: str) -> Meaning | None:
    """Return the meaning of a SQLSTATE, or None."""
    return POSTGRESQL.get(state) or POSTGRESQL.get(state[:2])


def error_of(
    meaning: Meaning,
    store: str,
    code: str,
    collection: str | None = None,
    position: int | None = None,
    named: str | None = None,
) -> HoldallError:
    """Our error for what the driver's means; ``collection`` says that a change, not a query, met it.

    ``named`` is the constraint or the column that it speaks of, where that is known.
    """
    message = meaning.value.format(code) + (f": {named}" if named else "")
    match meaning:
        case Meaning.UNIQUE if collection is not None:
            return UniqueViolation(store, collection, (), position)
        case Meaning.REFERENCE if collection is not None:
            return ReferenceViolation(store, collection, (), position)
        case Meaning.LOCKED:
            return LockConflict(store, message, position, collection or "")
        case Meaning.UNIQUE | Meaning.REFERENCE | Meaning.RULE | Meaning.RETRY:
            return Conflict(store, message, position)
        case Meaning.VALUE if collection is not None:
            return ValidationError(collection, [FieldError(named or "", "unstorable", message)])
        case Meaning.VALUE:
            return QueryError(message)
        case Meaning.SCHEMA:
            return SchemaMismatch(store, [message])
        case Meaning.TIMEOUT:
            return StoreTimeout(store, message)
        case Meaning.FULL:
            return StoreFull(store, message)
        case Meaning.UNAVAILABLE | Meaning.READ_ONLY:
            return StoreUnavailable(store, message)
        case Meaning.CORRUPT:
            return CorruptRecord(store, "the database", message)
    return StoreError(store, message)


def is_overflow(cause: BaseException | None) -> bool:
    """Whether a driver says that a sum is beyond the numbers of its type."""
    if cause is None:
        return False
    cause = getattr(cause, "orig", None) or cause
    code = getattr(cause, "sqlstate", None) or (cause.args[0] if cause.args else None)
    return code in ("22003", 1690) or str(cause).endswith("integer overflow")


def is_read_only(error: BaseException) -> bool:
    """Whether ours was raised for a PostgreSQL or MySQL server that takes no writes, and has done nothing."""
    cause = error.__cause__
    state, number = getattr(cause, "sqlstate", None), _number(cause)
    return POSTGRESQL.get(str(state)) is Meaning.READ_ONLY or MYSQL.get(number or 0) is Meaning.READ_ONLY


def violation_of(store: str, rule: Rule, position: int | None = None) -> Conflict:
    """The error for a broken rule of ours."""
    kinds: dict[str, type[UniqueViolation | ReferenceViolation]] = {
        "key": AlreadyExists,
        "unique": UniqueViolation,
        "reference": ReferenceViolation,
    }
    return kinds[rule.kind](store, rule.collection, rule.fields, position)


class _Deciding:
    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, StoreUnavailable | StoreTimeout):
            error.is_outcome_unknown = not (_is_answered(error.__cause__) or _is_unsent(error.__cause__))


_DECIDING = _Deciding()


def deciding() -> AbstractContextManager[None]:
    """Around what makes changes last: where its answer is lost, the outcome is not known.

    A refusal of the server is its answer: then nothing lasts, and neither does a request that was never sent.
    """
    return _DECIDING


def _is_answered(cause: BaseException | None) -> bool:
    """Whether the driver's error is a refusal that the server sent while it went on to serve the connection."""
    severity = getattr(cause, "severity_en", None)
    if severity is not None:  # PostgreSQL: FATAL and PANIC end the session, wherever it was
        return str(severity) == "ERROR"
    number = _number(cause)
    return number is not None and number not in _MYSQL_ENDINGS and (1000 <= number < 2000 or number >= 3000)


def _is_unsent(cause: BaseException | None) -> bool:
    """Whether asyncpg sent nothing: the connection was told its end, which is still to come."""
    return type(cause).__name__ == "InternalClientError" and str(cause).startswith("cannot switch to state")


def _number(cause: BaseException | None) -> int | None:
    """The number of MySQL in SQLAlchemy's error."""
    arguments: Sequence[object] = getattr(getattr(cause, "orig", None), "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def columns_named(message: str, tables: Iterable[str]) -> tuple[str, Sequence[str]]:
    """The one of these tables, and its columns, in SQLite's ``UNIQUE constraint failed: table.column, table.column``.

    Names may have points and commas in them.
    """
    told = message.partition(": ")[2]
    table = max((name for name in tables if told.startswith(f"{name}.")), key=len, default="")
    return table, told.removeprefix(f"{table}.").split(f", {table}.")
