"""Refusals of other databases as errors of ours: by number for MariaDB and MySQL, else by the class of the error."""

from __future__ import annotations

import re

from sqlalchemy import exc

from holdall.errors import HoldallError, StoreTimeout
from holdall.stores.sql.absent import absent
from holdall.stores.sql.errors import MYSQL, Meaning, error_of, violation_of
from holdall.stores.sql.layout import Rule
from holdall.stores.sql.steps import Step
from holdall.stores.sql.tables import Tables
from holdall.stores.sql.unsent import unsent

__all__ = ["refusal"]

_KEY = re.compile(r"for key '(?:[^']*\.)?([^'.]+)'\s*$")
_CONSTRAINT = re.compile(r"CONSTRAINT `([^`]+)` FOREIGN KEY")

_NAMING = (1048, 1264, 1364, 1366, 1406, 1906, 3105, 3819, 4025)
"""Errors that name a constraint or a column behind what may be a value."""
_NAMED = re.compile(
    r"constraint [`']([^`']+)[`'] (?:is violated|failed)|(?:column|field) (?:[`'][^`']+[`']\.)*[`']([^`'.]+)[`']",
    re.IGNORECASE,
)

_CHECKS = (3819, 4025)
_NULLS = (1048, 1364)

_CLASSES: dict[type[exc.SQLAlchemyError], Meaning] = {
    exc.IntegrityError: Meaning.RULE,
    exc.DataError: Meaning.VALUE,
    exc.ProgrammingError: Meaning.SCHEMA,
    exc.NotSupportedError: Meaning.DEFECT,
    exc.InternalError: Meaning.UNAVAILABLE,  # without a number: the driver, which does not understand the answer
    exc.OperationalError: Meaning.UNAVAILABLE,
    exc.InterfaceError: Meaning.UNAVAILABLE,
}


def refusal(
    store: str,
    tables: Tables,
    error: BaseException,
    step: Step | None = None,
    position: int | None = None,
    where: str = "",
) -> HoldallError:
    """Our error for SQLAlchemy's, met at this step, if it was at one; ``where`` is the server's host and port."""
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    for each in (error, origin.__cause__ if origin is not None else None):
        if isinstance(each, exc.TimeoutError | TimeoutError):
            return StoreTimeout(store, Meaning.TIMEOUT.value.format(type(each).__name__))
    arguments: tuple[object, ...] = getattr(origin, "args", ())
    code = arguments[0] if arguments and isinstance(arguments[0], int) else None
    name = str(code) if code is not None else type(origin).__name__
    if len(arguments) > 1 and (missing := absent(store, name, str(arguments[1]))) is not None:
        return missing
    meaning = _meaning(error, code)
    rule = _rule(tables, str(arguments[1]), step) if len(arguments) > 1 and step is not None else None
    if rule is not None and meaning in (Meaning.UNIQUE, Meaning.REFERENCE):
        return violation_of(store, rule, position)
    if meaning is Meaning.UNAVAILABLE and where:
        name = f"at {where}: {name}"
    named = _named(str(arguments[1])) if len(arguments) > 1 and code in _NAMING else None
    if code in _CHECKS and step is not None and named:
        return tables.check(store, step.collection, step.table, named.rpartition(".")[2], position)
    if code in _NULLS and step is not None and (mismatch := unsent(store, step, named, is_certain=False)) is not None:
        return mismatch
    return error_of(meaning, store, name, step.collection if step else None, position, named)


def _named(message: str) -> str | None:
    """The constraint or the column that a message of MariaDB or MySQL speaks of."""
    found = _NAMED.search(message)
    return found[1] or found[2] if found is not None else None


def _meaning(error: BaseException, code: int | None) -> Meaning:
    if code is not None and code in MYSQL:
        return MYSQL[code]
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return Meaning.UNAVAILABLE
    found = next((meaning for kind, meaning in _CLASSES.items() if isinstance(error, kind)), None)
    if found is None:
        return Meaning.UNAVAILABLE if isinstance(error, OSError) else Meaning.DEFECT
    return found if code is None or found is not Meaning.UNAVAILABLE else Meaning.DEFECT


def _rule(tables: Tables, message: str, step: Step) -> Rule | None:
    constraint = _CONSTRAINT.search(message)
    if constraint is not None:
        return tables.rule(constraint[1])
    key = _KEY.search(message)
    if key is None:
        return None
    if key[1] != "PRIMARY":
        return tables.rule(key[1], there.place if (there := tables.found(step.table)) is not None else None)
    layout = tables.layout(step.collection)
    if step.table is layout.table:
        return Rule("key", step.collection, layout.schema.key)
    fields = tuple(name for name, link in layout.links.items() if link.table is step.table)
    return Rule("unique", step.collection, fields)
