"""The options that a store is opened with, as its own type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from holdall.errors import DeclarationError
from holdall.query import did_you_mean

__all__ = ["demand_options", "options_of"]

T = TypeVar("T", bound=msgspec.Struct)


def options_of(kind: type[T], store: str, options: Mapping[str, object]) -> T:
    """Make the options of a store, a struct of this kind. Raises DeclarationError for one that is not known or does not
    fit.

    >>> import msgspec
    >>> class Options(msgspec.Struct):
    ...     timeout: float = 30.0
    >>> options_of(Options, "main", {"timeout": 5.0}).timeout
    5.0
    >>> options_of(Options, "main", {"time_out": 5.0})
    Traceback (most recent call last):
    holdall.errors.DeclarationError: store 'main' takes no option 'time_out'; did you mean timeout?
    """
    demand_options(kind.__struct_fields__, store, options)
    try:
        return msgspec.convert(options, kind)
    except msgspec.ValidationError as error:
        raise DeclarationError(f"store {store!r}: {error}") from error


def demand_options(known: Iterable[str], store: str, options: Mapping[str, object]) -> None:
    """Raise DeclarationError for an option that is not among the known ones, with what was probably meant.

    Example: :func:`options_of`.
    """
    names = sorted(known)
    for name in options:
        if name not in names:
            raise DeclarationError(f"store {store!r} takes no option {name!r}{did_you_mean(name, names)}")
