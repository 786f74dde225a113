"""The references of a collection as it tells them: where each leads, to how many, its other end and its rules."""

from __future__ import annotations

from holdall.query import Json
from holdall.session import Binding
from holdall.web.openapi.access import Access
from holdall.web.openapi.reference_ends import ends_of, plain_name

__all__ = ["references_of"]


def references_of(binding: Binding, access: Access) -> list[dict[str, Json]]:
    """Return a description of each reference of the collection and each other end, as far as ``access`` goes.

    >>> from holdall import Holdall, Many, Model, Ref, back, field
    >>> from holdall.web.openapi.access import EVERYTHING
    >>> class Author(Model):
    ...     id: int = field(pk=True)
    ...     books: Many["Book"] = back("author")
    >>> class Book(Model):
    ...     id: int = field(pk=True)
    ...     author: Ref[Author]
    >>> app = Holdall("library")
    >>> app.add_store("main", "memory:")
    >>> app.add(Author, Book, store="main")
    >>> app.bindings.configure()
    >>> (told,) = references_of(app.bindings.of_name("book"), EVERYTHING)
    >>> told["collection"], told["cardinality"], told["other_end"], told["on_delete"]
    ('author', 'one', 'books', 'restrict')
    """
    found = list[dict[str, Json]]()
    for end, other, relationship in ends_of(binding):
        name = plain_name(end)
        if end.root.name in access.hidden or name in access.leads_to:
            continue
        is_own = end is relationship.field
        known = other is not None and name not in access.one_sided
        found.append(
            {
                "name": name,
                "collection": (relationship.target if is_own else relationship.source).collection,
                "cardinality": "one" if end.form is None or end.is_single else "many",
                "required": is_own and end.form is None and not end.nullable,
                "other_end": plain_name(other) if other is not None and known else None,
                "kept": ("inside" if end.root is not end else "here") if end.is_stored else "there",
                "on_delete": relationship.on_delete.value,
            }
        )
    return found
