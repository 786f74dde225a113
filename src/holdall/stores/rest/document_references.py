"""``$ref`` in OpenAPI documents: pointers (RFC 6901), anchors, identifiers, and other files beside the first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote

from holdall.errors import DeclarationError
from holdall.stores.rest.document_file import read_document_file

__all__ = ["Node", "References"]

Node: TypeAlias = dict[str, Any]
"""An object of a document. Somebody else wrote it: its values are looked at where they are used."""

_MOST_STEPS = 50  # from one reference to the next
_MOST_FILES = 1_000


class References:
    """Follows the references of one document, which was read from ``folder``, if from a file.

    ``merges_siblings``: what stands beside a reference counts, too, as from OpenAPI 3.1 on.
    """

    def __init__(self, whole: object, folder: Path | None, *, merges_siblings: bool) -> None:
        self._folder = None if folder is None else folder.resolve()
        self._merges_siblings = merges_siblings
        self._files: dict[str, object] = {"": whole}
        self._anchors: dict[str, object] | None = None

    def followed(self, found: object) -> tuple[Node, frozenset[str]]:
        """The object that stands there behind all references, and these; an empty one for anything else."""
        passed: list[str] = []
        siblings: Node = {}
        while isinstance(found, Mapping):
            reference = found.get("$ref")
            if not isinstance(reference, str):
                return {**found, **siblings}, frozenset(passed)
            if len(passed) == _MOST_STEPS:
                raise DeclarationError("the document's references run in a circle")
            if self._merges_siblings:
                siblings = {**{name: each for name, each in found.items() if name != "$ref"}, **siblings}
            passed.append(reference)
            found = self._at(reference)
        return siblings, frozenset(passed)

    def _at(self, reference: str) -> object:
        file, _, pointer = reference.partition("#")
        if file and file not in self._files:
            named = self._named(reference)
            if named is not None:
                return named
            self._load(file, reference)
        if pointer and not pointer.startswith("/"):
            named = self._named(reference)
            if named is None:
                raise DeclarationError(f"the document refers to {reference}, which it does not hold")
            return named
        found = self._files[file]
        for step in pointer.split("/")[1:]:
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            elif isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, Mapping) and name.isdigit() and int(name) in found:
                found = found[int(name)]  # a status that YAML takes for a number
            else:
                raise DeclarationError(f"the document refers to {reference}, which it does not hold")
        return found

    def _named(self, reference: str) -> object:
        """Return the object with this anchor or identifier in the first file."""
        if self._anchors is None:
            self._anchors = {}
            pending, seen = [self._files[""]], set[int]()
            while pending:
                each = pending.pop()
                if id(each) in seen:
                    continue
                seen.add(id(each))
                if isinstance(each, Mapping):
                    for name, form in (("$id", "{}"), ("$anchor", "#{}"), ("$dynamicAnchor", "#{}")):
                        if isinstance(each.get(name), str):
                            self._anchors.setdefault(form.format(each[name]), each)
                    pending += each.values()
                elif isinstance(each, list):
                    pending += each
        return self._anchors.get(reference)

    def _load(self, file: str, reference: str) -> None:
        """Read a file below the folder of the first; its own references are made to begin there, too."""
        if self._folder is None or "://" in file or file.startswith(("/", "urn:")):
            raise DeclarationError(f"the document refers to {reference}, outside of itself; put it in one file")
        path = (self._folder / unquote(file)).resolve()
        if not path.is_relative_to(self._folder) or len(self._files) > _MOST_FILES:
            raise DeclarationError(f"the document refers to {reference}, outside of its folder")
        self._files[file] = _based(read_document_file(path), path, self._folder, file, 0)


def _based(found: object, path: Path, folder: Path, file: str, level: int) -> object:
    """The content with every reference as seen from the folder of the first file."""
    if level > 200:
        raise DeclarationError(f"{path} is nested too deeply")
    if isinstance(found, list):
        return [_based(each, path, folder, file, level + 1) for each in found]
    if not isinstance(found, Mapping):
        return found
    made = {name: _based(each, path, folder, file, level + 1) for name, each in found.items()}
    reference = made.get("$ref")
    if isinstance(reference, str):
        other, _, pointer = reference.partition("#")
        if other and "://" not in other:
            target = (path.parent / unquote(other)).resolve()
            other = target.relative_to(folder).as_posix() if target.is_relative_to(folder) else f"/{other}"
        made["$ref"] = f"{other or file}#{pointer}"
    return made
