"""A collection as its user may see it: what ``/books/_meta`` says, made ready for pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from urllib.parse import quote

import msgspec

from holdall.admin.kinds import Kind, Node, Shape, leading, shape_of
from holdall.admin.views import AdminView
from holdall.query import Value

__all__ = ["Described", "FieldInfo", "field_of", "labelled", "segment"]

_NAMING = ("name", "title", "label", "login", "subject", "email", "code")
_FEW = 8  # columns of a list, unless a view says more


class FieldInfo(msgspec.Struct, frozen=True):
    """One field of a collection, or one input of an action. Example: :func:`field_of`."""

    name: str
    label: str
    help: str
    shape: Shape
    filters: tuple[str, ...] = ()
    sorts: bool = False
    target: str | None = None  # the collection that a reference leads to
    create: bool = True
    update: bool = True
    required: bool = False
    computed: bool = False
    moves: tuple[Value, ...] = ()
    types: tuple[str, ...] = ()  # of files
    max_size: int = 0
    thumbnail: str = ""  # the largest of a file

    @property
    def kind(self) -> Kind:
        """The kind of its values."""
        return self.shape.kind


def labelled(name: str) -> str:
    """A name as people write it.

    >>> labelled("alternate_names")
    'Alternate names'
    """
    words = name.strip("_").replace("_", " ")
    return words[:1].upper() + words[1:]


def field_of(told: Node, schemas: Node, view: AdminView = AdminView()) -> FieldInfo:  # noqa: B008 - a frozen value
    """Make a field by the object that describes it in ``_meta``.

    >>> field_of({"name": "day", "schema": {"type": "string", "format": "date"}}, {}).kind
    <Kind.DATE: 'date'>
    """
    name = str(told["name"])
    shape = shape_of(told["schema"], schemas)
    target = told.get("target")
    if target is not None:
        shape = _referring(shape, told["schema"])
    is_list = bool(told.get("file", {}).get("several"))  # which is shown, and written by its own paths
    if "file" in told and not is_list:
        shape = Shape(Kind.FILE, nullable=True, description=str(told["schema"].get("description", "")))
    sizes = told.get("file", {}).get("thumbnails", {})
    widget = view.widgets.get(name)
    if widget is not None:
        shape = msgspec.structs.replace(shape, kind=Kind(widget))
    return FieldInfo(
        name,
        view.labels.get(name) or labelled(name),
        view.helps.get(name) or shape.description,
        shape,
        tuple(told.get("filters", ())),
        bool(told.get("sort")),
        target,
        bool(told.get("create", True)) and not is_list,
        bool(told.get("update", True)) and not is_list,
        bool(told.get("required")),
        bool(told.get("computed")),
        tuple(told.get("transitions", ())),
        tuple(told.get("file", {}).get("types", ())),
        int(told.get("file", {}).get("max_size", 0)),
        max(sizes, key=lambda name: (sizes[name], name)) if sizes else "",
    )


def _referring(shape: Shape, schema: Node) -> Shape:
    if shape.kind is Kind.LINES or schema.get("type") == "array":
        return msgspec.structs.replace(shape, kind=Kind.REFERENCES)
    return msgspec.structs.replace(shape, kind=Kind.REFERENCE, item=msgspec.structs.replace(shape, nullable=False))


class Described:
    """A collection as its user may see it.

    >>> told = {"collection": "books", "title": "Book", "key": ["id"], "rights": {}, "fields": [], "schemas": {}}
    >>> Described(told).title
    'Books'
    """

    def __init__(self, told: Node, view: AdminView | None = None) -> None:
        self.view = view or AdminView()
        self.collection = str(told["collection"])
        self.model = str(told["title"])
        self.key: tuple[str, ...] = tuple(told["key"])
        self.rights: Mapping[str, bool] = told["rights"]
        self.schemas: Node = told["schemas"]
        inside = [each for each in told.get("references", ()) if each["kept"] == "inside"]
        fields = [field_of(each, self.schemas, self.view) for each in told["fields"]]
        self.fields = [_with_references(each, inside) for each in fields]
        self.by_name = {each.name: each for each in self.fields}
        self.includes: frozenset[str] = frozenset(told.get("includes", ()))
        self.actions: list[Node] = [_with_label(each) for each in told.get("actions", [])]
        self.selections: list[Node] = [_with_label(each) for each in told.get("selections", [])]

    @property
    def title(self) -> str:
        """Its name, as people write it."""
        return self.view.title or labelled(self.collection)

    @property
    def singular(self) -> str:
        """The name of one record, as people write it."""
        return self.view.singular or labelled(self.model)

    @cached_property
    def naming(self) -> str | None:
        """The field by which people know a record; None where that is its key."""
        wanted = (self.view.naming,) if self.view.naming else _NAMING
        for name in wanted:
            field = self.by_name.get(name)
            if field is not None and field.kind in (Kind.TEXT, Kind.LONG, Kind.CHOICE):
                return name
        return None

    @cached_property
    def columns(self) -> list[str]:
        """The names of the columns of a list, without those that are made by the view."""
        if self.view.columns:
            return [name for name in self.view.columns if name in self.by_name]
        fit = [each.name for each in self.fields if each.kind in _IN_LISTS and each.name not in _NOT_IN_LISTS]
        first = [name for name in (*self.key, self.naming or "") if name in fit]
        leading = [name for name in fit if self.by_name[name].kind is Kind.REFERENCE]
        chosen = list(dict.fromkeys([*first, *leading, *fit]))[:_FEW]
        return [name for name in fit if name in chosen]

    @cached_property
    def others(self) -> list[str]:
        """The references whose other end lies here, and lists of references, as far as they can be included.

        Those inside values, whose names have dots, are shown with the values.
        """
        return sorted(name for name in self.includes if not self._is_single(name) and "." not in name)

    def _is_single(self, name: str) -> bool:
        field = self.by_name.get(name)
        return field is not None and field.kind is Kind.REFERENCE

    def segment(self, record: Mapping[str, Value]) -> str:
        """The path segment of a record's key. Example: :func:`segment`."""
        return segment(record.get(name) for name in self.key)

    def reference_to(self, record: Mapping[str, Value]) -> str:
        """The key of a record as the input of a reference takes it."""
        parts = [record.get(name) for name in self.key]
        return _text(parts[0] if len(parts) == 1 else parts)

    def name_of(self, record: Mapping[str, Value]) -> str:
        """The name by which people know a record."""
        named = record.get(self.naming) if self.naming else None
        if isinstance(named, str) and named.strip():
            return named
        return ", ".join(_text(record.get(name)) for name in self.key)


def _with_references(field: FieldInfo, inside: Iterable[Node]) -> FieldInfo:
    """The field with the references that lie inside its values."""
    shape = field.shape
    for each in inside:
        root, *path = str(each["name"]).split(".")
        if root == field.name:
            shape = leading(shape, path, str(each["collection"]))
    return field if shape is field.shape else msgspec.structs.replace(field, shape=shape)


def _with_label(told: Node) -> Node:
    return told | {"label": labelled(str(told["name"]).replace("-", "_"))}


_IN_LISTS = {
    *(Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.DECIMAL, Kind.FLAG, Kind.CHOICE, Kind.MOMENT, Kind.DATE, Kind.TIME),
    *(Kind.DURATION, Kind.UUID, Kind.REFERENCE, Kind.FILE, Kind.CHOICES),
}
_NOT_IN_LISTS = {"version"}


def segment(key: Iterable[Value]) -> str:
    """The path segment of a key by its parts, as the REST service reads it.

    >>> segment([7, "a/b"]), segment(["_meta"])
    ('7,a%2Fb', '%5Fmeta')
    """
    text = ",".join(quote(_text(part), safe="") for part in _flat(key))
    return "%5F" + text[1:] if text[:1] == "_" else text


def _flat(key: Iterable[Value]) -> Iterable[Value]:
    for part in key:
        if isinstance(part, list):
            yield from _flat(part)
        else:
            yield part


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
