"""From a URL to a file store: schemes are entry points of the group ``holdall.file_stores``, so anyone can add one."""

from __future__ import annotations

from functools import cache
from inspect import signature
from typing import TYPE_CHECKING
from urllib.parse import unquote

from holdall.errors import DeclarationError
from holdall.files.contract import FileStore
from holdall.files.stores.inside import InsideFiles
from holdall.files.stores.local import Address, LocalFiles
from holdall.files.stores.memory import MemoryFiles
from holdall.query import Value, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["open_blob", "open_file_store", "open_folder", "open_memory"]


@cache
def _schemes() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group="holdall.file_stores")}


def open_file_store(name: str, url: str, **options: Value) -> FileStore:
    """Open the file store at this URL; ``options`` go to its factory. No I/O is done.

    Raises DeclarationError for an unknown scheme, a library that is not installed, or an option that does not fit.

    >>> open_file_store("covers", "memory:").name
    'covers'
    """
    scheme = url.partition(":")[0].strip().lower()
    point = _schemes().get(scheme)
    if point is None:
        near = did_you_mean(scheme, sorted(_schemes()), len(_schemes()))
        raise DeclarationError(f"no file store speaks {scheme!r}: a folder is file:./covers{near}")
    try:
        factory = point.load()
    except ImportError as error:
        raise DeclarationError(
            f"the file store for {scheme!r} needs a library that is not installed: pip install 'holdall[files]'"
        ) from error
    known = [
        each.name for each in list(signature(factory).parameters.values())[2:] if each.kind is not each.VAR_KEYWORD
    ]
    for option in options:
        if known and option not in known:
            raise DeclarationError(
                f"file store {name!r}: it takes no option {option!r}{did_you_mean(option, known, len(known))}"
            )
    try:
        found: FileStore = factory(name, url, **options)
    except TypeError as error:
        raise DeclarationError(f"file store {name!r}: it takes no such option, or not this value of it") from error
    return found


def open_memory(name: str, url: str) -> MemoryFiles:
    """Open a store in memory: ``memory:``. Example: :func:`open_file_store`."""
    return MemoryFiles(name)


def open_blob(name: str, url: str, *, most: int = 4 << 20) -> InsideFiles:
    """Open a store that keeps contents of ``most`` bytes in their records: ``blob:``. Example: :class:`InsideFiles`."""
    return InsideFiles(name, most=most)


def open_folder(name: str, url: str, *, address: Address = "random") -> LocalFiles:
    """Open a folder: ``file:./covers`` or ``file:///var/covers``. Example: :class:`LocalFiles`.

    Raises DeclarationError where the URL names no folder of this machine.
    """
    path = url.partition(":")[2]
    if path.startswith("//"):
        host, slash, path = path[2:].partition("/")
        if host not in ("", "localhost"):
            raise DeclarationError(f"file store {name!r}: a folder of this machine is file:./covers or file:///covers")
        path = slash + path
    if not path or "?" in path or "#" in path:
        raise DeclarationError(f"file store {name!r}: name a folder, as in file:./covers; options are given by name")
    return LocalFiles(name, unquote(path), address=address)
