"""Checks of what an application is given while it is declared, before anything is kept of it."""

from __future__ import annotations

from math import inf

from holdall.errors import DeclarationError
from holdall.model import Model
from holdall.policy import Policy

__all__ = ["demand_lease", "demand_model", "demand_name", "demand_policy", "demand_store"]

_VERBS = ("bind", "fetch", "apply")


def demand_name(what: str, name: object) -> None:
    """Raise DeclarationError for what cannot be a name."""
    if not isinstance(name, str) or not name or name != name.strip() or not name.isprintable():
        shown = "an empty one" if name == "" else f"a {type(name).__name__}" if not isinstance(name, str) else "that"
        raise DeclarationError(f"the name of {what} is a word, not {shown}")


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
    if not given.__holdall__.key:
        raise DeclarationError(f"{name} has no key: say field(pk=True) of the field that names a record")


def demand_policy(given: object) -> None:
    """Raise DeclarationError for what is no policy."""
    if not isinstance(given, Policy):
        raise DeclarationError(f"policy= takes a Policy, such as Policy(read=Everyone), not {type(given).__name__}")
