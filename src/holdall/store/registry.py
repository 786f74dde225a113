"""From a URL to a store: schemes are entry points of the group ``holdall.stores``, so anyone can add one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from holdall.errors import DeclarationError
from holdall.store.contract import Store

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["open_store"]


@cache
def _schemes() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # takes its time, and a store made by hand does not need it

    return {point.name: point for point in entry_points(group="holdall.stores")}


def open_store(name: str, url: str, **options: Any) -> Store:
    """The store at this URL; ``options`` go to it as they are. No I/O is done.

    Raises DeclarationError for an unknown scheme, or where the scheme's optional driver is not installed.
    """
    scheme = url.partition(":")[0]
    point = _schemes().get(scheme)
    if point is None:
        known = ", ".join(sorted(_schemes()))
        raise DeclarationError(f"no store speaks {scheme!r}; known schemes: {known}")
    try:
        factory = point.load()
    except ImportError as error:
        raise DeclarationError(f"the store for {scheme!r} needs a driver that is not installed: {error}") from error
    store: Store = factory(name, url, **options)
    return store
