"""The packages of each extra of Holdall: which are installed, and which are missing or too old."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version

import msgspec

__all__ = ["Extra", "extras"]

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*(?:>=\s*([\d.]+))?.*extra == ['\"]([\w-]+)['\"]")
_ALL = "all"


class Extra(msgspec.Struct, frozen=True):
    """An extra: what is there of it, with versions, and what is not as it should be, with the reason."""

    name: str
    there: dict[str, str]
    amiss: dict[str, str]


def extras() -> Iterator[Extra]:
    """Every extra of the installed Holdall, as its own metadata names them."""
    wanted = dict[str, dict[str, str]]()
    for name in metadata("holdall").get_all("Provides-Extra") or ():
        wanted[name] = {}
    for line in requires("holdall") or ():
        if found := _REQUIREMENT.match(line):
            package, least, extra = found.groups()
            wanted[extra][package] = least or "0"
    for name, packages in sorted(wanted.items()):
        if name != _ALL:
            yield _looked_at(name, packages)


def _looked_at(name: str, packages: dict[str, str]) -> Extra:
    there, amiss = dict[str, str](), dict[str, str]()
    for package, least in packages.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            amiss[package] = "missing"
            continue
        if _numbers(found) < _numbers(least):
            amiss[package] = f"{found}, needs {least}"
        else:
            there[package] = found
    return Extra(name, there, amiss)


def _numbers(text: str) -> list[int]:
    """The numbers that a version begins with: those of a release."""
    release = re.match(r"\d+(?:\.\d+)*", text)
    return [int(part) for part in release[0].split(".")] if release else []
