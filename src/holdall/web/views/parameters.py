"""List parameters in the names of a view's schema: translated to those of fields, refused where it hides them."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote_plus

from holdall.errors import FieldError
from holdall.web.dialect import CONTROLS
from holdall.web.filter_groups import GROUPS, MAX_DEPTH
from holdall.web.filters import SEARCH
from holdall.web.nested_text import inside, split_outside
from holdall.web.parameters import not_understood, parameters_of, unknown_parameter
from holdall.web.text_value import Unreadable
from holdall.web.views.forms import Form

__all__ = ["translated"]

_UNTRANSLATED = (
    "include",
    "aggregate",
    "group",
    "having",
    "format",
    "formulas",
)  # a schema says itself what is shown of records


def translated(query_string: bytes, form: Form, own: Collection[str]) -> bytes:
    """Rewrite a query string in the names of the model's fields, without the view's own parameters.

    Raises Problem for names that the view's schema does not show.
    """
    if form.is_derived and not own:
        return query_string
    errors: list[FieldError] = []
    pairs = []
    for name, value in parameters_of(query_string):
        if name in own:
            continue
        if form.is_derived:
            pairs.append((name, value))
        elif name in _UNTRANSLATED:
            errors.append(unknown_parameter(name))
        elif name in GROUPS:
            pairs.append((name, _group(form, name, value, errors)))
        elif name in ("sort", "fields"):
            items = [_control(form, name, item, errors) for item in value.split(",")]
            pairs.append((name, ",".join(items)))
        elif name in CONTROLS:
            pairs.append((name, value))
        elif (translated := _filter(form, name)) is not None:
            pairs.append((translated, value))
        else:
            errors.append(unknown_parameter(name))
    if errors:
        raise not_understood(errors)
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()


def _filter(form: Form, name: str) -> str | None:
    """The name of a filter in fields of the model; None where the schema does not show what it asks for."""
    if name == SEARCH and form.declaration.search:
        return name if form.is_searched else None
    if (path := _path(form, name)) is not None:
        return f"{path}__eq" if path in (*CONTROLS, SEARCH) else path
    dotted, separator, operator = name.rpartition("__")
    path = _path(form, dotted) if separator else None
    return None if path is None else f"{path}__{operator}"


def _group(form: Form, word: str, text: str, errors: list[FieldError], depth: int = 1) -> str:
    """A group of filters with the names of fields in them; as it was where its form is wrong, which is told later."""
    within = inside(text)
    if within is None or depth > MAX_DEPTH:
        return text
    items = []
    try:
        for item in split_outside(within, ","):
            name, separator, value = item.partition("=")
            if name in GROUPS:
                items.append(f"{name}={_group(form, name, value, errors, depth + 1)}")
            elif (found := _filter(form, name)) is None:
                errors.append(unknown_parameter(f"{word}.{name}"))
            else:
                items.append(f"{found}{separator}{value}")
    except Unreadable:
        return text
    return f"({','.join(items)})"


def _control(form: Form, control: str, item: str, errors: list[FieldError]) -> str:
    sign = "-" if control == "sort" and item.startswith("-") else ""
    path = _path(form, item.removeprefix(sign))
    if path is None:
        what = (
            "names something that cannot be sorted by" if control == "sort" else "names something that is not a field"
        )
        errors.append(FieldError(control, "unknown", what))
    return sign + (path or item)


def _path(form: Form, dotted: str) -> str | None:
    """The path of fields that a dotted name stands for; None where the schema does not show it."""
    path = form.path(tuple(dotted.split(".")))
    return None if path is None else ".".join(path)
