"""From a URL to a store: schemes are entry points of the group ``holdall.stores``, so anyone can add one.

A URL that names a driver, ``scheme+driver:``, is that of its scheme; where no store has that, it goes to the entry
point ``dialect+driver``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from holdall.errors import DeclarationError
from holdall.query import did_you_mean
from holdall.store.contract import Store
from holdall.store.options import demand_options

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["extra_of", "open_store", "refuse_fragment"]

_EXTRAS = {
    **dict.fromkeys(("sqlite", "postgresql", "postgres"), "sql"),
    **dict.fromkeys(("mariadb", "mysql"), "mysql"),
    **dict.fromkeys(("mongodb", "mongodb+srv"), "mongo"),
    **dict.fromkeys(("redis", "rediss", "redis+cluster", "rediss+cluster"), "redis"),
    **dict.fromkeys(("http", "https"), "rest"),
}
"""What to install for which scheme."""

_ANY_DRIVER = "dialect+driver"


@cache
def _schemes() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # takes its time, and a store made by hand does not need it

    return {point.name: point for point in entry_points(group="holdall.stores")}


def extra_of(url: str) -> str | None:
    """The extra of Holdall that installs the driver of a URL; None where there is nothing to install.

    >>> extra_of("postgresql://db/library"), extra_of("memory:")
    ('sql', None)
    """
    scheme = url.partition(":")[0].strip().lower()
    return _EXTRAS.get(scheme) or _EXTRAS.get(scheme.partition("+")[0])


def open_store(name: str, url: str, **options: object) -> Store:
    """Open the store at this URL; ``options`` go to its factory as they are. No I/O is done.

    Raises DeclarationError, with the name of the store, for an unknown scheme, a driver that is not installed, or an
    option that is unknown or does not fit.

    >>> open_store("main", "memory:").name
    'main'
    """
    try:
        return _opened(name, url, options)
    except DeclarationError as error:
        if repr(name) in str(error):
            raise
        raise DeclarationError(f"store {name!r}: {error}") from error


def _opened(name: str, url: str, options: Mapping[str, object]) -> Store:
    scheme, colon, rest = url.partition(":")
    scheme = scheme.strip().lower()  # RFC 3986, section 3.1
    url = f"{scheme}{colon}{rest}"
    schemes = _schemes()
    point = schemes.get(scheme) or schemes.get(scheme.partition("+")[0])
    if point is None and "+" in scheme:
        point = schemes.get(_ANY_DRIVER)
    if point is None:
        raise DeclarationError(_unknown(scheme, bool(colon), schemes))
    try:
        factory = point.load()
    except ImportError as error:
        extra = extra_of(url)
        way = f"pip install 'holdall[{extra}]'" if extra else str(error)
        raise DeclarationError(f"the store for {scheme!r} needs a driver that is not installed: {way}") from error
    _demand_parameters(factory, name, options)
    store: Store = factory(name, url, **options)
    return store


def _demand_parameters(factory: Callable[..., Any], store: str, options: Mapping[str, object]) -> None:
    """Raise DeclarationError for an option that a factory does not name; one with ``**options`` looks itself."""
    parameters = list(signature(factory).parameters.values())
    if all(parameter.kind is not Parameter.VAR_KEYWORD for parameter in parameters):
        demand_options([parameter.name for parameter in parameters[2:]], store, options)


def refuse_fragment(url: str) -> None:
    """Raise DeclarationError for a URL with a fragment: a name or password with a # would be read without its end.

    >>> refuse_fragment("postgresql://jane:se#cret@db/library")
    Traceback (most recent call last):
    holdall.errors.DeclarationError: a # ends a URL; where it is part of a name, path or password, write %23
    """
    if "#" in url:
        raise DeclarationError("a # ends a URL; where it is part of a name, path or password, write %23")


def _unknown(scheme: str, is_scheme: bool, known: Collection[str]) -> str:
    if not is_scheme or len(scheme) == 1 or "/" in scheme:  # a path, on Windows with its drive
        return "a store is named by a URL: a SQLite file is sqlite:///file.db, a folder of YAML files yaml:./folder"
    if scheme == "file":
        return "no store speaks 'file'; a SQLite file is sqlite:///file.db, a folder of YAML files yaml:./folder"
    near = did_you_mean(scheme.partition("+")[0], sorted(known), len(known))
    return f"no store speaks {scheme!r}{near}"
