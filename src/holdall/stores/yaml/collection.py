"""Options of one collection in a YAML store beyond its schema: in which file its records lie, and how."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from holdall.errors import DeclarationError
from holdall.query import Kind, Schema

__all__ = ["LAYOUTS", "Layout", "YamlCollection"]

Layout = Literal["record", "collection", "mapping"]
"""A file per record (``<collection>/<key>.yaml``), or a file per collection (``<collection>.yaml``) that lists its
records, or is a mapping from their keys to their fields."""

LAYOUTS = ("record", "collection", "mapping")
"""Every layout."""

_DEEPEST = 3  # parts of a path that the journal of a store takes
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,20}")
_STEP = re.compile(r"(?<!\\)\.")


class YamlCollection(msgspec.Struct, frozen=True, kw_only=True):
    """Options of one collection, given as ``add_store(..., collections={"person": YamlCollection(at="people")})``.

    - ``layout`` is that of this collection, if not the store's.
    - ``file`` is where a list or mapping lies, a path below the store's folder; several collections may share a file.
    - ``at`` is the place of the list or mapping inside the file, names with dots between them; a dot that is part of a
      name has a backslash before it. Everything else in the file stays as it is.
    - ``value`` names the field that the values of a mapping are, where these are no mappings of fields:
      ``en: English``.
    - ``body`` names the text that stands below the front matter of pages: a file per record that begins with the other
      fields between two lines of ``---``. ``extension`` is what the names of such files end with, ``.md`` if not given.

    >>> from holdall.stores.yaml import open_yaml
    >>> team = YamlCollection(layout="mapping", file="site.yaml", at="team.people")
    >>> store = open_yaml("main", "yaml:./site", collections={"person": team})
    """

    layout: Layout | None = None
    file: str = ""
    at: str = ""
    value: str = ""
    body: str = ""
    extension: str = ""

    @property
    def steps(self) -> tuple[str, ...]:
        """The names that lead to the place in the file."""
        return tuple([step.replace("\\.", ".") for step in _STEP.split(self.at)]) if self.at else ()

    def demand(self, store: str, schema: Schema, layout: str) -> None:
        """Raise DeclarationError for options that do not go together."""
        where = f"store {store!r}: {schema.name}"
        if layout not in LAYOUTS:
            raise DeclarationError(f"{where} has one of the layouts {', '.join(LAYOUTS)}, not {layout!r}")
        if layout == "record" and (self.file or self.at):
            raise DeclarationError(f'{where} has a file per record; file= and at= are for "collection" and "mapping"')
        self._demand_pages(where, schema, layout)
        parts = self.file.split("/") if self.file else []
        if len(parts) > _DEEPEST or any(
            part in ("", ".", "..") or part.startswith(".holdall") or "\0" in part for part in parts
        ):
            raise DeclarationError(
                f"{where}: file={self.file!r} is no path below the store's folder, of two folders at most"
            )
        if self.file and not self.file.endswith((".yaml", ".yml")):
            raise DeclarationError(f"{where}: file={self.file!r} must end in .yaml or .yml")
        if layout == "mapping" and len(schema.key) > 1:
            raise DeclarationError(f"{where} has a key of several fields, which no name in a mapping can be")
        if self.value and (layout != "mapping" or self.value not in schema.by_name or self.value in schema.key):
            raise DeclarationError(f"{where}: value={self.value!r} names the field that the values of a mapping are")
        if self.value and len(schema.stored) != 2:
            raise DeclarationError(f"{where}: with value= there is one field beside the key")

    def _demand_pages(self, where: str, schema: Schema, layout: str) -> None:
        if self.extension and not self.body:
            raise DeclarationError(f"{where}: extension= is for pages, which have a body=")
        if not self.body:
            return
        if layout != "record":
            raise DeclarationError(f"{where}: body= is for pages, a file per record")
        field = schema.by_name.get(self.body)
        if field is None or not field.is_stored or field.kind is not Kind.STR or field.nullable:
            raise DeclarationError(f"{where}: body={self.body!r} names a field of text that cannot be None")
        if self.body in schema.key:
            raise DeclarationError(f"{where}: body={self.body!r} is the key, which is the name of the file")
        if self.extension and not _EXTENSION.fullmatch(self.extension):
            raise DeclarationError(f"{where}: extension={self.extension!r} must be a dot and letters, as .md is")
