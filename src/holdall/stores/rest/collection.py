"""A collection of somebody else's API, declared by hand: where it is, what can be done, how its JSON looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from holdall.stores.rest.call import Call
from holdall.stores.rest.errors import Refusals
from holdall.stores.rest.filters import Filters, Sorting
from holdall.stores.rest.paging import LastRecord, Paging
from holdall.stores.rest.versions import Versions

__all__ = ["RestCollection"]


class RestCollection(msgspec.Struct, frozen=True, kw_only=True):
    """The declaration of one collection at the API. Places in JSON are dotted: ``meta.total``.

    - ``path`` is one record's, with the key's fields in braces, or ``{key}`` for the whole key; ``list_path`` is the
      list's, else ``path`` up to its last part.
    - ``get``, ``list``, ``add``, ``update`` and ``remove`` say how a verb is called; None where the API cannot do it.
      They are GET, GET, POST to the list (or PUT to the record), PATCH (or PUT of the whole record) and DELETE.
    - ``names`` gives fields another place in the JSON of a record than their own name. ``read_only`` are
      never sent.
    - ``item_at``, ``list_at`` and ``total_at`` are where answers hold the record, the list and its length;
      ``total_header`` is the header with the latter. ``wrap`` is the place at which a payload is sent. ``unwrap``
      turns an answer's JSON into the record or the list before anything else looks at it.
    - ``paging``, ``filters``, ``sort`` and ``fields`` (the parameter that asks for some fields only) are how a list is
      narrowed; ``order`` names the fields by which it comes sorted of itself.
    - ``in_path`` are fields that stand in the paths alone, as ``author`` in ``/authors/{author}/books/{id}``, and
      neither in answers nor in payloads. A list whose path names fields is read once for each of their values: queries
      must say which, with ``==`` or ``in_``.
    - ``keys``: made by us, or by the API, which tells them in the answer's body or its ``Location``.
    - ``version`` is how the API refuses to overwrite. ``is_unique`` and ``has_references``: the API keeps the unique
      rules and the references of the model. ``refusals`` tells its reasons for 409 and 422 apart.
    - ``guard_header``: ``If-None-Match: *`` goes with a PUT that adds, so that it overwrites nothing. An API that does
      not know it is asked for the record before, which does not help where two add it at the same moment.
    - ``scan_limit``: Holdall does what the API cannot, over at most this many records of its list; None refuses it.
      ``row_limit`` bounds every other list, ``url_limit`` the characters of a URL.

    Example: :func:`open_rest`.
    """

    path: str
    list_path: str = ""
    get: Call | None = Call()
    list: Call | None = Call()
    add: Call | None = Call()
    update: Call | None = Call()
    remove: Call | None = Call()
    names: Mapping[str, str] = {}
    read_only: frozenset[str] = frozenset()
    in_path: frozenset[str] = frozenset()
    item_at: str = ""
    list_at: str = ""
    total_at: str = ""
    total_header: str = ""
    wrap: str = ""
    unwrap: Callable[[Any], Any] | None = None
    paging: Paging | None = None
    filters: Filters | None = None
    sort: Sorting | None = None
    order: tuple[str, ...] = ()
    fields: str = ""
    keys: Literal["client", "server"] = "client"
    version: Versions | None = None
    is_unique: bool = False
    has_references: bool = False
    refusals: Refusals = Refusals()
    guard_header: bool = True
    scan_limit: int | None = None
    row_limit: int = 10_000
    url_limit: int = 8_000

    def renamed(self, names: Mapping[str, str]) -> RestCollection:
        """The same for a model whose fields are called otherwise.

        >>> RestCollection(path="/books/{bookId}", read_only=frozenset({"bookId"})).renamed({"bookId": "id"}).path
        '/books/{id}'
        """

        def other(name: str) -> str:
            return names.get(name, name)

        def path(text: str) -> str:
            return re.sub(r"\{(\w+)\}", lambda match: f"{{{other(match[1])}}}", text)

        filters, sort, paging = self.filters, self.sort, self.paging
        if filters is not None and filters.fields is not None:
            filters = msgspec.structs.replace(filters, fields={other(n): ops for n, ops in filters.fields.items()})
        if sort is not None and sort.fields is not None:
            sort = msgspec.structs.replace(sort, fields=frozenset(map(other, sort.fields)))
        if isinstance(paging, LastRecord):
            paging = msgspec.structs.replace(paging, field=other(paging.field))
        return msgspec.structs.replace(
            self,
            path=path(self.path),
            list_path=path(self.list_path),
            names={other(name): place for name, place in self.names.items()},
            read_only=frozenset(map(other, self.read_only)),
            in_path=frozenset(map(other, self.in_path)),
            order=tuple(map(other, self.order)),
            filters=filters,
            sort=sort,
            paging=paging,
        )
