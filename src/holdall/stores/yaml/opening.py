"""A YAML store from its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdall.errors import DeclarationError
from holdall.store import demand_options
from holdall.stores.yaml.collection import YamlCollection
from holdall.stores.yaml.store import YamlStore

__all__ = ["open_yaml"]


def open_yaml(name: str, url: str, **options: Any) -> YamlStore:
    """Open the store behind ``yaml:./folder`` and ``yaml:/absolute/folder``; options are those of ``YamlStore``.

    Raises DeclarationError for a URL without a folder or with options in it, or an unknown option.

    >>> open_yaml("main", "yaml:./reference").name
    'main'
    """
    path = url.partition(":")[2]
    if path.startswith("//"):
        path = path[2:]
    if not path or "\0" in path:
        raise DeclarationError(f"store {name!r}: {url!r} names no folder; write yaml:./folder or yaml:/absolute/folder")
    if "?" in path:
        raise DeclarationError(
            f"store {name!r}: its URL takes no options behind a ?; give them to add_store, as in layout='collection'"
        )
    demand_options(("layout", "max_file_bytes", "max_records", "lock_timeout", "collections"), name, options)
    for collection, given in (options.get("collections") or {}).items():
        if not isinstance(given, YamlCollection):
            raise DeclarationError(f"store {name!r}: the options of {collection} are a YamlCollection")
    return YamlStore(name, Path(path), **options)
