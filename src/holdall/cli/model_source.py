"""The source of models, and of the application around them, for collections that a store describes."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from holdall.cli.source_text import (
    WIDTH,
    beginning,
    class_name,
    comment,
    distinct,
    doors_of,
    literal,
    plural,
    quoted,
    snake,
    tuple_of,
    words_of,
)
from holdall.model import Model
from holdall.query import FieldSchema, Generated, Kind, ManyForm, Schema
from holdall.store import Described, Description, NamingFields

__all__ = ["module_source"]

_TYPES = {
    Kind.BOOL: "bool",
    Kind.INT: "int",
    Kind.FLOAT: "float",
    Kind.DECIMAL: "Decimal",
    Kind.STR: "str",
    Kind.BYTES: "bytes",
    Kind.DATETIME: "datetime",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMEDELTA: "timedelta",
    Kind.UUID: "UUID",
    Kind.JSON: "JSON",
}
_MODULES = {"datetime": "datetime", "date": "datetime", "time": "datetime", "timedelta": "datetime"}
_OURS = ("JSON", "Holdall", "LinkTable", "Many", "Model", "ObjectId", "Ref", "back", "field")
_MODULES |= {"Any": "typing", "Decimal": "decimal", "Literal": "typing", "UUID": "uuid"}


def module_source(url: str, description: Description) -> str:
    """Write a module that type-checks and runs: models in the order of their names, then the application.

    >>> from holdall.query import FieldSchema, Kind, Schema
    >>> key = FieldSchema("BookId", Kind.INT, columns=("BookId",))
    >>> found = Described(Schema("tblBook", (key,), ("BookId",)))
    >>> print(module_source("sqlite:///shop.db", Description((found,))))
    from __future__ import annotations
    <BLANKLINE>
    from holdall import Holdall, Model, field
    <BLANKLINE>
    <BLANKLINE>
    class TblBook(Model, table="tblBook"):
        book_id: int = field(column="BookId", pk=True)
    <BLANKLINE>
    <BLANKLINE>
    app = Holdall("shop")
    app.add_store("main", "sqlite:///shop.db")
    app.add(TblBook, store="main")
    <BLANKLINE>
    """
    found, url = description.collections, description.url or url
    kept = [each for each in found if each.schema.key or (each.schema.is_read_only and each.schema.fields)]
    models = _Models(kept)
    blocks = [models.source(each) for each in kept]
    blocks += [_left_out(each) for each in found if each not in kept]
    options = dict(description.options)
    own = {snake(models.classes[each.schema.name]): models.option(each) for each in kept if each.option}
    options |= {"collections": own} if own else {}
    groups: dict[tuple[str, ...], list[str]] = {}
    for each in kept:
        groups.setdefault(each.accept, []).append(models.classes[each.schema.name])
    lines = [
        f"app = Holdall({quoted(_application(url))})",
        _added_store(url, options),
        *(_added(names, accept) for accept, names in sorted(groups.items())),
    ]
    body = "\n\n\n".join([*blocks, "\n".join(lines)])
    return _imports(body, doors_of(options.values())) + "\n\n\n" + body + "\n"


def _added(names: Sequence[str], accept: Sequence[str]) -> str:
    """The call that adds models which accept the same differences."""
    options = ['store="main"', *([f"accept=[{', '.join(map(quoted, accept))}]"] if accept else [])]
    line = f"app.add({', '.join([*names, *options])})"
    if len(line) <= WIDTH:
        return line
    return "app.add(\n" + "".join(f"    {part},\n" for part in (*names, *options)) + ")"


def _added_store(url: str, options: dict[str, object]) -> str:
    given = "".join(f", {name}={literal(value)}" for name, value in options.items())
    line = f'app.add_store("main", {_place(url)}{given})'
    if len(line) <= WIDTH:
        return line
    lines = [f"    {name}={literal(value, 4, len(name) + 2)},\n" for name, value in options.items()]
    return f'app.add_store(\n    "main",\n    {_place(url)},\n{"".join(lines)})'


def _imports(body: str, doors: dict[str, str]) -> str:
    """The import statements that this source needs; ``doors`` are the modules of the names of options."""
    words = words_of(body)
    lines = ["from __future__ import annotations", ""]
    modules = sorted({module for name, module in _MODULES.items() if name in words})
    if "environ" in words:
        lines.append("import os")
    lines += [
        f"from {module} import {', '.join(sorted(n for n in words if _MODULES.get(n) == module))}" for module in modules
    ]
    if modules or "environ" in words:
        lines.append("")
    lines.append(f"from holdall import {', '.join(name for name in _OURS if name in words)}")
    for module in sorted(set(doors.values())):
        names = ", ".join(sorted(name for name, door in doors.items() if door == module))
        lines.append(f"from {module} import {names}")
    return "\n".join(lines)


def _left_out(each: Described) -> str:
    return "\n".join(
        [comment(f"{each.schema.stored_name} is left out:"), *(comment(f"  {note}") for note in each.notes)]
    )


class _Models:
    """Names of classes and fields for the collections of one store."""

    def __init__(self, found: Sequence[Described]) -> None:
        self.classes: dict[str, str] = {}
        self._fields: dict[str, dict[str, str]] = {}
        for each in found:
            name = each.schema.name
            self.classes[name] = distinct(class_name(name), {*self.classes.values(), *_OURS, *_MODULES, *dir(builtins)})
        for each in found:
            taken: dict[str, str] = {}
            used = {"field", "back"} | {
                word
                for field in each.schema.fields
                for word in re.findall(r"\w+", self._annotation(field, each.annotations))
            }
            for field in each.schema.fields:
                name = self._field_name(field)
                taken[field.name] = distinct(f"{name}_" if name in used else name, taken.values())
            self._fields[each.schema.name] = taken
        self._backs = {each.schema.name: list(self._ends(each.schema.name, found)) for each in found}

    def option(self, each: Described) -> object:
        """The store's option for a collection, with the names that its fields have here."""
        names = self._fields[each.schema.name]
        return each.option.renamed(names) if isinstance(each.option, NamingFields) else each.option

    def _field_name(self, field: FieldSchema) -> str:
        name = snake(field.name)
        if field.kind is Kind.MANY:
            name = plural(snake(str(field.target)))
        elif len(field.columns) > 1:
            name = beginning([snake(column) for column in field.columns]) or name
        elif field.kind is Kind.REF and re.search(r"._?id$", name):
            name = re.sub(r"_?id$", "", name)
        if keyword.iskeyword(name) or hasattr(Model, name) or not name or not (name[0].isalpha() or name[0] == "_"):
            name = f"{name or 'field'}_" if not name[:1].isdigit() else f"field_{name}"
        return name

    def _ends(self, target: str, found: Sequence[Described]) -> Iterator[tuple[str, str, str]]:
        """Class, field and name of the other end for each reference that leads to a collection."""
        taken = set(self._fields[target].values())
        for each in found:
            for field in each.schema.fields:
                if field.target == target:
                    own = self._fields[each.schema.name][field.name]
                    name = distinct(plural(snake(self.classes[each.schema.name])), taken)
                    if name in taken or hasattr(Model, name):
                        continue
                    taken.add(name)
                    yield self.classes[each.schema.name], own, name

    def source(self, each: Described) -> str:
        """The class of one collection, under what is to be said of it."""
        schema = each.schema
        name = self.classes[schema.name]
        options = ["Model"]
        if schema.stored_name != snake(name):
            options.append(f"table={quoted(schema.stored_name)}")
        if schema.namespace is not None:
            options.append(f"schema={quoted(schema.namespace)}")
        if schema.is_read_only:
            options.append("read_only=True")
        together = [rule for rule in schema.unique if len(rule) > 1]
        if together:
            rules = ", ".join(f"({', '.join(quoted(self._fields[schema.name][n]) for n in rule)})" for rule in together)
            options.append(f"unique=[{rules}]")
        lines = list(map(comment, each.notes))
        lines.append(f"class {name}({', '.join(options)}):")
        alone = {rule[0] for rule in schema.unique if len(rule) == 1}
        for field in schema.fields:
            if field.name in each.remarks:
                lines.append(f"    {comment(each.remarks[field.name])}")
            shown = f"{self._fields[schema.name][field.name]}: {self._annotation(field, each.annotations)}"
            lines.append(f"    {self._line(schema, field, shown, alone)}")
        lines += [f'    {own}: Many[{other}] = back("{field}")' for other, field, own in self._backs[schema.name]]
        return "\n".join(lines)

    def _line(self, schema: Schema, field: FieldSchema, shown: str, unique: Collection[str]) -> str:
        name, options = self._fields[schema.name][field.name], list[str]()
        if field.link is not None:
            link = field.link
            parts = [quoted(link.table), f"owner={tuple_of(link.owner)}", f"target={tuple_of(link.target)}"]
            parts += [f"position={quoted(link.position)}"] if link.position else []
            options.append(f"link=LinkTable({', '.join(parts)})")
        elif field.columns != (name,) and not (field.columns == () and field.name == name):
            options.append(f"column={quoted(field.columns[0]) if len(field.columns) == 1 else tuple_of(field.columns)}")
        if field.name in schema.key:
            options.append("pk=True")
        if field.name == schema.version:
            options.append("version=True")
        if field.generated in (Generated.STORE, Generated.CLIENT):
            options.append("generated=True")
        if field.generated is Generated.DEFAULT:
            options += ["server_default=True", *([] if field.nullable else ["default=None"])]
        if field.generated is Generated.COMPUTED:
            options.append("server_computed=True")
        if field.name in unique:
            options.append("unique=True")
        elif (field.name,) in schema.indexes and field.kind is not Kind.REF:
            options.append("index=True")
        if field.max_length is not None:
            options.append(f"length=(0, {field.max_length})")
        if field.digits is not None:
            options.append(f"digits={field.digits}, places={field.places or 0}")
        if field.kind is Kind.MANY:
            options.insert(0, "default=()")
        elif field.nullable and field.generated is not Generated.COMPUTED:
            options.insert(0, "default=None")
        if not options:
            return shown
        if options == ["default=None"]:
            return f"{shown} = None"
        line = f"{shown} = field({', '.join(options)})"
        if len(line) <= WIDTH - 4:
            return line
        return f"{shown} = field(\n" + "".join(f"        {option},\n" for option in options) + "    )"

    def _annotation(self, field: FieldSchema, annotations: Mapping[str, str]) -> str:
        if field.kind is Kind.MANY:
            target = self.classes[str(field.target)]
            return f"Many[{target}]" if field.form is ManyForm.LIST else f"frozenset[Ref[{target}]]"
        empty = " | None" if field.nullable else ""
        if field.kind is Kind.REF:
            return f"Ref[{self.classes[str(field.target)]}{empty}]"
        if field.choices is not None:
            return f"Literal[{', '.join(map(literal, field.choices))}]{empty}"
        if field.is_object_id:
            return f"ObjectId{empty}"
        found = annotations.get(field.name) or _TYPES[field.kind]
        return found if found == "JSON" else found + empty


def _application(url: str) -> str:
    parts = urlsplit(url)
    last = re.sub(r"\.\w+$", "", parts.path.rstrip("/").rpartition("/")[2])
    if parts.scheme in ("http", "https"):
        words = [word for word in (parts.hostname or "").split(".")[:-1] if word not in ("www", "api")]
        last = words[-1] if words and not words[-1].isdigit() else ""
    return snake(last) or "app"


def _place(url: str) -> str:
    """The URL as source; one with a password is read from the environment."""
    return 'os.environ["DATABASE_URL"]' if urlsplit(url).password else quoted(url)
