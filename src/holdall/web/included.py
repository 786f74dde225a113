"""Reading ``include=author,books(sort=-title;page_size=5)``: what is to be shown within records that refer to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeAlias

from holdall.errors import FieldError
from holdall.model import Field
from holdall.query import ManyForm, NestedName
from holdall.session import Binding, Bindings
from holdall.web.listing import Inclusion, Listing
from holdall.web.nested_text import inside, split_outside
from holdall.web.text_value import Unreadable

__all__ = [
    "MAX_INCLUDED_DEPTH",
    "MAX_INCLUSIONS",
    "Options",
    "includable",
    "inclusions",
    "is_list",
    "split_names",
    "wanted_of",
    "whole_names",
]

MAX_INCLUSIONS = 20
MAX_INCLUDED_DEPTH = 5
_OF_ONE = frozenset({"fields", "include"})
_OF_NONE = frozenset({"count", "after", "aggregate", "group", "having", "format", "formulas"})

Options: TypeAlias = list[tuple[str, str]]
Refuse: TypeAlias = Callable[[str, str, str], None]
ReadNested: TypeAlias = Callable[[Binding, Options, int], tuple[Listing, Sequence[FieldError]]]
"""Reads the options of an inclusion as a query string of its collection, at this depth."""


def split_names(text: str) -> tuple[list[str], dict[str, Options]]:
    """Part ``fields`` into names of the records themselves, and those of records that are included in them.

    >>> split_names("title,author.name")
    (['title'], {'author': [('fields', 'name')]})
    """
    own, further = list[str](), dict[str, Options]()
    for item in text.split(","):
        name, dot, rest = item.partition(".")
        if dot:
            further.setdefault(name, []).append(("fields", rest))
        else:
            own.append(item)
    return own, further


def wanted_of(text: str) -> dict[str, Options]:
    """The options of each reference that ``include`` names. Raises Unreadable for a wrong form."""
    found: dict[str, Options] = {}
    for item in split_outside(text, ","):
        end = min((place for place in (item.find("."), item.find("(")) if place >= 0), default=len(item))
        name, rest = item[:end], item[end:]
        options = found.setdefault(name, [])
        if rest.startswith("."):
            options.append(("include", rest[1:]))
        elif rest:
            within = inside(rest)
            if within is None:
                raise Unreadable("must be names with commas between them, as in author,books(sort=title;page_size=5)")
            options.extend(_options(within))
    return found


def _options(text: str) -> Iterable[tuple[str, str]]:
    for part in split_outside(text, ";"):
        name, separator, value = part.partition("=")
        if not separator:
            raise Unreadable("must have name=value in parentheses, with ; between several of them")
        yield name, value


def inclusions(
    binding: Binding, bindings: Bindings, wanted: dict[str, Options], depth: int, read: ReadNested, refuse: Refuse
) -> tuple[Inclusion, ...]:
    """The inclusions that these references, each with its options, ask for."""
    if wanted and depth > MAX_INCLUDED_DEPTH:
        refuse("include", "length", f"must not lead further than {MAX_INCLUDED_DEPTH} references")
        return ()
    if len(wanted) > MAX_INCLUSIONS:
        refuse("include", "length", f"must not name more than {MAX_INCLUSIONS} references")
        return ()
    found, known = [], includable(binding, bindings.hidden_names.get(binding.collection, ()))
    for name, options in whole_names(known, wanted).items():
        field = known.get(name)
        if field is None or field.target is None:
            refuse("include", "unknown", "names something that is no reference")
            continue
        target, is_many = bindings.of_model(field.target()), is_list(field)
        if (wrong := _wrong_option(options, is_many=is_many)) is not None:
            refuse(f"include.{name}.{wrong}", "unknown", "is not a parameter here")
            continue
        listing, errors = read(target, options, depth + 1)
        for error in errors:
            refuse(f"include.{name}.{error.path}", error.code, error.message)
        shown = listing if is_many else None
        found.append(Inclusion(field, target, listing.names, listing.includes, shown))
    return tuple(found)


def whole_names(known: Collection[str], wanted: dict[str, Options]) -> dict[str, Options]:
    """The options by the whole names of references: of those inside values, dots belong to the name.

    >>> whole_names(["address.city"], {"address": [("include", "city.country"), ("fields", "city.name")]})
    {'address.city': [('include', 'country'), ('fields', 'name')]}
    """
    found = dict[str, Options]()
    pending = list(wanted.items())
    while pending:
        name, options = pending.pop(0)
        if name in known or not options or not any(each.startswith(f"{name}.") for each in known):
            found.setdefault(name, []).extend(options)
            continue
        for option, text in options:
            if option == "fields":
                first, _, rest = text.partition(".")
                pending.append((f"{name}.{first}", [("fields", rest)] if rest else []))
            elif option == "include":
                pending.extend((f"{name}.{first}", further) for first, further in wanted_of(text).items())
            else:
                found.setdefault(name, []).append((option, text))
    return found


def is_list(field: Field) -> bool:
    """Whether a reference leads to a list of records that is shown page by page, and not to one at most, or to one at
    each of several places inside a value.
    """
    return field.form is not None and not field.is_single and field.root is field


def _wrong_option(options: Options, *, is_many: bool) -> str | None:
    if not is_many:
        return next((name for name, _ in options if name not in _OF_ONE), None)
    return next((name for name, _ in options if name in _OF_NONE), None)


def includable(binding: Binding, hidden: Collection[str] = ()) -> dict[str, Field]:
    """The references of a collection's records whose records can be shown in them, by name."""
    return {
        field.name.plain if isinstance(field.name, NestedName) else field.name: field
        for field in (*binding.declaration.relations, *binding.declaration.nested.values())
        if field.name not in hidden and field.root.name not in hidden
        if field.form is not ManyForm.BACK or field.options.back is not None
    }
