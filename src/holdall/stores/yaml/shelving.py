"""Which shelf a collection gets: by the options of the store and its own."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Schema
from holdall.stores.yaml.bounds import HIDDEN, Bounds
from holdall.stores.yaml.collection import LAYOUTS, Layout, YamlCollection
from holdall.stores.yaml.collection_file import CollectionFile
from holdall.stores.yaml.files import Folder
from holdall.stores.yaml.page_file import PageFile
from holdall.stores.yaml.record_file import RecordFile
from holdall.stores.yaml.record_files import RecordFiles
from holdall.stores.yaml.view import Shelf

__all__ = ["Shelving"]

_RECORD_BYTES = 4 * 2**20  # a request body of 1 MiB fits, whatever is in it
_COLLECTION_BYTES = 64 * 2**20


class Shelving:
    """Makes the shelves of a store. Raises DeclarationError for options that cannot be."""

    def __init__(
        self,
        store: str,
        folder: Folder,
        layout: Layout,
        max_file_bytes: int | None,
        max_records: int | None,
        options: Mapping[str, YamlCollection],
    ) -> None:
        if layout not in LAYOUTS:
            raise DeclarationError(f"a YAML store has one of the layouts {', '.join(LAYOUTS)}, not {layout!r}")
        self._store = store
        self._folder = folder
        self._layout = layout
        self._max_file_bytes = max_file_bytes
        self._max_records = max_records
        self._options = options

    def shelf(self, schema: Schema, others: Mapping[str, Shelf]) -> Shelf:
        """The shelf of a collection beside the others."""
        options = self._options.get(schema.name, YamlCollection())
        layout = options.layout or self._layout
        if schema.name.startswith(HIDDEN) and layout == "mapping":
            layout = "collection"
        options.demand(self._store, schema, layout)
        largest = self._max_file_bytes or (_RECORD_BYTES if layout == "record" else _COLLECTION_BYTES)
        bounds = Bounds(largest, self._max_records).of(schema.name)
        if layout == "record":
            given = self._store, self._folder, schema, bounds
            extensions = (options.extension or ".md",)
            file = PageFile(*given, options.body, extensions) if options.body else RecordFile(*given)
            return RecordFiles(file, self._folder, schema, bounds)
        own = msgspec.structs.replace(options, layout=layout)
        made = CollectionFile(self._store, self._folder, schema, bounds, own)
        for name, other in others.items():
            if isinstance(other, CollectionFile) and name != schema.name and _overlap(made.section, other.section):
                sentence = f"{name} and {schema.name} lie at the same place of one file, or one inside the other"
                raise DeclarationError(f"store {self._store!r}: {sentence}")
        return made

    def demand_options(self, kept: Mapping[str, Shelf]) -> None:
        """Raise DeclarationError for options of a collection that is not kept."""
        unknown = sorted(self._options.keys() - kept.keys())
        if unknown:
            raise DeclarationError(f"store {self._store!r} has options for {unknown[0]}, which it does not keep")


def _overlap(one: tuple[str, tuple[str, ...]], other: tuple[str, tuple[str, ...]]) -> bool:
    """Whether two sections of files have a part in common."""
    length = min(len(one[1]), len(other[1]))
    return one[0] == other[0] and one[1][:length] == other[1][:length]
