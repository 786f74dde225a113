"""The web service, found by the entry points ``holdall.hosts`` so that the application needs no import of it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from holdall.errors import DeclarationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["of_web"]


@cache
def _hosts() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # takes its time, and only services need it

    return {point.name: point for point in entry_points(group="holdall.hosts")}


def of_web(name: str) -> Any:
    """Return what the web service offers under this name. Raises DeclarationError where it is not installed."""
    from importlib import import_module

    hosts = _hosts()
    try:
        return hosts[name].load() if name in hosts else getattr(import_module(hosts["asgi"].module), name)
    except (KeyError, ImportError) as error:
        what, extra = ("back office", "admin") if name == "back_office" else ("web service", "web")
        raise DeclarationError(f"the {what} needs more packages: pip install 'holdall[{extra}]' ({error})") from error
