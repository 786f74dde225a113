"""Checks of what an application is given while it is declared, before anything is kept of it."""

from __future__ import annotations

from collections.abc import Collection
from math import inf
from typing import cast

from holdall.errors import DeclarationError
from holdall.model import Model
from holdall.policy import Grant, Policy
from holdall.query import did_you_mean
from holdall.store import ACCEPTABLE, DIFFERENCES, Store

__all__ = [
    "demand_acceptable",
    "demand_grant",
    "demand_lease",
    "demand_model",
    "demand_name",
    "demand_policy",
    "demand_store",
]

_VERBS = ("bind", "fetch", "apply")


def demand_name(what: str, name: object) -> None:
    """Raise DeclarationError for what cannot be a name."""
    if not isinstance(name, str) or not name or name != name.strip() or not name.isprintable():
        shown = "an empty one" if name == "" else f"a {type(name).__name__}" if not isinstance(name, str) else "that"
        raise DeclarationError(f"the name of {what} is a word, not {shown}")


def demand_grant(given: object) -> Grant:
    """The grant. Raises DeclarationError for what is none."""
    if not callable(getattr(given, "allows", None)):
        raise DeclarationError(f"native= takes a grant, such as Role('analyst'), not {type(given).__name__}")
    return cast(Grant, given)


def demand_lease(seconds: object) -> None:
    """Raise DeclarationError for what is no time that a lease can last."""
    if not isinstance(seconds, int | float) or not 0 < seconds < inf:
        raise DeclarationError("the lease is a number of seconds above zero")


def demand_store(name: str, given: object) -> None:
    """Raise DeclarationError for what is neither a URL nor a store."""
    if isinstance(given, str):
        if not given.strip():
            raise DeclarationError(f"store {name!r}: its URL is empty")
        return
    if isinstance(given, type) or any(not callable(getattr(given, verb, None)) for verb in _VERBS):
        told = f"the class {given.__name__}" if isinstance(given, type) else type(given).__name__
        raise DeclarationError(f"store {name!r} is given by a URL or as a store, not by {told}")


def demand_model(given: object) -> None:
    """Raise DeclarationError for what is no model whose records can be kept."""
    if not isinstance(given, type) or not issubclass(given, Model):
        told = f"the class {given.__name__}" if isinstance(given, type) else f"a {type(given).__name__}"
        raise DeclarationError(f"add() takes models, which are classes derived from Model, not {told}")
    name = given.__name__
    if "__holdall__" not in given.__dict__ or not given.__holdall__.stored:
        raise DeclarationError(f"{name} has no fields to keep")
    if given.__holdall__.is_abstract:
        raise DeclarationError(f"{name} is abstract: add models that derive from it")
    if not given.__holdall__.key and not given.__holdall__.is_read_only:
        raise DeclarationError(
            f"{name} has no key: say field(pk=True) of the field that names a record, or read_only=True of the model"
        )


def demand_acceptable(given: Collection[str], store: Store) -> None:
    """Raise DeclarationError for names of differences that are unknown, that nobody could work with, or that this store
    never reports.
    """
    told = store.capabilities.differences
    if isinstance(given, str) or not all(isinstance(name, str) for name in given):
        raise DeclarationError('accept= takes names of differences, as accept=["collation"]')
    for name in given:
        code = name.partition(":")[0]
        if code not in DIFFERENCES:
            known = ", ".join(sorted(ACCEPTABLE))
            raise DeclarationError(
                f"accept= knows no difference {code!r}{did_you_mean(code, sorted(ACCEPTABLE))}; there are: {known}"
            )
        if code not in ACCEPTABLE:
            raise DeclarationError(f"accept= cannot take {code!r}: {DIFFERENCES[code]}, so nothing could be read")
        if told is not None and code not in told:
            known = ", ".join(sorted(told))
            raise DeclarationError(
                f"accept= names {code!r}, which store {store.name!r} never reports; it knows: {known}"
            )


def demand_policy(given: object) -> None:
    """Raise DeclarationError for what is no policy."""
    if not isinstance(given, Policy):
        raise DeclarationError(f"policy= takes a Policy, such as Policy(read=Everyone), not {type(given).__name__}")
